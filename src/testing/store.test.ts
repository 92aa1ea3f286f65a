import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodedSubjectMail, MAIL_KINDS, mailOfSize, plainMail } from './messages.ts'
import { addAccount, addMessage, messageBytes, openTestStore } from './store.ts'

for (const [name, bytes] of MAIL_KINDS)
  test(`addMessage() puts in what messageBytes() gives back: ${name}`, async () => {
    await using opened = await openTestStore()
    const { store, account } = opened
    assert.equal(await addMessage(store, account, 'Kept/été', plainMail()), 1)
    assert.equal(await addMessage(store, account, 'Kept/été', bytes, ['\\Seen', 'x']), 2)
    assert.ok(Buffer.from(await messageBytes(store, account, 'Kept/été', 2)).equals(bytes))
  })

test('mailOfSize() is exact', () => {
  for (const octets of [300, 301, 1_000, 65_536, 1_048_577]) {
    const bytes = mailOfSize(octets)
    assert.equal(bytes.length, octets)
    assert.equal(Buffer.from(bytes.subarray(-2)).toString(), '\r\n')
  }
})

test('addAccount() makes accounts that know nothing of each other', async () => {
  await using opened = await openTestStore()
  const { store, account } = opened
  const other = await addAccount(store, 2, { storageBytes: 10_000, messages: undefined })
  await addMessage(store, account, 'INBOX', encodedSubjectMail())
  assert.equal((await store.state(account))?.usage.messages, 1)
  assert.equal((await store.state(other))?.usage.messages, 0)
})
