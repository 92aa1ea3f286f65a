import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMemoryStore } from '#adapters/memory/memory-store.ts'
import type { AccountId, MailboxKey, MessageNumber } from '#mail/ids.ts'
import type { MailboxInfo, MaildropPage } from '#store/types.ts'
import { Maildrop } from './maildrop.ts'

const account = { id: 1 as AccountId, shard: 0 }
const number = (value: number): MessageNumber => value as MessageNumber

/** A maildrop of so many messages, every third with a unique-id of its own, without the messages. */
async function open(count: number, uniqueIds: boolean): Promise<Maildrop> {
  await using store = openMemoryStore()
  store.mailboxByName = async () =>
    Promise.resolve({ key: 1 as MailboxKey, uidValidity: 0xabc } as Partial<MailboxInfo> as MailboxInfo)
  store.maildrop = async function* (): AsyncIterable<MaildropPage> {
    for (let first = 0; first < count; first += 5_000) {
      await Promise.resolve()
      const length = Math.min(5_000, count - first)
      const uids = Uint32Array.from({ length }, (_, index) => 2 * (first + index) + 2)
      const sizes = Float64Array.from({ length }, (_, index) => first + index + 1)
      const uidls = Array.from({ length }, (_, index) =>
        uniqueIds && (first + index) % 3 === 0 ? `unique-id-number-${first + index}` : undefined,
      )
      yield { uids, sizes, uidls, downloaded: new Float64Array(length) }
    }
  }
  return Maildrop.open(store, account, { key: 1 as MailboxKey, uidValidity: 0xabc })
}

test('a maildrop of 200,000 messages takes a few megabytes', async () => {
  const before = process.memoryUsage().arrayBuffers
  const maildrop = await open(200_000, true)
  const grown = process.memoryUsage().arrayBuffers - before
  assert.ok(grown < 20_000_000, `${grown}`)
  assert.equal(maildrop.count, 200_000)
  assert.equal(maildrop.remainingOctets, (200_000 * 200_001) / 2)
  assert.equal(maildrop.uniqueId(number(1)), 'unique-id-number-0')
  assert.equal(maildrop.uniqueId(number(2)), '00000abc00000004')
  assert.equal(maildrop.uniqueId(number(199_999)), 'unique-id-number-199998')
  assert.equal(maildrop.uniqueId(number(200_000)), '00000abc00061a80')
  const seen = new Set<string>()
  for (let message = 1; message <= 200_000; message += 1) seen.add(maildrop.uniqueId(number(message)))
  assert.equal(seen.size, 200_000)
})

test('a maildrop counts what is marked, and names it in ranges', async () => {
  const maildrop = await open(10, false)
  assert.equal(maildrop.refusal(number(11)), 'no-such-message')
  for (const message of [1, 5, 10]) {
    assert.equal(maildrop.refusal(number(message)), undefined)
    maildrop.delete(number(message))
    assert.equal(maildrop.refusal(number(message)), 'deleted')
  }
  assert.deepEqual([maildrop.remaining, maildrop.remainingOctets], [7, 39])
  assert.deepEqual(maildrop.deletedUids(), [
    [2, 2],
    [10, 10],
    [20, 20],
  ])
  maildrop.reset()
  assert.deepEqual([maildrop.remaining, maildrop.remainingOctets], [10, 55])
  assert.deepEqual(maildrop.deletedUids(), [])
})

test('an account without INBOX has an empty maildrop', async () => {
  await using store = openMemoryStore()
  const maildrop = await Maildrop.open(store, account, undefined)
  assert.deepEqual([maildrop.count, maildrop.mailbox], [0, undefined])
})
