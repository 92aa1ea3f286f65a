import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EmailKey } from '#mail/ids.ts'
import { type Person, someMessages, uids, type World } from './kit.contract.ts'
import type { IndexableEmail } from './types.ts'

/** What a search index asks for. */
export function indexingContract(world: () => World): void {
  async function all({ store, ref }: Person, limit: number): Promise<readonly IndexableEmail[]> {
    const emails: IndexableEmail[] = []
    for (;;) {
      const slice = await store.indexable(ref, emails.at(-1)?.key ?? 0, limit)
      emails.push(...slice)
      if (slice.length < limit) return emails
    }
  }

  test('emails come in slices, each once, whatever mailboxes they are in', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    const other = await person.make('Other')
    await person.add(inbox.key, someMessages(7))
    await person.must('copy', { mailbox: inbox.key, uids: uids([2, 4]), target: other.key })
    await person.add(
      other.key,
      someMessages(2, { trace: 'T: 1\r\n', email: { subject: 'sub', from: 'f', to: 't', cc: 'c' } }),
    )
    const emails = await all(person, 4)
    assert.equal(emails.length, 9)
    assert.deepEqual(
      emails.map(({ key }) => key),
      emails.map(({ key }) => key).sort((a, b) => a - b),
    )
    const last = emails.at(-1)
    assert.deepEqual(last?.columns, { subject: 'sub', from: 'f', to: 't', cc: 'c' })
    assert.equal(Buffer.from(last.trace).toString(), 'T: 1\r\n')
    const row = await person.email(other.key, 5)
    assert.deepEqual([last.key, last.place, last.internalDate], [row.email, row.place, row.internalDate])
    const { lastEmail } = (await person.store.state(person.ref)) ?? {}
    assert.ok(lastEmail !== undefined && lastEmail >= last.key)
    await person.add(inbox.key, someMessages(1))
    const [next] = await person.store.indexable(person.ref, lastEmail)
    assert.ok(next !== undefined && next.key > lastEmail)
  })

  test('where emails are: copies, and expunged messages that may still be shown', async () => {
    const person = await world().person()
    const { store, ref } = person
    const inbox = await person.inbox()
    const other = await person.make('Other')
    await person.add(inbox.key, someMessages(6))
    await person.must('copy', { mailbox: inbox.key, uids: uids(2, 5), target: other.key })
    await person.must('expunge', { mailbox: inbox.key, uids: uids(2), which: 'any' })
    const keys = (await all(person, 100)).map(({ key }) => key)
    const some = Uint32Array.from([keys[1], keys[3], keys[4]] as EmailKey[])
    assert.deepEqual([...(await store.uidsOfEmails(ref, inbox.key, some))], [2, 4, 5])
    assert.deepEqual([...(await store.uidsOfEmails(ref, other.key, some))], [1, 2])
    assert.deepEqual([...(await store.uidsOfEmails(ref, other.key, new Uint32Array(0)))], [])
    assert.deepEqual([...(await store.uidsOfEmailsAfter(ref, inbox.key, keys[0] as EmailKey))], [2, 3, 4, 5, 6])
    assert.deepEqual([...(await store.uidsOfEmailsAfter(ref, other.key, keys[1] as EmailKey))], [2])
    assert.deepEqual([...(await store.uidsOfEmailsAfter(ref, other.key, keys[5] as EmailKey))], [])
    assert.deepEqual([...(await store.uidsOfEmailsAfter(ref, inbox.key, 0))], [1, 2, 3, 4, 5, 6])
  })

  test('many emails are found as few are', async () => {
    const person = await world().person()
    const { store, ref } = person
    const inbox = await person.inbox()
    await person.add(inbox.key, someMessages(1))
    for (let count = 1; count < 8_192; count *= 2)
      await person.must('copy', { mailbox: inbox.key, uids: uids([1, count]), target: inbox.key })
    await person.add(inbox.key, someMessages(2_500))
    await person.must('expunge', { mailbox: inbox.key, uids: uids([5_000, 5_100]), which: 'any' })
    const keys = (await all(person, 500)).map(({ key }) => key)
    const found = await store.uidsOfEmails(ref, inbox.key, Uint32Array.from(keys))
    assert.deepEqual(
      [...found],
      Array.from({ length: 10_692 }, (_, index) => index + 1),
    )
    assert.deepEqual(await store.uidsOfEmailsAfter(ref, inbox.key, 0), found)
    const later = await store.uidsOfEmails(ref, inbox.key, Uint32Array.from(keys.slice(1)))
    assert.deepEqual(
      [...later],
      Array.from({ length: 2_500 }, (_, index) => 8_193 + index),
    )
  })
}
