/** Segments that the index does not know, whether a crash left them or the index is older. @module */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { messageOf, type Person, patternOf, stage, World } from '#store/kit.contract.ts'
import { inShard, newFolder, openTestStore, type TestStore } from './test-kit.ts'

const TUNING = { segmentBytes: 20_000, graceMs: 0 }
const DAY = 86_400_000

function files(directory: string): Map<string, Buffer> {
  const folder = inShard(directory, 'segments')
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name))]))
}

/** The same person in another opened store. */
function again(store: TestStore, person: Person): Person {
  return new World({ store: store.world.store, close: async () => {} }).stranger(person.ref.shard)
}

/** Some mail, and much more that came after the index was copied. */
async function grown(): Promise<{ readonly directory: string; readonly copy: string; readonly ann: Person }> {
  const directory = await newFolder()
  await using store = await openTestStore({ directory, tuning: TUNING })
  const ann = await store.world.person()
  const inbox = (await ann.inbox()).key
  for (let index = 0; index < 12; index += 1) await ann.add(inbox, [messageOf({ body: patternOf(3_000, index + 1) })])
  const copy = await store.copy()
  for (let index = 12; index < 50; index += 1) await ann.add(inbox, [messageOf({ body: patternOf(3_000, index + 1) })])
  await ann.add(inbox, [messageOf({ staged: await stage(store.world.store, 0, patternOf(1_100_000)) })])
  return { directory, copy, ann }
}

test('files that are newer than the index are named by check, and nothing touches them before a repair', async () => {
  const { directory, copy, ann } = await grown()
  for (const name of ['index.db', 'index.db-wal', 'index.db-shm']) rmSync(inShard(directory, name), { force: true })
  for (const name of ['index.db', 'index.db-wal']) cpSync(inShard(copy, name), inShard(directory, name))
  const before = files(directory)
  const named = async (store: TestStore): Promise<void> => {
    const found = await store.check()
    assert.ok(
      found.every(({ kind, repaired }) => kind === 'older-index' && !repaired),
      JSON.stringify(found),
    )
    // Segment 2 goes on behind the index, of the others it knows nothing; what was full before is as it must be.
    const names = found.map(({ message }) => /"(.+?)"/.exec(message)?.[1])
    assert.deepEqual(
      names,
      [...before.keys()].filter((name) => name > '00000001.seg' && before.get(name)?.length !== 0),
    )
    for (const [name, bytes] of before) if (bytes.length > 0) assert.deepEqual(files(directory).get(name), bytes, name)
    assert.equal(readdirSync(inShard(directory, 'big')).length, 1)
  }
  for (const turn of [1, 2]) {
    await using store = await openTestStore({ directory, tuning: TUNING, now: Date.now() + turn * DAY })
    assert.equal(
      store.logged.some((line) => line.startsWith('error: Segment 2 goes on for ')),
      turn === 1,
    )
    const same = again(store, ann)
    const inbox = (await same.inbox()).key
    await same.check()
    await same.add(inbox, [messageOf({ body: patternOf(30_000) })])
    await named(store)
    await same.must('expunge', { mailbox: inbox, uids: undefined, which: 'any' })
    store.clock.time += 31 * DAY
    await store.host.compact(true)
    // What the index had of segment 1 is gone for good, and so is that file.
    before.delete('00000001.seg')
    await named(store)
  }
  for (const folder of [directory, copy]) await rm(folder, { recursive: true })
})

test('a store whose index is lost keeps every segment', async () => {
  const { directory, copy } = await grown()
  for (const name of ['index.db', 'index.db-wal', 'index.db-shm']) rmSync(inShard(directory, name), { force: true })
  const before = files(directory)
  {
    await using store = await openTestStore({ directory, tuning: TUNING })
    const ann = await store.world.person()
    await ann.add((await ann.inbox()).key, [messageOf()])
    await ann.check()
    const full = [...before].filter(([, bytes]) => bytes.length > 0)
    assert.deepEqual(
      (await store.check()).map(({ kind }) => kind),
      full.map(() => 'older-index'),
    )
    for (const [name, bytes] of full) assert.deepEqual(files(directory).get(name), bytes, name)
  }
  for (const folder of [directory, copy]) await rm(folder, { recursive: true })
})

test('what compaction emptied and could not remove any more goes at the next start', async () => {
  const directory = await newFolder()
  await (await openTestStore({ directory }))[Symbol.asyncDispose]()
  {
    await using store = await openTestStore({ directory, tuning: TUNING })
    const ann = await store.world.person()
    const inbox = (await ann.inbox()).key
    for (let index = 0; index < 20; index += 1) await ann.add(inbox, [messageOf({ body: patternOf(3_000, index + 1) })])
    const old = files(directory)
    await ann.must('expunge', { mailbox: inbox, uids: undefined, which: 'any' })
    store.clock.time += 31 * DAY
    await store.host.compact(true)
    const bytes = old.get('00000001.seg')
    assert.ok(bytes !== undefined && !files(directory).has('00000001.seg'))
    // As if the process had been killed between the commit and the removal.
    writeFileSync(inShard(directory, 'segments', '00000001.seg'), bytes)
  }
  await using store = await openTestStore({ directory, tuning: TUNING })
  assert.deepEqual(store.logged, ['info: Removed the file "00000001.seg", which compaction had emptied'])
  assert.deepEqual(await store.check(), [])
  await store[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

/** A writer that dies after its nth call of `syncFolder` for segments, or of `sync`: before the commit in either case. */
const CHILD = `
import fs from 'node:fs'
const [directory, mode, nth, ...urls] = process.argv.slice(2)
const [{ messageOf, patternOf, UNLIMITED }, { ShardWriter }, { shardPaths }, { realFiles }, { compact }, { purge },
  { CommitCounts }] = await Promise.all(urls.map((url) => import(url)))
const paths = shardPaths(directory, 0)
let left = Infinity
const count = (what) => {
  if (mode.startsWith(what) && --left === 0) process.kill(process.pid, 'SIGKILL')
}
const files = {
  ...realFiles,
  sync: (fd) => { realFiles.sync(fd); count('sync') },
  syncFolder: (folder) => { realFiles.syncFolder(folder); if (folder === paths.segments) count('folder') },
}
const tuning = { segmentBytes: 20_000, reserveBytes: 65_536, batchRequests: 100, batchBytes: 16_777_216, batchMs: 40,
  sliceMessages: 50, checkpointBytes: 16_777_216, walLimitBytes: 268_435_456, tombstoneRanges: 100, graceMs: 0,
  compactBelow: 0.5, upkeepMs: 0 }
const writer = new ShardWriter(
  { shard: 0, paths, durability: 'full', tuning, files, now: 0, commits: new CommitCounts() },
  { committed: () => {}, log: () => {}, walGrown: () => {} },
)
const account = { id: 1, shard: 0 }
const run = () => { while (writer.busy) writer.runBatch() }
const ask = async (kind, request) => {
  const answer = new Promise((resolve) =>
    writer.submit({ asked: { kind, request: { account, by: 'x', ...request } }, now: 1, answer: resolve }))
  run()
  return (await answer).value
}
await ask('openAccount', { mailboxes: [], limits: UNLIMITED })
if (!mode.endsWith('compaction')) left = Number(nth)
for (let size = 3_000; size < 3_040; size += 1) {
  const { uids: [uid] } = await ask('append', { mailbox: 1, messages: [messageOf({ body: patternOf(size, size) })] })
  if (size % 3 > 0 && mode.endsWith('compaction'))
    await ask('expunge', { mailbox: 1, uids: [[uid, uid]], which: 'any' })
  else fs.writeSync(1, uid + ' ' + size + '\\n')
}
writer.addTask({ name: 'purge', begin: (tx) => purge(tx, 40 * 86_400_000, { days: 30, bytes: undefined, historyDays: 90 }), done: () => {} })
run()
left = Number(nth)
const settings = { paths, files, onlyDead: false, leastDead: 1, log: () => {} }
writer.addTask({ name: 'compact', begin: (tx) => compact(tx, settings, 1), done: () => {} })
run()
`

for (const [what, mode, nth, logged] of [
  ['a segment is made and its row committed', 'folder', 2, /^info: Removed the empty file "0000000\d\.seg", made for/],
  [
    'bodies are on disk and their rows committed',
    'sync',
    9,
    /^info: Segment 2 ends with \d+ octets of a batch that was/,
  ],
  [
    'the first segment of a compaction is made and its row committed',
    'folder-compaction',
    2,
    /^info: Removed the empty/,
  ],
  ['the next one is', 'folder-compaction', 3, /^info: Removed the empty/],
  [
    'records are moved and their rows committed',
    'sync-compaction',
    1,
    /^info: Segment \d+ ends with \d+ octets of a compaction that/,
  ],
] as const)
  test(`a kill between the moments when ${what} leaves nothing behind`, async () => {
    const directory = await newFolder()
    const script = `${directory}.mjs`
    await writeFile(script, CHILD)
    const modules = ['#store/kit.contract.ts', './writer.ts', './layout.ts', './segment-files.ts', './compaction.ts']
    const urls = [...modules, './purge.ts', './commit-counts.ts'].map((name) => import.meta.resolve(name))
    const child = spawn(process.execPath, [script, directory, mode, String(nth), ...urls], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk
    })
    const [, signal] = await once(child, 'close')
    assert.equal(signal, 'SIGKILL')
    const acknowledged = text
      .trim()
      .split('\n')
      .map((line) => line.split(' ').map(Number))
    for (const turn of [1, 2]) {
      await using store = await openTestStore({ directory, tuning: TUNING })
      if (turn === 1) assert.match(store.logged.join('\n'), logged)
      else assert.deepEqual(store.logged, [])
      assert.deepEqual(await store.check(), [])
      const person = store.world.stranger()
      const rows = await person.emails((await person.inbox()).key)
      const sizes = new Map(rows.map((row) => [row.uid as number, row]))
      for (const [uid = 0, size = 0] of acknowledged) {
        const row = sizes.get(uid)
        assert.ok(row, `UID ${uid} is lost`)
        assert.deepEqual(await person.body(row), Buffer.from(patternOf(size, size)))
      }
      await store.host.compact(true)
      assert.deepEqual(await store.check(), [])
    }
    await rm(script)
    await rm(directory, { recursive: true })
  })
