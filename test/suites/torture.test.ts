/** A few rounds at named points; `npm run torture` is the real thing. Power cuts and faults: `test/peers/torture.test.ts`. @module */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { Random } from '#testing/random.ts'
import { crashRounds } from '../torture/crash.ts'
import { type Cut, Disk } from '../torture/disk.ts'
import { Seen } from '../torture/seen.ts'
import { readTrace } from '../torture/trace.ts'

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-torture-'))
  try {
    await run(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

test('a server that ends itself at named points of its store has kept what it acknowledged', () =>
  inFolder(async (folder) => {
    const report = await crashRounds({ folder, rounds: 3, seed: 20_261, tell: () => undefined })
    assert.deepEqual(report.losses, [])
    assert.equal(report.rounds, 3)
    assert.ok(report.checked > 0 && report.messagesCompared > 0, 'nothing was looked at')
  }))

test('a store that answers before it commits is caught', () =>
  inFolder(async (folder) => {
    const how = { folder, rounds: 8, seed: 1, broken: 'early-answers', only: 'commit' } as const
    const { losses } = await crashRounds({ ...how, tell: () => undefined })
    assert.match(
      losses.join('\n'),
      /acknowledged and is lost|was expunged and is back|has the flags|no one put it there/,
    )
  }))

/** What strace writes of a process that works in `/d`, a line a microsecond. */
function traced(calls: readonly string[], thread: (call: string) => number = () => 7): string {
  const hex = (text: string): string => Buffer.from(text).toString('hex').replace(/../g, '\\x$&')
  return calls
    .map((call, index) => {
      const at = `100.${String(index).padStart(6, '0')}`
      return `${thread(call)} ${at} ${call.replace(/'([^']*)'/g, (_, text: string) => hex(text))}\n`
    })
    .join('')
}

test('a disk that keeps what was synced loses the rest, whole or in sectors, with the names of files', () =>
  inFolder(async (folder) => {
    const start = path.join(folder, 'start')
    mkdirSync(start)
    writeFileSync(path.join(start, 'old'), 'abcdef')
    const trace = path.join(folder, 'trace')
    writeFileSync(
      trace,
      traced([
        `pwrite64(3<'/d/old'>, "'AB'", 2, 0) = 2`,
        `fdatasync(3<'/d/old'>) = 0`,
        `pwrite64(3<'/d/old'>, "'CD'", 2, 2) = 2`,
        `openat(AT_FDCWD<'/d'>, "'/d/new'", O_RDWR|O_CREAT, 0600) = 4<'/d/new'>`,
        `pwritev(4<'/d/new'>, [{iov_base="'x'", iov_len=1}, {iov_base="'y'", iov_len=1}], 2, 0) = 2`,
        `fsync(4<'/d/new'>) = 0`,
        `pwrite64(9<'/elsewhere'>, "'z'", 1, 0) = 1`,
        `fsync(3<'/d/old'>) = -1 EIO (Input/output error)`,
        `unlink("'/d/old'") = 0`,
      ]),
    )
    const events = await readTrace(trace, '/d')
    const left = async (until: number, how: Cut): Promise<readonly (string | undefined)[]> => {
      const disk = new Disk(start)
      for (const event of events) if (event.at < 100_000_000 + until) disk.follow(event)
      const to = path.join(folder, `${until}-${how}`)
      disk.cut(to, how, new Random(until))
      const read = (name: string): Promise<string | undefined> =>
        readFile(path.join(to, name), 'latin1').catch(() => undefined)
      return [await read('old'), await read('new')]
    }
    assert.deepEqual(await left(1, 'nothing'), ['abcdef', undefined])
    assert.deepEqual(await left(1, 'everything'), ['ABcdef', undefined])
    assert.deepEqual(await left(2, 'nothing'), ['ABcdef', undefined])
    // Synced, but the name of the file is not: its folder was not synced.
    assert.deepEqual(await left(6, 'nothing'), ['ABcdef', undefined])
    assert.deepEqual(await left(6, 'everything'), ['ABCDef', 'xy'])
    // What a failed sync was to write is lost for good.
    assert.deepEqual(await left(8, 'everything'), ['ABcdef', 'xy'])
    assert.deepEqual(await left(9, 'nothing'), ['ABcdef', undefined])
    assert.deepEqual(await left(9, 'everything'), [undefined, 'xy'])
  }))

/** A process with two threads that is killed after `before`, and what strace says from then on. */
async function killed(folder: string, before: readonly string[], after: readonly string[]): Promise<Seen> {
  const start = path.join(folder, 'start')
  mkdirSync(start, { recursive: true })
  writeFileSync(path.join(start, 'rows'), 'abcdefgh')
  const trace = path.join(folder, 'trace')
  // The second thread's are those that name the file `other`.
  writeFileSync(
    trace,
    traced([...before, ...after], (call) => (/other|fsync/.test(call) ? 8 : 7)),
  )
  const seen = new Seen(start)
  for (const event of await readTrace(trace, '/d', 100_000_000 + before.length)) seen.follow(event)
  return seen
}

const ROWS = `pwrite64(3<'/d/rows'>, "'ABCD'", 4, 6 <unfinished ...>`
const MAKE = `openat(AT_FDCWD<'/d'>, "'/d/other'", O_RDWR|O_CREAT, 0600 <unfinished ...>`
/** The thread is gone: the number is that of another's call. */
const RESULTS = [
  '<... pwrite64 resumed>) = ?',
  '<... pwrite64 resumed>) = -1 (errno 18446744073709551598)',
  '<... pwrite64 resumed>) = 24 <0.000100>',
  '<... pwrite64 resumed>) = 4 <0.000100>',
]

for (const result of RESULTS)
  test(`a write that a kill cut off is there wholly, in part or not at all: ${result}`, () =>
    inFolder(async (folder) => {
      const seen = await killed(
        folder,
        [`pwrite64(3<'/d/rows'>, "'-'", 1, 0) = 1`, ROWS],
        [result, '+++ killed by SIGKILL +++'],
      )
      const differs = (octets: string): string | undefined => {
        const real = path.join(folder, 'real')
        mkdirSync(real, { recursive: true })
        writeFileSync(path.join(real, 'rows'), octets)
        return seen.differs(real)
      }
      for (const octets of ['-bcdefgh', '-bcdefAh', '-bcdefAB', '-bcdefABC', '-bcdefABCD'])
        assert.equal(differs(octets), undefined, octets)
      // The end without the beginning, other octets, no call that ended before.
      for (const octets of ['-bcdefgB', '-bcdefghC', '-bcdefAx', '-bcdefABCx', '-bcdefABCDE', 'abcdefgh', '-bcdef'])
        assert.match(differs(octets) ?? '', /other octets for "rows"/, octets)
    }))

test('what ended before a kill, or in a thread that went on, has happened', () =>
  inFolder(async (folder) => {
    const result = '<... pwrite64 resumed>) = 4'
    const goesOn = [result, `pwrite64(3<'/d/rows'>, "'Z'", 1, 0 <unfinished ...>`, '+++ killed by SIGKILL +++']
    const histories: readonly (readonly [readonly string[], readonly string[]])[] = [
      [[ROWS, result], ['+++ killed by SIGKILL +++']],
      [[ROWS], goesOn],
    ]
    for (const [index, [before, after]] of histories.entries()) {
      const own = path.join(folder, `${index}`)
      const real = path.join(own, 'real')
      mkdirSync(real, { recursive: true })
      const seen = await killed(own, before, after)
      writeFileSync(path.join(real, 'rows'), 'abcdefABCD')
      assert.equal(seen.differs(real), undefined)
      writeFileSync(path.join(real, 'rows'), 'abcdefgh')
      assert.match(seen.differs(real) ?? '', /other octets/)
    }
    await assert.rejects(killed(folder, [ROWS], ['<... pwrite64 resumed>) = 3', ...goesOn.slice(1)]), /was cut to 3/)
  }))

test('a file whose making a kill cut off is there or not', () =>
  inFolder(async (folder) => {
    const seen = await killed(folder, [MAKE], ['<... openat resumed>) = ? (other)', '+++ killed by SIGKILL +++'])
    const real = path.join(folder, 'real')
    mkdirSync(real)
    assert.match(seen.differs(real) ?? '', /gives the files rows, there are $/)
    writeFileSync(path.join(real, 'rows'), 'abcdefgh')
    assert.equal(seen.differs(real), undefined)
    writeFileSync(path.join(real, 'other'), '')
    assert.equal(seen.differs(real), undefined)
    writeFileSync(path.join(real, 'third'), '')
    assert.match(seen.differs(real) ?? '', /gives the files rows, there are other,rows,third/)
  }))
