import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailboxKey, Modseq } from '#mail/ids.ts'
import { messageOf, numbersOf, type Person, someMessages, uids, type World } from './kit.contract.ts'
import type { MailboxChanges } from './types.ts'

/** changes(): what a view needs to follow a mailbox, and what QRESYNC answers from (RFC 7162). */
export function changesContract(world: () => World): void {
  async function withMailbox(count: number): Promise<[Person, MailboxKey, Modseq]> {
    const person = await world().person()
    const { key } = await person.inbox()
    if (count > 0) await person.add(key, someMessages(count))
    return [person, key, (await person.state()).modseq]
  }

  /** All slices; asserts what must hold for each. */
  async function slicesOf(person: Person, mailbox: MailboxKey, since: Modseq | 0): Promise<MailboxChanges[]> {
    const slices: MailboxChanges[] = []
    const reached = await person.modseq()
    let cursor: MailboxChanges['next']
    do {
      const slice = await person.store.changes(person.ref, mailbox, since, cursor)
      const numbers = [...slice.changed.uids]
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      )
      for (const modseq of slice.changed.modseqs) assert.ok(modseq > since)
      if (slice.next !== undefined) assert.deepEqual(slice.vanished, [], 'vanished comes whole in the last slice')
      assert.ok(slice.modseq >= (slices.at(-1)?.modseq ?? since))
      slices.push(slice)
      cursor = slice.next
      assert.ok(slices.length < 1_000, 'changes() comes to an end')
    } while (cursor !== undefined)
    assert.ok((slices.at(-1)?.modseq ?? 0) >= reached, 'the last slice reaches what was committed before')
    return slices
  }

  test('changes() after the latest MODSEQ has nothing to say', async () => {
    const [person, inbox, since] = await withMailbox(3)
    const [slice, ...more] = await slicesOf(person, inbox, since)
    assert.deepEqual(more, [])
    assert.equal(slice?.changed.uids.length, 0)
    assert.deepEqual(slice?.vanished, [])
    assert.equal(slice?.complete, true)
    assert.equal(slice?.modseq, since)
    assert.equal(slice?.uidNext, 4)
  })

  test('changes() names messages added and with other flags, with flags and MODSEQ as now', async () => {
    const [person, inbox, since] = await withMailbox(5)
    await person.flag(inbox, uids(2, 4), 'add', ['\\Seen', 'x'])
    await person.add(inbox, someMessages(2, { flags: ['\\Flagged'] }))
    await person.flag(inbox, uids(4, 7), 'remove', ['x', '\\Flagged'])
    const [slice, ...more] = await slicesOf(person, inbox, since)
    assert.ok(slice)
    assert.deepEqual(more, [])
    assert.deepEqual([...slice.changed.uids], [2, 4, 6, 7])
    const now = (await person.messages(inbox)).filter((message) => [2, 4, 6, 7].includes(message.uid))
    assert.deepEqual(
      await person.flagNames(slice.changed.flags),
      now.map((message) => message.flags),
    )
    assert.deepEqual(
      [...slice.changed.modseqs],
      now.map((message) => message.modseq),
    )
    assert.equal(slice.uidNext, 8)
    assert.equal(slice.modseq, await person.modseq())
  })

  test('changes() names what vanished, and not as changed', async () => {
    const [person, inbox, since] = await withMailbox(6)
    await person.flag(inbox, uids(2, 3), 'add', ['\\Seen'])
    await person.must('expunge', { mailbox: inbox, uids: uids(2, [5, 6]), which: 'any' })
    const middle = (await person.state()).modseq
    await person.must('expunge', { mailbox: inbox, uids: uids(1), which: 'any' })
    const [slice] = await slicesOf(person, inbox, since)
    assert.deepEqual([...(slice?.changed.uids ?? [])], [3])
    assert.deepEqual(numbersOf(slice?.vanished ?? []), [1, 2, 5, 6])
    assert.equal(slice?.complete, true)
    const [later] = await slicesOf(person, inbox, middle)
    assert.deepEqual(numbersOf(later?.vanished ?? []), [1])
    const [latest] = await slicesOf(person, inbox, (await person.modseq()) as Modseq)
    assert.deepEqual(latest?.vanished, [])
  })

  test('changes() names a message that came and went since as vanished, never as changed', async () => {
    const [person, inbox, since] = await withMailbox(1)
    const { uids: fresh } = await person.add(inbox, someMessages(2))
    await person.must('expunge', { mailbox: inbox, uids: uids(2), which: 'any' })
    const [slice] = await slicesOf(person, inbox, since)
    assert.deepEqual(fresh, [2, 3])
    assert.deepEqual([...(slice?.changed.uids ?? [])], [3])
    assert.ok(numbersOf(slice?.vanished ?? []).every((uid) => uid === 2))
  })

  test('changes() of one mailbox does not speak of another', async () => {
    const [person, inbox, since] = await withMailbox(3)
    const other = await person.make('other')
    await person.add(other.key, someMessages(3))
    await person.must('copy', { mailbox: inbox, uids: uids(1), target: other.key })
    await person.must('expunge', { mailbox: other.key, uids: uids([1, 2]), which: 'any' })
    const [slice] = await slicesOf(person, inbox, since)
    assert.equal(slice?.changed.uids.length, 0)
    assert.deepEqual(slice?.vanished, [])
    assert.equal(slice?.modseq, await person.modseq(), 'a view must reach the MODSEQ of a write elsewhere, too')
  })

  test('changes() since 0 is the whole mailbox', async () => {
    const [person, inbox] = await withMailbox(9)
    await person.must('expunge', { mailbox: inbox, uids: uids(4), which: 'any' })
    const slices = await slicesOf(person, inbox, 0)
    assert.deepEqual(
      slices.flatMap((slice) => [...slice.changed.uids]).toSorted((a, b) => a - b),
      [1, 2, 3, 5, 6, 7, 8, 9],
    )
  })

  test('changes() since a MODSEQ that has not come yet has nothing to say', async () => {
    const [person, inbox, since] = await withMailbox(2)
    const slice = await person.store.changes(person.ref, inbox, (since + 1_000) as Modseq)
    assert.equal(slice.changed.uids.length, 0)
    assert.deepEqual(slice.vanished, [])
    assert.equal(slice.next, undefined)
    assert.equal(slice.uidNext, 3)
  })

  test('changes() of a mailbox that no longer exists says so', async () => {
    const person = await world().person()
    const { key } = await person.make('a')
    await person.add(key, [messageOf()])
    const since = (await person.state()).modseq
    await person.must('deleteMailbox', { mailbox: key })
    const slice = await person.store.changes(person.ref, key, since)
    assert.equal(slice.uidNext, undefined)
    assert.equal(slice.next, undefined)
  })

  test('thousands of changes come in slices that miss nothing, at whatever MODSEQ a reader starts again', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    const marks: Modseq[] = []
    for (let batch = 0; batch < 13; batch += 1) marks.push((await person.add(key, someMessages(1_000))).modseq)
    // Order by MODSEQ is far from order by UID: old messages change last.
    for (const first of [6_000, 1, 12_001, 3_000])
      marks.push((await person.flag(key, uids([first, first + 900]), 'add', ['\\Seen'])).modseq)
    marks.push(
      (await person.must('expunge', { mailbox: key, uids: uids([500, 700], [9_000, 9_010]), which: 'any' })).modseq,
    )
    const now = await person.messages(key)

    for (const since of [0 as Modseq, ...marks]) {
      const slices = await slicesOf(person, key, since)
      const changed = slices.flatMap((slice) => [...slice.changed.uids])
      assert.deepEqual(
        changed.toSorted((a, b) => a - b),
        now.filter((message) => message.modseq > since).map((message) => message.uid),
        `since ${since}`,
      )
    }
    const slices = await slicesOf(person, key, 0)
    assert.ok(slices.length > 1, '13,000 changes are no slice')
    for (const stopped of slices) {
      const seen = slices.slice(0, slices.indexOf(stopped) + 1)
      const known = new Set(seen.flatMap((slice) => [...slice.changed.uids]))
      for (const slice of await slicesOf(person, key, stopped.modseq))
        for (const uid of slice.changed.uids) known.add(uid)
      assert.equal(known.size, now.length, 'whoever stops here and starts again from its MODSEQ misses nothing')
    }
  })

  test('changes that happen between slices are in a later slice or in the next round', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    for (let batch = 0; batch < 12; batch += 1) await person.add(key, someMessages(1_000))
    const view = new Map<number, number>()
    const apply = (slice: MailboxChanges): void => {
      for (const [index, uid] of slice.changed.uids.entries()) view.set(uid, slice.changed.modseqs[index] ?? 0)
      for (const uid of numbersOf(slice.vanished)) view.delete(uid)
    }
    let since: Modseq | 0 = 0
    let changes = 0
    for (let round = 0; round < 2; round += 1) {
      let slice = await person.store.changes(person.ref, key, since)
      apply(slice)
      while (slice.next !== undefined) {
        changes += 1
        assert.ok(changes < 1_000, 'changes() comes to an end')
        await person.must('expunge', { mailbox: key, uids: uids(changes * 7, 12_000 - changes), which: 'any' })
        await person.flag(key, uids(changes * 7 + 1), 'add', ['\\Seen'])
        await person.add(key, someMessages(1))
        slice = await person.store.changes(person.ref, key, since, slice.next)
        apply(slice)
      }
      since = slice.modseq
    }
    assert.ok(changes > 0)
    assert.deepEqual(
      [...view].toSorted((a, b) => a[0] - b[0]),
      (await person.messages(key)).map((message) => [message.uid, message.modseq]),
    )
  })

  test('MODSEQ only grows, for the account and for each mailbox, through every kind of write', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    const other = await person.make('other')
    let before = await person.state()
    let boxes = await person.store.mailboxes(person.ref)
    const steps: (() => Promise<{ readonly modseq: number }>)[] = [
      () => person.add(inbox.key, someMessages(4)),
      () => person.flag(inbox.key, uids(1), 'add', ['x']),
      () => person.must('copy', { mailbox: inbox.key, uids: uids(1), target: other.key }),
      () => person.must('move', { mailbox: inbox.key, uids: uids(2), target: other.key }),
      () => person.must('expunge', { mailbox: inbox.key, uids: uids(3), which: 'any' }),
      () => person.must('createMailbox', { name: 'new', specialUse: undefined }),
      () => person.must('renameMailbox', { from: 'new', to: 'newer' }),
      () => person.must('renameMailbox', { from: 'INBOX', to: 'old' }),
      () => person.must('subscribe', { name: 'x', subscribed: true }),
      () => person.must('setLimits', { limits: { storageBytes: 1_000_000, messages: undefined } }),
      async () => person.must('deleteMailbox', { mailbox: (await person.box('newer')).key }),
    ]
    for (const [index, step] of steps.entries()) {
      const { modseq } = await step()
      const after = await person.state()
      assert.equal(after.modseq, modseq, `step ${index}`)
      assert.ok(modseq > before.modseq, `step ${index}`)
      const now = await person.store.mailboxes(person.ref)
      for (const was of boxes) {
        const is = now.find((mailbox) => mailbox.key === was.key)
        if (is === undefined) continue
        assert.ok(is.highestModseq >= was.highestModseq, `step ${index}`)
        assert.ok(is.uidNext >= was.uidNext, `step ${index}`)
        assert.ok(is.vanishedFloor >= was.vanishedFloor, `step ${index}`)
      }
      before = after
      boxes = now
    }
  })
}
