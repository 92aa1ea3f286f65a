import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Modseq } from '#mail/ids.ts'
import { messageOf, numbersOf, type Person, someMessages, uids, World } from '#store/kit.contract.ts'
import { mailStoreContract } from '#store/mail-store.contract.ts'
import { type MemoryStoreOptions, openMemoryStore } from './memory-store.ts'

mailStoreContract('memory', async () => opened({}), false)

function opened(options: MemoryStoreOptions): ConstructorParameters<typeof World>[0] {
  const store = openMemoryStore(options)
  return { store, shards: 2, close: () => store[Symbol.asyncDispose]() }
}

function person(options: MemoryStoreOptions): Promise<Person> {
  return new World(opened(options)).person()
}

test('a write that fails leaves nothing behind, whichever it is', async () => {
  let fails = false
  const ann = await person({ failing: () => (fails ? 'full' : undefined) })
  const inbox = (await ann.inbox()).key
  const target = (await ann.make('t')).key
  await ann.add(inbox, someMessages(3, { flags: ['\\Deleted'] }))
  const before = await ann.picture()
  fails = true
  const answers = await Promise.all([
    ann.write('append', { mailbox: inbox, messages: [messageOf()] }),
    ann.write('copy', { mailbox: inbox, uids: uids(1), target }),
    ann.write('move', { mailbox: inbox, uids: uids(1), target }),
    ann.write('expunge', { mailbox: inbox, uids: undefined, which: 'deleted' }),
    ann.write('createMailbox', { name: 'x', specialUse: undefined }),
    ann.write('renameMailbox', { from: 't', to: 'u' }),
    ann.write('deleteMailbox', { mailbox: target }),
    ann.write('removeAccount', {}),
  ])
  for (const answer of answers) assert.deepEqual(answer, { ok: false, error: { kind: 'unavailable', reason: 'full' } })
  const { body, email } = messageOf()
  const recipients = [ann.recipient(), ann.recipient()]
  assert.deepEqual(await ann.store.deliver({ shard: 0, by: 'x', body, email, recipients }), [answers[0], answers[0]])
  assert.deepEqual(await ann.picture(), before)
})

test('writes can be made to fail by their number and kind', async () => {
  const ann = await person({ failing: (nth, kind) => (nth === 3 && kind === 'subscribe' ? 'failed' : undefined) })
  const answers = []
  for (const name of ['a', 'b', 'c']) answers.push((await ann.write('subscribe', { name, subscribed: true })).ok)
  assert.deepEqual(answers, [true, false, true])
})

test('changes() says when tombstones were dropped that it would need', async () => {
  const ann = await person({ maxTombstones: 2 })
  const { key } = await ann.inbox()
  const { modseq: since } = await ann.add(key, someMessages(9))
  const marks: Modseq[] = []
  for (const uid of [2, 5, 7])
    marks.push((await ann.must('expunge', { mailbox: key, uids: uids(uid), which: 'any' })).modseq)
  assert.equal((await ann.inbox()).vanishedFloor, marks[0])
  assert.equal((await ann.store.changes(ann.ref, key, since)).complete, false)
  const after = await ann.store.changes(ann.ref, key, marks[0] ?? 0)
  assert.equal(after.complete, true)
  assert.deepEqual(numbersOf(after.vanished), [5, 7])
})

test('messages that are gone can be read until their time is over', async () => {
  let now = 1_700_000_000_000
  const ann = await person({ clock: { now: () => now }, retentionMs: 86_400_000 })
  const { key } = await ann.inbox()
  await ann.add(key, someMessages(3))
  await ann.must('expunge', { mailbox: key, uids: uids(1), which: 'any' })
  now += 86_400_001
  await ann.must('expunge', { mailbox: key, uids: uids(2), which: 'any' })
  assert.deepEqual(
    (await ann.emails(key)).map((row) => [row.uid as number, row.gone]),
    [
      [2, true],
      [3, false],
    ],
  )
})

test('a mailbox whose UIDs are used up takes no more, by whatever way', async () => {
  const ann = await person({ largestUid: 5 })
  const inbox = (await ann.inbox()).key
  const target = (await ann.make('t')).key
  const refusal = { kind: 'uids-exhausted' }
  await ann.add(inbox, someMessages(3))
  assert.deepEqual(await ann.refused('append', { mailbox: inbox, messages: someMessages(2) }), refusal)
  await ann.add(inbox, someMessages(1))
  assert.equal((await ann.inbox()).uidNext, 5)
  await ann.add(target, someMessages(2))
  const all = { mailbox: inbox, uids: uids([1, 4]), target }
  assert.deepEqual(await ann.refused('copy', all), refusal)
  assert.deepEqual(await ann.refused('move', all), refusal)
  const { body, email } = messageOf()
  const answers = await ann.store.deliver({ shard: 0, by: 'x', body, email, recipients: [ann.recipient()] })
  assert.deepEqual(answers, [{ ok: false, error: refusal }])
})
