import path from 'node:path'

/** Files named at the end. */
const SLOWEST = 25
/** Lines kept of what a file said on standard error; shown where one of its tests failed. */
const MOST_LINES = 200

// A reporter for `node --test` that yields nothing but the final counts, the slowest files, and what failed files said
// on standard error, as JSON.
export default async function* counts(source) {
  const files = []
  const failures = new Set()
  const said = new Map()
  for await (const event of source) {
    if (event.type === 'test:stderr') {
      // named as on the command line, while the summary has the whole path
      const file = path.resolve(event.data.file)
      const lines = said.get(file) ?? []
      lines.push(...event.data.message.trimEnd().split('\n'))
      said.set(file, lines.slice(-MOST_LINES))
    }
    if (event.type !== 'test:summary') continue
    const { file, duration_ms: ms, success } = event.data
    if (file !== undefined) {
      if (!success) failures.add(file)
      files.push({ file: path.relative('', file), seconds: Math.round(ms / 1000) })
      continue
    }
    const { passed, failed, cancelled, skipped, todo } = event.data.counts
    const slowest = files
      .sort((a, b) => b.seconds - a.seconds)
      .slice(0, SLOWEST)
      .map(({ seconds, file }) => `${seconds} s  ${file}`)
      .join('\n')
    const words = [...failures]
      .filter((file) => said.has(file))
      .map((file) => `Standard error of ${path.relative('', file)}:\n${said.get(file).join('\n')}\n`)
      .join('\n')
    yield JSON.stringify({ passed, failed: failed + cancelled, skipped: skipped + todo, slowest, words })
  }
}
