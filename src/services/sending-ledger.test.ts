import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { openSendingRecord } from '#adapters/sqlite/sending.ts'
import type { AccountId } from '#mail/ids.ts'
import { newAccount } from '#store/directory.contract.ts'
import type { AccountRecord, SendingSettings } from '#store/directory.ts'
import { HOUR_MS } from '#store/sending.ts'
import { type Outburst, SendingLedger } from './sending-ledger.ts'

const SETTINGS = { messages: 100, recipients: 1_000, outburst: 100 }
const HOME = '192.0.2.1'
const AWAY = '203.0.113.9'

function accountOf(id: number, sending?: SendingSettings): AccountRecord {
  const { shard, administrator = false, ...rest } = newAccount(`user${id}@example.org`)
  return { ...rest, administrator, ref: { id: id as AccountId, shard }, createdAt: 0, ...(sending && { sending }) }
}

async function setUp(file = ':memory:') {
  const clock = { time: Date.UTC(2026, 10, 29, 8, 0), now: () => clock.time }
  const record = await openSendingRecord(file)
  const outbursts: Outburst[] = []
  const ledger = new SendingLedger({ record: async () => record, clock, settings: SETTINGS })
  ledger.onOutburst(async (outburst) => void outbursts.push(outburst))
  const send = async (account: AccountRecord, outside: number, remoteAddress = HOME, recipients = outside) => {
    const counted = await ledger.count(account, { recipients, outside, remoteAddress })
    return counted.ok ? (counted.value ?? 'sent') : counted.error
  }
  return { clock, record, ledger, outbursts, send, [Symbol.asyncDispose]: () => record[Symbol.asyncDispose]() }
}

test('limits of a day hold over a restart, for each account, and end with the hour', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-sending-'))
  const file = path.join(folder, 'sending.db')
  const ann = accountOf(1)
  {
    await using s = await setUp(file)
    for (let n = 0; n < 60; n += 1) assert.equal(await s.send(ann, 1), 'sent')
  }
  await using s = await setUp(file)
  s.clock.time += HOUR_MS
  for (let n = 0; n < 40; n += 1) assert.equal(await s.send(ann, 1), 'sent')
  const refusal = { kind: 'too-much-sent', what: 'messages', limit: 100, resumesAt: Date.UTC(2026, 10, 30, 8) }
  assert.deepEqual(await s.send(ann, 1), refusal)
  assert.equal((await s.ledger.left(ann)).messages, 0)
  assert.equal(await s.send(accountOf(2), 1), 'sent')
  s.clock.time = refusal.resumesAt - 1
  assert.deepEqual(await s.send(ann, 1), refusal)
  s.clock.time = refusal.resumesAt
  assert.equal(await s.send(ann, 1), 'sent')
  assert.equal((await s.ledger.left(ann)).messages, 59)
  await rm(folder, { recursive: true })
})

test('recipients have a limit of their own, and accounts have theirs', async () => {
  await using s = await setUp()
  assert.equal(await s.send(accountOf(1), 0, HOME, 999), 'sent')
  const refusal = { kind: 'too-much-sent', what: 'recipients', limit: 1_000, resumesAt: Date.UTC(2026, 10, 30, 8) }
  assert.deepEqual(await s.send(accountOf(1), 0, HOME, 2), refusal)
  assert.equal(await s.send(accountOf(1), 0, HOME, 1), 'sent')
  const free = accountOf(2, { copy: false, messagesPerDay: undefined, recipientsPerDay: 0 })
  assert.equal(await s.send(free, 0, HOME, 50_000), 'sent')
  const few = accountOf(3, { copy: false, messagesPerDay: undefined, recipientsPerDay: 3 })
  assert.deepEqual(await s.send(few, 0, HOME, 4), { ...refusal, limit: 3, resumesAt: Date.UTC(2026, 10, 30, 8) })
})

test('messages that come together are counted one after the other', async () => {
  await using s = await setUp()
  const answers = await Promise.all(Array.from({ length: 120 }, () => s.send(accountOf(1), 0, HOME, 1)))
  assert.equal(answers.filter((answer) => answer === 'sent').length, 100)
})

test('an outburst from a new network is held, told once, and goes on being held until it is taught', async () => {
  await using s = await setUp()
  const ann = accountOf(1)
  for (let day = 0; day < 10; day += 1) {
    assert.equal(await s.send(ann, 4), 'sent')
    s.clock.time += 24 * HOUR_MS
  }
  for (let n = 0; n < 10; n += 1) assert.equal(await s.send(ann, 10, AWAY), 'sent')
  assert.equal(await s.send(ann, 1, AWAY), 'outburst')
  const [outburst] = s.outbursts
  assert.deepEqual(
    { ...outburst, account: outburst?.account.address },
    { account: 'user1@example.org', remoteAddress: AWAY, lastHour: 101, usualDay: 4, first: true },
  )
  // the person's own mail, too: nobody knows who is who
  assert.equal(await s.send(ann, 1, HOME), 'outburst')
  assert.equal(await s.send(ann, 0, HOME, 5), 'outburst', 'people here are whom a thief writes to first')
  assert.deepEqual(
    s.outbursts.map(({ first }) => first),
    [true, false, false],
  )
  await s.ledger.teach(ann)
  assert.equal(await s.send(ann, 1, AWAY), 'sent')
  assert.equal(await s.send(ann, 1, '198.51.100.1'), 'outburst', 'the next thief is another')
})

test('much from a network that is known, and little from a new one, is nothing to speak of', async () => {
  await using s = await setUp()
  const ann = accountOf(1)
  assert.equal(await s.send(ann, 1), 'sent')
  s.clock.time += 3 * 24 * HOUR_MS
  assert.equal(await s.send(ann, 500), 'sent')
  assert.equal(await s.send(accountOf(2), 100, AWAY), 'sent')
  assert.deepEqual(s.outbursts, [])
})

test('people who could not be told are told with the next message', async () => {
  await using s = await setUp()
  const ann = accountOf(1)
  s.ledger.onOutburst(() => Promise.reject(new Error('no queue')))
  await assert.rejects(s.send(ann, 101), /no queue/)
  s.ledger.onOutburst(async (outburst) => void s.outbursts.push(outburst))
  assert.equal(await s.send(ann, 1), 'outburst')
  assert.equal(s.outbursts[0]?.first, true)
})

test('what is older than the baseline is forgotten', async () => {
  await using s = await setUp()
  const ann = accountOf(1)
  await s.send(ann, 1)
  s.clock.time += 60 * 24 * HOUR_MS
  await s.send(ann, 1)
  assert.equal((await s.record.hours(ann.ref.id, 0)).length, 1)
})
