/** The command line's entry. @module */
import { EXIT } from '#lib/exit-codes.ts'
import { programFor } from './program.ts'

/** Runs one command line. @returns the exit code. */
async function main(argv: readonly string[]): Promise<number> {
  const wanted = argv.find((word) => !word.startsWith('-'))
  try {
    const program = await programFor((noun) => noun === wanted)
    await program.parseAsync([...argv], { from: 'user' })
  } catch (error) {
    // it knows every part of Malle: most commands end well and need none of it
    const { failureOf } = await import('./failure.ts')
    const { exitCode, text } = failureOf(error)
    if (text !== '') process.stderr.write(`${text.replace(/^(?! +at )/gm, 'malle: ')}\n`)
    return exitCode
  }
  return Number(process.exitCode ?? EXIT.ok)
}

// `malle account list | head -1` is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})
process.exitCode = await main(process.argv.slice(2))
