import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageNumber } from '#mail/ids.ts'
import { addMessage, openTestStore } from '#testing/store.ts'
import { Maildrop } from './maildrop.ts'
import { RowsAhead } from './rows-ahead.ts'

const MESSAGES = 100

test('rows are read ahead for a drain, one by one for who picks, and those of expunged messages are still there', async () => {
  await using here = await openTestStore()
  const { store, account } = here
  const mail = Buffer.from('Subject: Hello\r\n\r\nHello\r\n')
  for (let message = 1; message <= MESSAGES; message += 1) await addMessage(store, account, 'INBOX', mail)
  const inbox = await store.mailboxByName(account, 'INBOX')
  assert.ok(inbox)
  const maildrop = await Maildrop.open(store, account, inbox)
  let reads = 0
  const emails = store.emails.bind(store)
  store.emails = (...asked) => {
    reads += 1
    return emails(...asked)
  }
  const uids = [[2, 99]] as never
  await store.write('expunge', { account, by: 'test', mailbox: inbox.key, uids, which: 'any' })

  const drained = new RowsAhead(store, maildrop)
  for (let number = 1; number <= MESSAGES; number += 1) {
    const message = number as MessageNumber
    assert.equal((await drained.row(message))?.uid, maildrop.uid(message))
  }
  assert.equal(reads, 4)

  reads = 0
  const picked = new RowsAhead(store, maildrop)
  for (const message of [100, 3, 50, 49] as MessageNumber[])
    assert.equal((await picked.row(message))?.uid, maildrop.uid(message))
  assert.equal(reads, 4)
})
