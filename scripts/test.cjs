// Runs the tests under the Node of this project and ends on one plain line: "N passed, N failed, N skipped".
//   node scripts/test.cjs            everything that needs no Debian package
//   node scripts/test.cjs --peers    the suites that run other people's programs
//   node scripts/test.cjs --peers --slow   the heaviest of them: Thunderbird under Xvfb
//   node scripts/test.cjs FILE ...   just these
'use strict'
const { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { spawnSync } = require('node:child_process')
const os = require('node:os')
const path = require('node:path')
const { pathToFileURL } = require('node:url')

/** Files in one process; more of them save little, and leave a core idle at the end. */
const TOGETHER = 12

const root = path.join(__dirname, '..')
const args = process.argv.slice(2)
const peers = args.includes('--peers')
const slow = args.includes('--slow')
const named = args.filter((arg) => !arg.startsWith('--'))
const folder = mkdtempSync(path.join(os.tmpdir(), 'malle-test-'))
/** What a group holds, by its file. */
const held = new Map()
const files = named.length > 0 ? named : peers ? programsOfOthers() : [...groups('src'), ...ours()]
let total = run(files)
// What such a group had to say went with it: its files again, each by itself.
for (const group of total.crashed) {
  const own = held.get(group)
  if (own === undefined) continue
  process.stderr.write(`\n${path.basename(group)} ended early; its files one by one:\n`)
  const alone = run(own)
  for (const key of ['passed', 'failed', 'skipped']) total[key] += alone[key]
  total.words += alone.words
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
const failed = total.failed > 0 || total.passed === 0
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`)
process.exitCode = failed ? 1 : 0

function run(files) {
  const counts = path.join(folder, 'counts.json')
  rmSync(counts, { force: true })
  const { status } = spawnSync(
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
  let total = { passed: 0, failed: 1, skipped: 0, slowest: '', words: '', crashed: [] }
  try {
    total = JSON.parse(readFileSync(counts, 'utf8'))
  } catch (error) {
    process.stderr.write(`The test runner left no counts: ${error.message}\n`)
  }
  if (status !== 0 && total.failed === 0) total.failed = 1
  return total
}

function programsOfOthers() {
  return slow ? ['test/peers/slow/*.test.ts'] : ['test/peers/*.test.ts', 'test/peers/foreign/*.test.ts']
}

function ours() {
  return ['test/*.test.ts', 'test/suites/**/*.test.ts']
}

/**
 * The test files of a folder, some of them to a process: to begin one and to load what it tests costs more than most of
 * them do. Neighbours share what they load. A group is a file that names them, so that the runner sees a file like
 * others: it counts their tests, and a group that crashes has failed, which the next ones do not notice.
 */
function groups(top) {
  const made = []
  for (const entry of readdirSync(path.join(root, top)).sort()) {
    const found = testFiles(path.join(root, top, entry))
    const count = Math.ceil(found.length / TOGETHER)
    for (let nth = 0; nth < count; nth++) {
      const group = path.join(folder, `${top}-${entry}-${nth + 1}.mjs`)
      const own = found.filter((_, index) => index % count === nth)
      writeFileSync(
        group,
        `import { together } from ${JSON.stringify(pathToFileURL(path.join(__dirname, 'test-together.mjs')).href)}\n` +
          `together(${JSON.stringify(own)})\n`,
      )
      held.set(group, own)
      made.push(group)
    }
  }
  return made
}

function testFiles(place) {
  const below = (entry) =>
    entry.isDirectory() ? testFiles(path.join(place, entry.name)) : [path.join(place, entry.name)]
  const found = readdirSync(place, { withFileTypes: true }).flatMap(below)
  return found.filter((file) => file.endsWith('.test.ts')).sort()
}
