import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { type Person, someMessages } from '#store/kit.contract.ts'
import { inShard, openTestStore } from '../test-kit.ts'

test('spans of UIDs come with their messages and go with the last of them, also where the mailbox goes', async () => {
  await using store = await openTestStore({})
  const ann = await store.world.person()
  const spans = (): unknown[] => {
    const db = new DatabaseSync(inShard(store.directory, 'index.db'), { readOnly: true })
    try {
      return db
        .prepare('SELECT mailbox, span FROM modseq_span ORDER BY mailbox, span')
        .all()
        .map((row) => Object.values(row).join('/'))
    } finally {
      db.close()
    }
  }
  const inbox = (await ann.inbox()).key
  await ann.add(inbox, someMessages(300))
  assert.deepEqual(spans(), [`${inbox}/0`, `${inbox}/1`, `${inbox}/2`])
  await expunge(ann, inbox, 1, 254)
  assert.deepEqual(spans(), [`${inbox}/1`, `${inbox}/2`], 'UID 255 is left of the second')
  await expunge(ann, inbox, 255, 255)
  assert.deepEqual(spans(), [`${inbox}/2`])
  const { key } = await ann.make('other')
  await ann.must('move', { mailbox: inbox, uids: [[256, 300]] as never, target: key })
  assert.deepEqual(spans(), [`${key}/0`])
  await ann.must('deleteMailbox', { mailbox: key })
  assert.deepEqual(spans(), [])
  assert.deepEqual(await store.check(), [])
})

function expunge(person: Person, mailbox: Awaited<ReturnType<Person['inbox']>>['key'], first: number, last: number) {
  return person.must('expunge', { mailbox, uids: [[first, last]] as never, which: 'any' })
}
