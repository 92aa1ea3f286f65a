/** An index that is lost, or older than its segments: what comes back from them. @module */
import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { test } from 'node:test'
import { bytesOf, messageOf, type Person, patternOf, stage, UNLIMITED, uids, World } from '#store/kit.contract.ts'
import { inShard, newFolder, openTestStore, type TestStore } from './test-kit.ts'

const TUNING = { segmentBytes: 20_000, graceMs: 0 }
const DAY = 86_400_000

function loseIndex(directory: string): void {
  for (const name of ['index.db', 'index.db-wal', 'index.db-shm']) rmSync(inShard(directory, name), { force: true })
}

/** A message whose subject tells it apart, prepared as a real one. */
function mail(index: number, size = 2_000): Uint8Array {
  return bytesOf(`Subject: mail ${index}\r\n\r\n${'x'.repeat(size)}\r\n`)
}

/** People of a store that was opened again, their accounts opened as the directory would. */
async function again(store: TestStore, count: number): Promise<Person[]> {
  const world = new World({ store: store.world.store, close: async () => {} })
  const people = Array.from({ length: count }, () => world.stranger())
  for (const person of people) await person.must('openAccount', { mailboxes: [], limits: UNLIMITED })
  return people
}

interface Seen {
  readonly subject: string
  readonly flags: readonly string[]
  readonly date: number
  readonly trace: string
}

/** What people have, by mailbox. */
async function seen(person: Person): Promise<Record<string, Seen[]>> {
  const all: Record<string, Seen[]> = {}
  for (const { key, name } of await person.store.mailboxes(person.ref)) {
    const flags = new Map((await person.messages(key)).map((message) => [message.uid, message.flags]))
    const own: Seen[] = []
    for (const row of await person.emails(key)) {
      if (row.gone) continue
      const body = Buffer.from(await person.body(row)).toString('latin1')
      own.push({
        subject: /^Subject: (.*)\r\n/.exec(body)?.[1] ?? '',
        flags: flags.get(row.uid) ?? [],
        date: row.internalDate,
        trace: Buffer.from(row.trace).toString(),
      })
    }
    if (own.length > 0) all[name] = own
  }
  return all
}

async function filled(directory: string, deliver = 20): Promise<{ readonly ann: Person; readonly before: unknown }> {
  await using store = await openTestStore({ directory, tuning: TUNING })
  const { world } = store
  const [ann, ben] = [await world.person(), await world.person()]
  const inbox = (await ann.inbox()).key
  const kept = await ann.make('Kept/été')
  for (let index = 0; index < deliver; index += 1)
    await ann.add(index % 4 === 0 ? kept.key : inbox, [
      messageOf({ body: mail(index), flags: index % 3 === 0 ? ['\\Seen', 'Work'] : [], internalDate: index * 1_000 }),
    ])
  const large = Buffer.concat([bytesOf('Subject: large\r\n\r\n'), patternOf(1_200_000)])
  await ann.add(inbox, [messageOf({ staged: await stage(world.store, 0, large), uidl: 'old-uidl' })])
  // one body for two people
  const { body, email } = messageOf({ body: mail(99) })
  await world.store.deliver({ shard: 0, by: 'x', body, email, recipients: [ann.recipient(), ben.recipient()] })
  return { ann, before: [await seen(ann), await seen(ben)] }
}

test('every message of a lost index comes back where it arrived, once, however often the index is lost', async () => {
  const directory = await newFolder()
  const { ann, before } = await filled(directory)
  const { uidValidity } = await (async () => {
    await using store = await openTestStore({ directory, tuning: TUNING })
    return (await store.world.store.mailboxByName(ann.ref, 'INBOX')) ?? assert.fail()
  })()
  for (let round = 0; round < 3; round += 1) {
    loseIndex(directory)
    await using store = await openTestStore({ directory, tuning: TUNING, now: 1_900_000_000_000 + round * DAY })
    const [me, other] = await again(store, 2)
    assert.ok(me && other)
    assert.ok((await store.check()).every(({ kind }) => kind === 'older-index'))
    const found = await store.check(true)
    assert.ok(
      found.every(({ repaired }) => repaired),
      JSON.stringify(found),
    )
    const came = found.filter(({ kind }) => kind === 'rebuilt').map(({ account, rebuilt }) => [account, rebuilt?.came])
    assert.deepEqual(came, [
      [1, 22],
      [2, 1],
    ])
    assert.deepEqual([await seen(me), await seen(other)], before)
    assert.ok((await me.inbox()).uidValidity > uidValidity)
    const [drop] = await Array.fromAsync(me.store.maildrop(me.ref, (await me.inbox()).key))
    assert.ok(drop?.uidls.includes('old-uidl'))
    assert.deepEqual(await store.check(), [])
    // They are messages as all others: they can be expunged, and their room is given back.
    if (round < 2) continue
    await me.must('expunge', { mailbox: (await me.inbox()).key, uids: undefined, which: 'any' })
    store.clock.time += 31 * DAY
    await store.host.compact(true)
    await store.host.compact(true)
    assert.deepEqual(await store.check(), [])
    assert.equal(readdirSync(inShard(directory, 'big')).length, 0)
  }
  await rm(directory, { recursive: true })
})

test('what compaction has moved comes back, too', async () => {
  const directory = await newFolder()
  await filled(directory)
  let before: unknown
  {
    await using store = await openTestStore({ directory, tuning: TUNING })
    const [me] = await again(store, 1)
    assert.ok(me)
    await me.must('expunge', { mailbox: (await me.inbox()).key, uids: uids([1, 12]), which: 'any' })
    store.clock.time += 31 * DAY
    await store.host.compact(true)
    before = await seen(me)
  }
  loseIndex(directory)
  await using store = await openTestStore({ directory, tuning: TUNING, now: 1_900_000_000_000 })
  const [me] = await again(store, 1)
  assert.ok(me)
  assert.ok((await store.check(true)).every(({ repaired }) => repaired))
  const subjects = (of: unknown): string[] =>
    Object.values(of as Record<string, Seen[]>).flatMap((each) => each.map(({ subject }) => subject))
  const back = subjects(await seen(me))
  assert.equal(new Set(back).size, back.length)
  // Mail that was expunged may be among it, where its bytes were not given back yet.
  for (const subject of subjects(before)) assert.ok(back.includes(subject), subject)
  assert.deepEqual(await store.check(), [])
  await store[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

test('mail that is newer than the index is taken back, and no UID means something else', async () => {
  const directory = await newFolder()
  await filled(directory, 8)
  const copy = await newFolder()
  cpSync(directory, copy, { recursive: true })
  let before: unknown
  let highest: number
  {
    await using store = await openTestStore({ directory, tuning: TUNING })
    const [me] = await again(store, 1)
    assert.ok(me)
    const inbox = (await me.inbox()).key
    for (let index = 100; index < 130; index += 1) await me.add(inbox, [messageOf({ body: mail(index) })])
    before = await seen(me)
    highest = (await me.inbox()).uidValidity
  }
  loseIndex(directory)
  cpSync(inShard(copy, 'index.db'), inShard(directory, 'index.db'))
  await using store = await openTestStore({ directory, tuning: TUNING, now: 1_900_000_000_000 })
  const [me] = await again(store, 1)
  assert.ok(me)
  const found = await store.check(true)
  assert.ok(
    found.every(({ repaired }) => repaired),
    JSON.stringify(found),
  )
  assert.deepEqual(
    found.flatMap(({ rebuilt }) => (rebuilt === undefined ? [] : [rebuilt.came])),
    [30],
  )
  assert.deepEqual(await seen(me), before)
  for (const { uidValidity } of await me.store.mailboxes(me.ref)) assert.ok(uidValidity > highest)
  assert.deepEqual(await store.check(true), [])
  await store[Symbol.asyncDispose]()
  for (const folder of [directory, copy]) await rm(folder, { recursive: true })
})

test('damage in a segment costs what it touches, and it is said', async () => {
  const directory = await newFolder()
  await filled(directory)
  loseIndex(directory)
  const file = inShard(directory, 'segments', '00000001.seg')
  const bytes = readFileSync(file)
  const body = bytes.indexOf('Subject: mail 2\r\n')
  bytes[body + 300] = (bytes[body + 300] ?? 0) ^ 1
  // the header of the record of another body
  const header = bytes.indexOf('Subject: mail 4\r\n') - 24
  bytes[header + 9] = (bytes[header + 9] ?? 0) ^ 1
  writeFileSync(file, bytes)
  rmSync(inShard(directory, 'big'), { recursive: true })
  await using store = await openTestStore({ directory, tuning: TUNING, now: 1_900_000_000_000 })
  const [me] = await again(store, 1)
  assert.ok(me)
  const found = await store.check(true)
  const [mine] = found.filter(({ account, kind }) => kind === 'rebuilt' && account === 1)
  assert.deepEqual(mine?.rebuilt, { came: 19, lost: 3, nobodys: 0, skipped: 0 })
  assert.equal(mine.repaired, false)
  const other = found.find(({ account, kind }) => kind === 'rebuilt' && account === 2)
  assert.deepEqual(other?.rebuilt, { came: 0, lost: 0, nobodys: 1, skipped: 0 })
  const skipped = found.find(({ account, kind }) => kind === 'rebuilt' && account === undefined)
  assert.ok((skipped?.rebuilt?.skipped ?? 0) > 2_000)
  const all = Object.values(await seen(me)).flat()
  assert.ok(!all.some(({ subject }) => ['mail 2', 'mail 4', 'large'].includes(subject)))
  assert.deepEqual(await store.check(), [])
  assert.ok(statSync(file).size > 0)
  await store[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})
