import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageOf, patternOf, stage, UNLIMITED, uids, type World } from './kit.contract.ts'

/** QUOTA (RFC 9208): STORAGE counts octets of messages, MESSAGE counts messages, copies count again. */
export function quotaContract(world: () => World): void {
  const ofSize = (size: number): ReturnType<typeof messageOf> => messageOf({ body: 'x'.repeat(size) })

  test('append may reach the storage limit exactly, and not by one octet more', async () => {
    const person = await world().person({ storageBytes: 100, messages: undefined })
    const mailbox = (await person.inbox()).key
    await person.add(mailbox, [ofSize(60)])
    const refusal = { kind: 'over-quota', resource: 'storage', limit: 100 }
    assert.deepEqual(await person.refused('append', { mailbox, messages: [ofSize(41)] }), refusal)
    await person.add(mailbox, [ofSize(40)])
    assert.deepEqual(await person.refused('append', { mailbox, messages: [ofSize(1)] }), refusal)
    assert.equal((await person.state()).usage.storageBytes, 100)
    await person.add(mailbox, [ofSize(0)])
  })

  test('trace lines count as octets of the message', async () => {
    const person = await world().person({ storageBytes: 10, messages: undefined })
    const mailbox = (await person.inbox()).key
    const messages = [messageOf({ body: 'x'.repeat(8), trace: 'abc' })]
    assert.equal((await person.refused('append', { mailbox, messages })).kind, 'over-quota')
    await person.add(mailbox, [messageOf({ body: 'x'.repeat(7), trace: 'abc' })])
  })

  test('append of several takes all or none (RFC 3502 §6.3.11)', async () => {
    const person = await world().person({ storageBytes: 100, messages: 3 })
    const mailbox = (await person.inbox()).key
    const storage = { kind: 'over-quota', resource: 'storage', limit: 100 }
    const count = { kind: 'over-quota', resource: 'message', limit: 3 }
    assert.deepEqual(await person.refused('append', { mailbox, messages: [ofSize(50), ofSize(51)] }), storage)
    assert.deepEqual(
      await person.refused('append', { mailbox, messages: [ofSize(1), ofSize(1), ofSize(1), ofSize(1)] }),
      count,
    )
    await person.add(mailbox, [ofSize(40), ofSize(30), ofSize(30)])
    assert.deepEqual(await person.refused('append', { mailbox, messages: [ofSize(0)] }), count)
  })

  test('copy counts again, move does not', async () => {
    const person = await world().person({ storageBytes: 100, messages: undefined })
    const mailbox = (await person.inbox()).key
    const target = (await person.make('t')).key
    await person.add(mailbox, [ofSize(30), ofSize(30)])
    const refusal = { kind: 'over-quota', resource: 'storage', limit: 100 }
    assert.deepEqual(await person.refused('copy', { mailbox, uids: uids([1, 2]), target }), refusal)
    await person.must('copy', { mailbox, uids: uids(1), target })
    assert.equal((await person.state()).usage.storageBytes, 90)
    await person.must('move', { mailbox, uids: uids([1, 2]), target })
    assert.equal((await person.state()).usage.storageBytes, 90)
    await person.must('setLimits', { limits: { storageBytes: 50, messages: 1 } })
    await person.must('move', { mailbox: target, uids: uids([1, 3]), target: mailbox })
    await person.must('renameMailbox', { from: 'INBOX', to: 'elsewhere' })
    assert.deepEqual((await person.state()).usage, { storageBytes: 90, messages: 3, mailboxes: 3 })
  })

  test('who is over a limit that was lowered can read, flag, move and expunge, but not add', async () => {
    const person = await world().person()
    const mailbox = (await person.inbox()).key
    await person.add(mailbox, [ofSize(60), ofSize(60)])
    await person.must('setLimits', { limits: { storageBytes: 100, messages: undefined } })
    await person.flag(mailbox, uids(1), 'add', ['\\Seen'])
    assert.equal((await person.refused('append', { mailbox, messages: [ofSize(0)] })).kind, 'over-quota')
    assert.equal((await person.refused('copy', { mailbox, uids: uids(1), target: mailbox })).kind, 'over-quota')
    await person.must('expunge', { mailbox, uids: uids(1), which: 'any' })
    await person.add(mailbox, [ofSize(40)])
    await person.must('setLimits', { limits: UNLIMITED })
    await person.add(mailbox, [ofSize(1_000)])
  })

  test('expunged and deleted mail gives its octets back at once', async () => {
    const person = await world().person({ storageBytes: 50, messages: 1 })
    const mailbox = (await person.inbox()).key
    for (let round = 0; round < 3; round += 1) {
      await person.add(mailbox, [ofSize(50)])
      await person.must('expunge', { mailbox, uids: undefined, which: 'any' })
    }
    const { key } = await person.make('a')
    await person.add(key, [ofSize(50)])
    await person.must('deleteMailbox', { mailbox: key })
    assert.deepEqual((await person.state()).usage, { storageBytes: 0, messages: 0, mailboxes: 1 })
  })

  test('a large body counts like any other, and leaves nothing behind when it is refused', async () => {
    const person = await world().person({ storageBytes: 3_000_000, messages: undefined })
    const mailbox = (await person.inbox()).key
    const { store, ref } = person
    const tooLarge = await stage(store, ref.shard, patternOf(3_000_001))
    assert.equal(
      (await person.refused('append', { mailbox, messages: [messageOf({ staged: tooLarge })] })).kind,
      'over-quota',
    )
    await person.add(mailbox, [messageOf({ staged: await stage(store, ref.shard, patternOf(3_000_000)) })])
    assert.equal((await person.state()).usage.storageBytes, 3_000_000)
  })

  test('limits of one account do not bind another', async () => {
    const ann = await world().person({ storageBytes: 0, messages: 0 })
    const bob = await world().person(UNLIMITED, ann.ref.shard)
    const messages = [ofSize(10)]
    assert.equal((await ann.refused('append', { mailbox: (await ann.inbox()).key, messages })).kind, 'over-quota')
    await bob.add((await bob.inbox()).key, messages)
  })
}
