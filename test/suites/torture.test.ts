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

/** What strace writes of a process that works in `/d`. */
function traced(calls: readonly string[]): string {
  const hex = (text: string): string => Buffer.from(text).toString('hex').replace(/../g, '\\x$&')
  return calls
    .map((call, index) => `7 100.00000${index} ${call.replace(/'([^']*)'/g, (_, text: string) => hex(text))}\n`)
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
