import assert from 'node:assert/strict'
import { test } from 'node:test'
import { uidSetOf, uidsOf } from '#mail/uid-set.ts'
import { plainMail } from '#testing/messages.ts'
import { addMessage, openTestStore } from '#testing/store.ts'
import { searchMailbox } from './mailbox-search.ts'
import type { Snapshot } from './snapshot.ts'
import { MailboxSnapshots } from './snapshots.ts'

const { signal } = new AbortController()

test('texts are read once, then only those of new messages; a mailbox that is read anew has none yet', async () => {
  await using opened = await openTestStore()
  const { store, account } = opened
  const inbox = await store.mailboxByName(account, 'INBOX')
  assert.ok(inbox !== undefined)
  const mailbox = inbox.key
  const add = (subject: string) => addMessage(store, account, 'INBOX', plainMail({ subject }))
  for (let number = 0; number < 600; number += 1) await add(number % 100 === 7 ? 'ÄPFEL und Tee' : 'Kaffee')
  let read = 0
  const columns = store.columns.bind(store)
  store.columns = async function* (...of) {
    for await (const slice of columns(...of)) {
      read += slice.uids.length
      yield slice
    }
  }
  const search = async (snapshot: Snapshot, text: string): Promise<readonly number[]> => {
    read = 0
    const criterion = { kind: 'column', column: 'subject', text } as const
    return [...uidsOf(await searchMailbox({ store, index: undefined, account, mailbox, snapshot, criterion, signal }))]
  }
  const handle = new MailboxSnapshots(store).open(account, mailbox)
  const latest = async (): Promise<Snapshot> => {
    const snapshot = await handle.refresh(0)
    assert.ok(snapshot !== undefined)
    return snapshot
  }

  assert.deepEqual(await search(await latest(), 'äpfel'.normalize('NFKD')), [8, 108, 208, 308, 408, 508])
  assert.equal(read, 600)
  assert.equal((await search(await latest(), 'kaffee')).length, 594)
  assert.equal(read, 0)

  await add('Tee')
  await store.write('expunge', { account, by: 'test', mailbox, uids: uidSetOf([8]), which: 'any' })
  assert.deepEqual(await search(await latest(), 'tee'), [108, 208, 308, 408, 508, 601])
  assert.equal(read, 1)

  const others = new MailboxSnapshots(store).open(account, mailbox)
  const anew = await others.refresh(0)
  assert.ok(anew !== undefined)
  assert.deepEqual(await search(anew, 'tee'), [108, 208, 308, 408, 508, 601])
  assert.equal(read, 600)
  handle.close()
  others.close()
})
