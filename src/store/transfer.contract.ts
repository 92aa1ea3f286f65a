import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailboxKey } from '#mail/ids.ts'
import { messageOf, numbersOf, type Person, someMessages, uids, type World } from './kit.contract.ts'

/** COPY and MOVE inside an account (RFC 9051 §6.4.7, RFC 6851, RFC 4315). */
export function transferContract(world: () => World): void {
  async function withTarget(count: number): Promise<[Person, MailboxKey, MailboxKey]> {
    const person = await world().person()
    const { key } = await person.inbox()
    const target = await person.make('Kept')
    await person.add(
      key,
      Array.from({ length: count }, (_, index) =>
        messageOf({ body: `body ${index + 1}`, flags: [`k${index + 1}`, '\\Seen'], internalDate: (index + 1) * 1000 }),
      ),
    )
    return [person, key, target.key]
  }

  for (const kind of ['copy', 'move'] as const) {
    test(`${kind} gives new UIDs in the order of the old and says which became which`, async () => {
      const [person, inbox, target] = await withTarget(6)
      await person.add(target, someMessages(2))
      await person.must('expunge', { mailbox: inbox, uids: uids(3), which: 'any' })
      const answer = await person.must(kind, { mailbox: inbox, uids: uids([2, 4], 6, 9), target })
      assert.deepEqual(numbersOf(answer.from), [2, 4, 6])
      assert.deepEqual(numbersOf(answer.to), [3, 4, 5])
      assert.equal(answer.uidValidity, (await person.box(target)).uidValidity)
      const rows = await person.emails(target, answer.to)
      const bodies = await Promise.all(rows.map(async (row) => Buffer.from(await person.body(row)).toString()))
      assert.deepEqual(bodies, ['body 2', 'body 4', 'body 6'])
      assert.equal((await person.box(target)).highestModseq, answer.modseq)
    })

    test(`${kind} keeps flags, INTERNALDATE, EMAILID and THREADID; SAVEDATE is new (RFC 8474, RFC 8514)`, async () => {
      const [person, inbox, target] = await withTarget(2)
      const before = await person.email(inbox, 2)
      const start = Date.now()
      await person.must(kind, { mailbox: inbox, uids: uids(2), target })
      const after = await person.email(target, 1)
      assert.equal(after.email, before.email)
      assert.equal(after.thread, before.thread)
      assert.equal(after.internalDate, 2000)
      assert.equal(after.size, before.size)
      assert.ok(after.savedAt >= start - 1_000)
      assert.deepEqual((await person.messages(target))[0]?.flags, ['\\Seen', 'k2'])
    })

    test(`${kind} of UIDs that are not there does nothing`, async () => {
      const [person, inbox, target] = await withTarget(2)
      const before = await person.picture()
      for (const set of [uids([3, 9]), []]) {
        const answer = await person.must(kind, { mailbox: inbox, uids: set, target })
        assert.deepEqual([answer.from, answer.to], [[], []])
      }
      assert.deepEqual(await person.picture(), before)
    })

    test(`${kind} refuses mailboxes that are not there`, async () => {
      const [person, inbox, target] = await withTarget(2)
      const nowhere = 999_999 as MailboxKey
      const refusal = { kind: 'no-such-mailbox' }
      const all = uids([1, 2])
      assert.deepEqual(await person.refused(kind, { mailbox: inbox, uids: all, target: nowhere }), refusal)
      assert.deepEqual(await person.refused(kind, { mailbox: nowhere, uids: all, target }), refusal)
    })

    test(`${kind} into the same mailbox gives new UIDs`, async () => {
      const [person, inbox] = await withTarget(3)
      const answer = await person.must(kind, { mailbox: inbox, uids: uids([1, 2]), target: inbox })
      assert.deepEqual(numbersOf(answer.to), [4, 5])
      assert.deepEqual(await person.uidsIn(inbox), kind === 'copy' ? [1, 2, 3, 4, 5] : [3, 4, 5])
    })

    test(`${kind} of thousands is whole`, async () => {
      const person = await world().person()
      const { key } = await person.inbox()
      const target = await person.make('t')
      await person.add(
        key,
        Array.from({ length: 3_000 }, () => messageOf({ body: 'x' })),
      )
      const answer = await person.must(kind, { mailbox: key, uids: uids([1, 4_294_967_295]), target: target.key })
      assert.deepEqual([answer.from, answer.to], [uids([1, 3_000]), uids([1, 3_000])])
      assert.equal((await person.box(target.key)).messages, 3_000)
      assert.equal((await person.box(key)).messages, kind === 'copy' ? 3_000 : 0)
    })

    test(`${kind} does not carry a UIDL: it is of the mailbox it was given in`, async () => {
      const person = await world().person()
      const { key } = await person.inbox()
      const target = await person.make('t')
      await person.add(key, [messageOf({ uidl: 'u' })])
      await person.must(kind, { mailbox: key, uids: uids(1), target: target.key })
      for await (const page of person.store.maildrop(person.ref, target.key)) assert.deepEqual(page.uidls, [undefined])
    })
  }

  test('copy leaves the source as it was, and a copy lives on when the original goes', async () => {
    const [person, inbox, target] = await withTarget(3)
    const before = await person.messages(inbox)
    const { highestModseq } = await person.box(inbox)
    await person.must('copy', { mailbox: inbox, uids: uids([1, 3]), target })
    assert.deepEqual(await person.messages(inbox), before)
    assert.equal((await person.box(inbox)).highestModseq, highestModseq)
    await person.must('expunge', { mailbox: inbox, uids: undefined, which: 'any' })
    const row = await person.email(target, 1)
    assert.equal(Buffer.from(await person.body(row)).toString(), 'body 1')
  })

  test('flags of a copy are its own', async () => {
    const [person, inbox, target] = await withTarget(1)
    await person.must('copy', { mailbox: inbox, uids: uids(1), target })
    await person.flag(target, uids(1), 'replace', ['\\Flagged'])
    assert.deepEqual((await person.messages(inbox))[0]?.flags, ['\\Seen', 'k1'])
  })

  test('move takes the messages from the source in the same commit; their old UIDs are vanished and readable', async () => {
    const [person, inbox, target] = await withTarget(4)
    const since = (await person.box(inbox)).highestModseq
    const answer = await person.must('move', { mailbox: inbox, uids: uids(1, [3, 4]), target })
    assert.deepEqual(await person.uidsIn(inbox), [2])
    assert.deepEqual(await person.uidsIn(target), [1, 2, 3])
    const changes = await person.store.changes(person.ref, inbox, since)
    assert.deepEqual(numbersOf(changes.vanished), [1, 3, 4])
    assert.equal(changes.complete, true)
    assert.equal((await person.box(inbox)).highestModseq, answer.modseq)
    const gone = await person.email(inbox, 3)
    assert.equal(gone.gone, true)
    assert.equal(gone.email, (await person.email(target, 2)).email)
    assert.equal(Buffer.from(await person.body(gone)).toString(), 'body 3')
  })

  test('move there and back gives ever new UIDs', async () => {
    const [person, inbox, target] = await withTarget(1)
    for (let round = 1; round <= 5; round += 1) {
      await person.must('move', { mailbox: inbox, uids: uids(round), target })
      const back = await person.must('move', { mailbox: target, uids: uids(round), target: inbox })
      assert.deepEqual(numbersOf(back.to), [round + 1])
    }
    assert.deepEqual(await person.uidsIn(inbox), [6])
  })

  test('of many who move the same messages at once, one gets each', async () => {
    const [person, inbox, target] = await withTarget(10)
    const other = (await person.make('Other')).key
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        person.must('move', { mailbox: inbox, uids: uids([1, 10]), target: index % 2 === 0 ? target : other }),
      ),
    )
    assert.equal(answers.flatMap((answer) => numbersOf(answer.from)).length, 10)
    assert.equal((await person.state()).usage.messages, 10)
  })
}
