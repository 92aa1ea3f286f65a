import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailboxKey } from '#mail/ids.ts'
import { SEEN } from './flags.ts'
import { type Person, someMessages, uids, type World } from './kit.contract.ts'

/** What a POP3 session reads at login and leaves behind at QUIT. */
export function maildropContract(world: () => World): void {
  async function downloads(person: Person, mailbox: MailboxKey): Promise<readonly number[]> {
    const all: number[] = []
    for await (const page of person.store.maildrop(person.ref, mailbox)) all.push(...page.downloaded)
    return all
  }
  async function seen(person: Person, mailbox: MailboxKey): Promise<readonly boolean[]> {
    const { flags } = await person.store.messages(person.ref, mailbox, 0)
    return Array.from(flags, (bits) => (bits & SEEN) !== 0)
  }

  test('applyMaildrop remembers downloads, marks them and removes, in one request', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    await person.add(key, someMessages(5))
    assert.deepEqual(await downloads(person, key), [0, 0, 0, 0, 0])
    const asked = { mailbox: key, downloaded: uids([1, 3]), markSeen: true, removed: uids(1, 5, 99) }
    const answer = await person.must('applyMaildrop', asked)
    assert.deepEqual(answer.expunged, uids(1, 5))
    assert.deepEqual(await person.uidsIn(key), [2, 3, 4])
    assert.deepEqual(await seen(person, key), [true, true, false])
    const [two, three, four] = await downloads(person, key)
    assert.ok(two !== undefined && two > 0 && two === three)
    assert.equal(four, 0)
    assert.equal((await person.box(key)).unseen, 1)
    assert.equal((await person.box(key)).highestModseq, answer.modseq)
  })

  test('applyMaildrop keeps the first download, and copies begin anew', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    await person.add(key, someMessages(2))
    const asked = { mailbox: key, markSeen: false, removed: [] }
    await person.must('applyMaildrop', { ...asked, downloaded: uids(1) })
    const [first] = await downloads(person, key)
    await new Promise((resolve) => setTimeout(resolve, 3))
    await person.must('applyMaildrop', { ...asked, downloaded: uids([1, 2], 7) })
    const [again, second] = await downloads(person, key)
    assert.equal(again, first)
    assert.ok((second ?? 0) >= (first ?? 0) && (second ?? 0) > 0)
    assert.deepEqual(await seen(person, key), [false, false])
    await person.must('copy', { mailbox: key, uids: uids(1), target: key })
    assert.deepEqual(await downloads(person, key), [first, second, 0])
  })

  test('applyMaildrop of downloads alone leaves every MODSEQ alone; of nothing, everything', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    await person.add(key, someMessages(2))
    const before = await person.modseq()
    await person.must('applyMaildrop', { mailbox: key, downloaded: uids(1), markSeen: false, removed: [] })
    await person.must('applyMaildrop', { mailbox: key, downloaded: [], markSeen: true, removed: [] })
    assert.equal(await person.modseq(), before)
  })

  test('applyMaildrop refuses a mailbox that is not there', async () => {
    const person = await world().person()
    const asked = { mailbox: 77 as MailboxKey, downloaded: uids(1), markSeen: true, removed: uids(1) }
    assert.deepEqual(await person.refused('applyMaildrop', asked), { kind: 'no-such-mailbox' })
  })
}
