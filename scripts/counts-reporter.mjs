import path from 'node:path'

/** Files named at the end. */
const SLOWEST = 25
/** Lines kept of what a file said on standard error; shown where one of its tests failed. */
const MOST_LINES = 200

// A reporter for `node --test` that yields nothing but the final counts, the slowest files, what failed files said on
// standard error, and which files ended before their tests had, as JSON.
export default async function* counts(source) {
  const files = []
  const failures = new Set()
  const said = new Map()
  const whole = new Set()
  let unloaded = 0
  for await (const event of source) {
    if (event.type === 'test:stderr') {
      // named as on the command line, while the summary has the whole path
      const file = path.resolve(event.data.file)
      const lines = said.get(file) ?? []
      lines.push(...event.data.message.trimEnd().split('\n'))
      said.set(file, lines.slice(-MOST_LINES))
    }
    if (event.type === 'test:pass' || event.type === 'test:fail') {
      const { name, nesting, details } = event.data
      // a file of a group (test-together.mjs)
      if (nesting === 0 && details.type === 'suite' && name.endsWith('.test.ts')) {
        files.push({ file: name, seconds: Math.round(details.duration_ms / 1000) })
        // the runner counts no suites, and of this one it has seen no test
        if (event.type === 'test:fail' && details.error?.failureType !== 'subtestsFailed') unloaded++
      } else if (nesting === 0 && event.type === 'test:fail' && path.isAbsolute(name)) failures.add(name)
    }
    if (event.type !== 'test:summary') continue
    const { file, duration_ms: ms, success } = event.data
    if (file !== undefined) {
      whole.add(file)
      if (!success) failures.add(file)
      if (file.endsWith('.test.ts')) files.push({ file: path.relative('', file), seconds: Math.round(ms / 1000) })
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
    yield JSON.stringify({
      passed,
      failed: failed + cancelled + unloaded,
      skipped: skipped + todo,
      slowest,
      words,
      crashed: [...failures].filter((one) => !whole.has(one)),
    })
  }
}
