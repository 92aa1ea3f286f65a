import path from 'node:path'

/** Files named at the end. */
const SLOWEST = 25

// A reporter for `node --test` that yields nothing but the final counts and the slowest files, as JSON.
export default async function* counts(source) {
  const files = []
  for await (const event of source) {
    if (event.type !== 'test:summary') continue
    const { file, duration_ms: ms } = event.data
    if (file !== undefined) {
      files.push({ file: path.relative('', file), seconds: Math.round(ms / 1000) })
      continue
    }
    const { passed, failed, cancelled, skipped, todo } = event.data.counts
    const slowest = files
      .sort((a, b) => b.seconds - a.seconds)
      .slice(0, SLOWEST)
      .map(({ seconds, file }) => `${seconds} s  ${file}`)
      .join('\n')
    yield JSON.stringify({ passed, failed: failed + cancelled, skipped: skipped + todo, slowest })
  }
}
