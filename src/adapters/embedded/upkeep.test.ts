import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { messageOf, type Person, patternOf, stage, uids } from '#store/kit.contract.ts'
import { openTestStore, type TestStore } from './test-kit.ts'

const DAY = 86_400_000

function segmentBytesIn(store: TestStore): number {
  const folder = path.join(store.directory, 'shard-00', 'segments')
  return readdirSync(folder).reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0)
}

/** Text that packs well, different from one to the next. */
function textOf(index: number, size: number): Uint8Array {
  return Buffer.from(`message ${index} says hello again and again. `.repeat(Math.ceil(size / 30)).slice(0, size))
}

async function fill(person: Person, count: number, size: number): Promise<Map<number, Uint8Array>> {
  const inbox = (await person.inbox()).key
  const bodies = new Map<number, Uint8Array>()
  for (let index = 0; index < count; index += 1) {
    const body = index % 2 === 0 ? textOf(index, size) : patternOf(size, index + 1)
    const { uids: given } = await person.add(inbox, [messageOf({ body, trace: `X: ${index}\r\n` })])
    bodies.set(given[0] as number, body)
  }
  return bodies
}

test('deleted mail is kept for its retention, then goes with its bytes', async () => {
  await using store = await openTestStore({ tuning: { segmentBytes: 50_000 } })
  const ann = await store.world.person()
  const inbox = (await ann.inbox()).key
  await fill(ann, 30, 5_000)
  const big = await stage(store.world.store, 0, patternOf(1_200_000))
  await ann.add(inbox, [messageOf({ staged: big })])
  await ann.must('expunge', { mailbox: inbox, uids: undefined, which: 'any' })
  store.clock.time += 29 * DAY
  assert.equal(await store.host.purge(), 0)
  assert.equal((await ann.emails(inbox)).length, 31)
  store.clock.time += 2 * DAY
  assert.equal(await store.host.purge(), 31)
  assert.equal((await ann.emails(inbox)).length, 0)
  assert.deepEqual(await store.check(), [])
  const [status] = await store.host.status()
  assert.equal(status?.liveBytes, 0)
  assert.deepEqual(readdirSync(path.join(store.directory, 'shard-00', 'big')), [])
})

test('moved mail is kept where it was for the retention, to tell where it was at a time', async () => {
  await using store = await openTestStore()
  const ann = await store.world.person()
  const inbox = (await ann.inbox()).key
  const target = (await ann.make('Target')).key
  await ann.add(inbox, [messageOf()])
  await ann.must('move', { mailbox: inbox, uids: uids(1), target })
  assert.equal((await ann.emails(inbox)).length, 1)
  store.clock.time += 29 * DAY
  assert.equal(await store.host.purge(), 0)
  store.clock.time += 2 * DAY
  assert.equal(await store.host.purge(), 1)
  assert.equal((await ann.emails(inbox)).length, 0)
  assert.equal((await ann.emails(target)).length, 1)
  assert.deepEqual(await store.check(), [])
})

test('deleted mail over its quota goes, oldest first, but never within a day', async () => {
  await using store = await openTestStore({ keeping: { bytes: 25_000 } })
  const ann = await store.world.person()
  const inbox = (await ann.inbox()).key
  await fill(ann, 12, 4_990)
  for (const uid of [3, 1, 4, 2, 5, 6, 7]) {
    await ann.must('expunge', { mailbox: inbox, uids: uids(uid), which: 'any' })
    store.clock.time += 1_000
  }
  assert.equal(await store.host.purge(), 0)
  store.clock.time += DAY
  assert.equal(await store.host.purge(), 2)
  const kept = async (): Promise<number[]> => (await ann.store.deleted(ann.ref, 0)).map(({ uid }) => uid)
  assert.deepEqual(await kept(), [4, 2, 5, 6, 7])
  assert.deepEqual(await store.check(), [])
  // What came back does not count any more, and what moved never did.
  await ann.must('undelete', { mailbox: inbox, uids: uids(2, 5), into: undefined, copies: false })
  await ann.must('move', { mailbox: inbox, uids: uids([8, 12]), target: (await ann.make('Target')).key })
  store.clock.time += DAY + 1
  assert.equal(await store.host.purge(), 0)
  await ann.must('expunge', { mailbox: inbox, uids: uids(13, 14), which: 'any' })
  store.clock.time += DAY + 1
  assert.equal(await store.host.purge(), 0, 'as much as may be')
  assert.deepEqual(await store.check(), [])
})

test('deleted mailboxes are remembered as long as their mail, events for their own time', async () => {
  await using store = await openTestStore()
  const ann = await store.world.person()
  const { key } = await ann.make('Folder')
  await ann.add(key, [messageOf()])
  await ann.must('deleteMailbox', { mailbox: (await ann.make('Empty')).key })
  await ann.must('deleteMailbox', { mailbox: key })
  store.clock.time += 29 * DAY
  await store.host.purge()
  assert.equal((await ann.store.goneMailboxes(ann.ref)).length, 2)
  store.clock.time += 2 * DAY
  await store.host.purge()
  assert.deepEqual(await ann.store.goneMailboxes(ann.ref), [])
  assert.equal((await ann.store.events(ann.ref, 0)).length, 2)
  await ann.add((await ann.inbox()).key, [messageOf()])
  store.clock.time += 60 * DAY
  await store.host.purge()
  assert.deepEqual(
    (await ann.store.events(ann.ref, 0)).map(({ kind, mailbox }) => [kind, mailbox === key]),
    [['appended', false]],
  )
  assert.deepEqual(await store.check(), [])
})

test('compaction gives space back, packs, loses nothing and holds nobody up', async () => {
  await using store = await openTestStore({ tuning: { segmentBytes: 100_000, graceMs: 60_000 } })
  const ann = await store.world.person()
  const inbox = (await ann.inbox()).key
  const bodies = await fill(ann, 120, 4_000)
  const before = await ann.emails(inbox)
  const kept = [...bodies.keys()].filter((uid) => uid % 3 === 0)
  const gone = uids(...[...bodies.keys()].filter((uid) => uid % 3 !== 0))
  await ann.must('expunge', { mailbox: inbox, uids: gone, which: 'any' })
  store.clock.time += 31 * DAY
  await store.host.purge()
  const full = segmentBytesIn(store)

  let stop = false
  let delivered = 0
  const load = (async () => {
    while (!stop) {
      const body = patternOf(500, delivered + 1)
      const { uids: given } = await ann.add(inbox, [messageOf({ body })])
      bodies.set(given[0] as number, body)
      kept.push(given[0] as number)
      delivered += 1
    }
  })()
  const { bytes: freed } = await store.host.compact()
  stop = true
  await load
  assert.ok(freed > full / 2, `${freed} of ${full}`)
  assert.ok(delivered > 0)

  const rows = await ann.emails(inbox)
  assert.deepEqual(
    rows.map(({ uid }) => uid as number),
    kept,
  )
  for (const row of rows) {
    const body = Buffer.from(bodies.get(row.uid) ?? [])
    assert.deepEqual(await ann.body(row), body)
    const part = await store.world.store.body(ann.ref, row.place).read(100, 300)
    assert.deepEqual(Buffer.from(part), body.subarray(100, 300))
  }
  // Places from before are good until the grace time is over.
  for (const row of before.filter(({ uid }) => uid % 3 === 0)) {
    assert.deepEqual(await ann.body(row), Buffer.from(bodies.get(row.uid) ?? []))
  }
  assert.deepEqual(await store.check(), [])
  // Nothing was left for a second one, whatever the load did meanwhile.
  assert.deepEqual(await store.host.compact(), { messages: 0, bytes: 0, inMs: 0 })
})

/** Segments as the index has them. */
function segments(
  store: TestStore,
): readonly { readonly total: number; readonly live: number; readonly state: string }[] {
  const db = new DatabaseSync(path.join(store.directory, 'shard-00', 'index.db'), { readOnly: true })
  try {
    return db
      .prepare('SELECT total, live, state FROM segment ORDER BY id')
      .all()
      .map(({ total, live, state }) => ({ total: Number(total), live: Number(live), state: String(state) }))
  } finally {
    db.close()
  }
}

for (const [where, segmentBytes] of [
  ['whose last segment is just full', 100_000],
  ['all of it in the segment that mail still goes to', 10_000_000],
] as const)
  test(`one compaction purges what is due and gives back all of a store ${where}`, async () => {
    await using store = await openTestStore({ tuning: { segmentBytes, graceMs: 60_000 } })
    const ann = await store.world.person()
    const inbox = (await ann.inbox()).key
    const bodies = await fill(ann, 120, 4_000)
    // The case that it is about: five full segments and one with nothing in it.
    const totals = segments(store).map(({ total }) => total)
    if (segmentBytes === 100_000)
      assert.ok(totals.length === 6 && (totals[4] ?? 0) >= segmentBytes && totals[5] === 0, String(totals))
    const big = await stage(store.world.store, 0, patternOf(1_200_000))
    const { uids: last } = await ann.add(inbox, [messageOf({ staged: big })])
    const gone = [...bodies.keys()].filter((uid) => uid % 3 !== 0).concat(last)
    await ann.must('expunge', { mailbox: inbox, uids: uids(...gone), which: 'any' })
    const before = segmentBytesIn(store)
    store.clock.time += 31 * DAY
    const done = await store.host.compact(true)
    assert.equal(done.messages, gone.length)
    assert.equal(done.inMs, 0)
    const left = segments(store)
    assert.ok(
      left.every(({ total, live, state }) => live === total && state !== 'retired'),
      JSON.stringify(left),
    )
    // What it says is what the disk has more, the large body with its header included.
    assert.equal(before - segmentBytesIn(store) + 1_200_024, done.bytes)
    assert.deepEqual(await store.host.compact(), { messages: 0, bytes: 0, inMs: 0 })
    for (const row of await ann.emails(inbox)) {
      assert.deepEqual(await ann.body(row), Buffer.from(bodies.get(row.uid) ?? []))
    }
    assert.deepEqual(await store.check(), [])
  })

test('a removed account leaves nothing behind', async () => {
  await using store = await openTestStore({ tuning: { segmentBytes: 20_000 } })
  const ann = await store.world.person()
  const bob = await store.world.person()
  await fill(ann, 20, 2_000)
  await fill(bob, 3, 2_000)
  const { body, email } = messageOf({ body: 'shared by two' })
  await store.world.store.deliver({ shard: 0, by: 'x', body, email, recipients: [ann.recipient(), bob.recipient()] })
  await ann.must('removeAccount', {})
  await store.host.purge()
  assert.deepEqual(await store.check(), [])
  const [row] = (await bob.emails((await bob.inbox()).key)).slice(-1)
  assert.ok(row)
  assert.equal((await bob.body(row)).toString(), 'shared by two')
})
