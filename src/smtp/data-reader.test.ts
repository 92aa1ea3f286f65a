import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DataReader } from './data-reader.ts'
import { SMTPStream } from './engine.ts'

/** What came out of one reader: the message after DATA, and the commands around it. */
interface Read {
  readonly message: string
  readonly commands: readonly string[]
}

/** Feeds a dialog in pieces, DATA being the command that a message follows. */
async function read(reader: InstanceType<typeof SMTPStream>, pieces: readonly Buffer[]): Promise<Read> {
  const commands: string[] = []
  const chunks: Buffer[] = []
  reader.oncommand = (command, callback) => {
    commands.push(command.toString('latin1'))
    if (commands.at(-1) === 'DATA') {
      const stream = reader.startDataMode()
      stream.on('data', (chunk: Buffer) => chunks.push(Buffer.from(chunk)))
      stream.once('end', () => reader.continue())
    }
    callback?.()
  }
  for (const piece of pieces) await new Promise<void>((resolve) => reader.write(piece, () => resolve()))
  await new Promise<void>((resolve) => reader.end(() => resolve()))
  return { message: Buffer.concat(chunks).toString('latin1'), commands }
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const ends = [...new Set(at.map((place) => place % bytes.length)), bytes.length].toSorted((a, b) => a - b)
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end)).filter(({ length }) => length > 0)
}

// A message that ends within a dialog, and what stands in it and behind it.
const DIALOGS = [
  'plain\r\nlines\r\n.\r\nNOOP\r\n',
  '.\r\nNOOP\r\n',
  '..\r\n.\r\nNOOP\r\n',
  'a\r\n..b\r\n...\r\n.\r\nNOOP\r\n',
  'a\n.\r\nb\r\n.\n.\r\n\r\n.\r\nNOOP\r\n',
  '\n.\r\n\r\n.\r\nNOOP\r\n',
  '\r\n.\r\nNOOP\r\n',
  `${'0123456789\r\n'.repeat(20)}.\r\nRSET\r\nNOOP\r\n`,
]

for (const dialog of DIALOGS)
  test(`a message is read as the engine reads it, cut anywhere: ${JSON.stringify(dialog).slice(0, 50)}`, async () => {
    const bytes = Buffer.from(`DATA\r\n${dialog}`)
    for (let at = 0; at < bytes.length; at += 1)
      for (const more of [at, at + 1, at + 5]) {
        const pieces = cut(bytes, [at, more])
        assert.deepEqual(await read(new DataReader(), pieces), await read(new SMTPStream(), pieces), `${at}, ${more}`)
      }
  })

test('whatever stands in a message, it is read as the engine reads it', async () => {
  const piece = fc.constantFrom('\r\n', '\n', '.', '..', '\r', 'a', 'some text', '\r\n.', '\r\n.\r\n', 'x'.repeat(40))
  await fc.assert(
    fc.asyncProperty(fc.array(piece), fc.array(fc.nat(), { maxLength: 6 }), async (parts, cuts) => {
      const pieces = cut(Buffer.from(`DATA\r\n${parts.join('')}\r\n.\r\nNOOP\r\n`), cuts)
      assert.deepEqual(await read(new DataReader(), pieces), await read(new SMTPStream(), pieces))
    }),
    { numRuns: 300 },
  )
})
