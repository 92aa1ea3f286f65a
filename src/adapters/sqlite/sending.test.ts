import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { AccountId } from '#mail/ids.ts'
import type { SentNote } from '#store/sending.ts'
import { openSendingRecord } from './sending.ts'

const ANN = 1 as AccountId
const BOB = 2 as AccountId

function note(hour: number, network = '192.0.2.0/24'): SentNote {
  return { hour, messages: 1, recipients: 2, outside: 1, network, at: hour * 3_600_000 }
}

test('what is counted counts at once, comes to the file a moment later in one go, and is there again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-sending-'))
  const file = path.join(folder, 'sending.db')
  const expected = [
    { hour: 4, messages: 1, recipients: 2, outside: 1 },
    { hour: 5, messages: 3, recipients: 6, outside: 3 },
  ]
  {
    await using record = await openSendingRecord(file)
    for (const account of [ANN, BOB]) assert.deepEqual(await record.hours(account, 0), [])
    for (const hour of [5, 5, 4, 5]) await record.note(ANN, note(hour))
    await record.note(BOB, note(5, '198.51.100.0/24'))
    assert.deepEqual(await record.hours(ANN, 0), expected)
    assert.deepEqual(await record.hours(ANN, 5), expected.slice(1))
    assert.equal(await record.firstFrom(ANN, '192.0.2.0/24'), 5 * 3_600_000)
    assert.equal(await record.firstFrom(ANN, '198.51.100.0/24'), undefined)
    using db = new DatabaseSync(file)
    const rows = db.prepare('SELECT count(*) AS rows FROM sent_hour')
    assert.deepEqual({ ...rows.get() }, { rows: 0 })
    t.mock.timers.tick(200)
    assert.deepEqual({ ...rows.get() }, { rows: 3 })
    await record.note(ANN, note(6))
  }
  await using record = await openSendingRecord(file)
  assert.deepEqual(await record.hours(ANN, 0), [...expected, { hour: 6, messages: 1, recipients: 2, outside: 1 }])
  assert.equal(await record.firstFrom(BOB, '198.51.100.0/24'), 5 * 3_600_000)
  await record.setAlarm(ANN, { since: 7, told: false })
  assert.deepEqual(await record.alarm(ANN), { since: 7, told: false })
  await record.note(ANN, note(7, '203.0.113.0/24'))
  await record.teach(ANN, 40)
  assert.equal(await record.alarm(ANN), undefined)
  assert.deepEqual(await record.taught(ANN), { outside: 40 })
  assert.equal(await record.firstFrom(ANN, '203.0.113.0/24'), 0)
  await record.forgetBefore(6, 0)
  assert.deepEqual(
    (await record.hours(ANN, 0)).map(({ hour }) => hour),
    [6, 7],
  )
  await rm(folder, { recursive: true })
})

test('what cannot be written counts all the same, and is written with what comes', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  await using record = await openSendingRecord(':memory:')
  const exec = t.mock.method(DatabaseSync.prototype, 'exec', () => {
    throw new Error('database or disk is full')
  })
  await record.note(ANN, note(5))
  t.mock.timers.tick(200)
  exec.mock.restore()
  await record.note(ANN, note(5))
  t.mock.timers.tick(200)
  await record.forgetBefore(0, 0)
  assert.deepEqual(await record.hours(ANN, 0), [{ hour: 5, messages: 2, recipients: 4, outside: 2 }])
})
