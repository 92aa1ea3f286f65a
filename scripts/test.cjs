// Runs the tests under the Node of this project and ends on one plain line: "N passed, N failed, N skipped".
//   node scripts/test.cjs            everything that needs no Debian package
//   node scripts/test.cjs --peers    the suites that run other people's programs
//   node scripts/test.cjs --peers --slow   the heaviest of them: Thunderbird under Xvfb
//   node scripts/test.cjs FILE ...   just these
'use strict'
const { mkdtempSync, readFileSync, rmSync } = require('node:fs')
const { spawnSync } = require('node:child_process')
const os = require('node:os')
const path = require('node:path')

const root = path.join(__dirname, '..')
const args = process.argv.slice(2)
const peers = args.includes('--peers')
const slow = args.includes('--slow')
const named = args.filter((arg) => !arg.startsWith('--'))
const files =
  named.length > 0
    ? named
    : peers
      ? slow
        ? ['test/peers/slow/*.test.ts']
        : ['test/peers/*.test.ts', 'test/peers/foreign/*.test.ts']
      : ['src/**/*.test.ts', 'test/*.test.ts', 'test/suites/**/*.test.ts']

const folder = mkdtempSync(path.join(os.tmpdir(), 'malle-test-'))
const counts = path.join(folder, 'counts.json')
const run = spawnSync(
  path.join(root, 'node_modules', '.bin', 'node'),
  [
    '--test',
    // other people's programs wait more than they compute
    `--test-concurrency=${peers ? 3 : 2}`,
    '--test-reporter=dot',
    '--test-reporter-destination=stdout',
    `--test-reporter=${path.join(root, 'scripts', 'counts-reporter.mjs')}`,
    `--test-reporter-destination=${counts}`,
    ...files,
  ],
  // compiled once for the hundreds of processes of a run
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, NODE_COMPILE_CACHE: path.join(root, 'node_modules', '.cache', 'compiled') },
  },
)
let total = { passed: 0, failed: 1, skipped: 0, slowest: '', words: '' }
try {
  total = JSON.parse(readFileSync(counts, 'utf8'))
} catch (error) {
  process.stderr.write(`The test runner left no counts: ${error.message}\n`)
}
rmSync(folder, { recursive: true, force: true })
if (total.words !== '') process.stderr.write(`\n${total.words}`)
if (process.env.CI && total.skipped > 0) {
  process.stderr.write(`${total.skipped} skipped under CI: a skipped test is a failure here.\n`)
  total = { ...total, failed: total.failed + total.skipped, skipped: 0 }
}
if (process.env.CI) {
  process.stderr.write(`\nThe slowest files:\n${total.slowest}\n`)
}
const failed = run.status !== 0 || total.failed > 0 || total.passed === 0
if (failed && total.failed === 0) total.failed = 1
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`)
process.exitCode = failed ? 1 : 0
