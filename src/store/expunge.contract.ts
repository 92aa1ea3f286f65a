import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailboxKey } from '#mail/ids.ts'
import { messageOf, numbersOf, type Person, someMessages, uids, type World } from './kit.contract.ts'
import { ENVELOPE, HEADER } from './types.ts'

/** EXPUNGE, UID EXPUNGE, the end of a POP3 session, and messages that are gone. */
export function expungeContract(world: () => World): void {
  async function withDeleted(): Promise<[Person, MailboxKey]> {
    const person = await world().person()
    const { key } = await person.inbox()
    await person.add(key, someMessages(8))
    await person.flag(key, uids(2, [4, 5], 8), 'add', ['\\Deleted'])
    return [person, key]
  }

  test('expunge takes all messages with \\Deleted (RFC 9051 §6.4.3)', async () => {
    const [person, inbox] = await withDeleted()
    const before = await person.modseq()
    const answer = await person.must('expunge', { mailbox: inbox, uids: undefined, which: 'deleted' })
    assert.deepEqual(answer.expunged, uids(2, [4, 5], 8))
    assert.ok(answer.modseq > before)
    assert.deepEqual(await person.uidsIn(inbox), [1, 3, 6, 7])
    const info = await person.box(inbox)
    assert.equal(info.highestModseq, answer.modseq, 'HIGHESTMODSEQ grows with an expunge (RFC 7162 §3.2.6)')
    assert.equal(info.deleted, 0)
    assert.equal(info.uidNext, 9)
  })

  test('expunge of some UIDs takes those of them with \\Deleted (RFC 4315 §2.1)', async () => {
    const [person, inbox] = await withDeleted()
    const answer = await person.must('expunge', { mailbox: inbox, uids: uids([1, 4], 99), which: 'deleted' })
    assert.deepEqual(answer.expunged, uids(2, 4))
    assert.deepEqual(await person.uidsIn(inbox), [1, 3, 5, 6, 7, 8])
  })

  test('expunge of any takes what is named, whatever its flags', async () => {
    const [person, inbox] = await withDeleted()
    const some = await person.must('expunge', { mailbox: inbox, uids: uids([1, 3]), which: 'any' })
    assert.deepEqual(some.expunged, uids([1, 3]))
    const all = await person.must('expunge', { mailbox: inbox, uids: undefined, which: 'any' })
    assert.deepEqual(all.expunged, uids([4, 8]))
    assert.equal((await person.box(inbox)).messages, 0)
  })

  test('expunge of nothing leaves every MODSEQ alone', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    await person.add(key, someMessages(2))
    const before = await person.picture()
    for (const [set, which] of [
      [undefined, 'deleted'],
      [uids([1, 2]), 'deleted'],
      [uids(3), 'any'],
      [[], 'any'],
    ] as const) {
      const answer = await person.must('expunge', { mailbox: key, uids: set, which })
      assert.deepEqual(answer.expunged, [])
      assert.equal(answer.modseq, await person.modseq())
    }
    assert.deepEqual(await person.picture(), before)
  })

  test('expunge refuses a mailbox that is not there', async () => {
    const [person] = await withDeleted()
    const own = { mailbox: 999_999 as MailboxKey, uids: undefined, which: 'any' } as const
    assert.deepEqual(await person.refused('expunge', own), { kind: 'no-such-mailbox' })
  })

  test('a message is expunged once, however many ask at once', async () => {
    const [person, inbox] = await withDeleted()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => person.must('expunge', { mailbox: inbox, uids: undefined, which: 'deleted' })),
    )
    assert.deepEqual(
      answers.flatMap((answer) => numbersOf(answer.expunged)),
      [2, 4, 5, 8],
    )
  })

  test('UIDs are never given twice, even when the last messages went (RFC 9051 §2.3.1.1)', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    const given = new Set<number>()
    for (let round = 0; round < 5; round += 1) {
      const { uids: fresh } = await person.add(key, someMessages(3))
      for (const uid of fresh) {
        assert.ok(!given.has(uid))
        given.add(uid)
      }
      await person.must('expunge', { mailbox: key, uids: undefined, which: 'any' })
    }
    assert.equal((await person.box(key)).uidNext, 16)
  })

  test('a message that is gone can still be read, and says so', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    await person.add(key, [messageOf({ body: 'first', trace: 'T: 1\r\n' }), messageOf({ body: 'second' })])
    const before = await person.email(key, 1, ENVELOPE | HEADER)
    await person.must('expunge', { mailbox: key, uids: uids(1), which: 'any' })
    const rows = await person.emails(key, undefined, ENVELOPE | HEADER)
    assert.deepEqual(
      rows.map((row) => [row.uid as number, row.gone]),
      [
        [1, true],
        [2, false],
      ],
    )
    const { place: _, ...after } = rows[0] ?? assert.fail()
    const { place: __, ...wanted } = before
    assert.deepEqual(after, { ...wanted, gone: true })
    assert.equal(Buffer.from(await person.body(rows[0] ?? assert.fail())).toString(), 'first')
  })

  test('a message that is gone is in no list, no count and no maildrop', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    await person.add(key, someMessages(3))
    await person.must('expunge', { mailbox: key, uids: uids(2), which: 'any' })
    assert.deepEqual(await person.uidsIn(key), [1, 3])
    const drop: number[] = []
    for await (const page of person.store.maildrop(person.ref, key)) drop.push(...page.uids)
    assert.deepEqual(drop, [1, 3])
    const answer = await person.flag(key, uids(2), 'add', ['\\Seen'])
    assert.deepEqual(numbersOf(answer.gone), [2])
    assert.equal((await person.state()).usage.messages, 2)
  })

  test('a UIDL of a message that went does not come back by itself', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    await person.add(key, [messageOf({ uidl: 'u' })])
    await person.must('expunge', { mailbox: key, uids: undefined, which: 'any' })
    await person.add(key, [messageOf()])
    for await (const page of person.store.maildrop(person.ref, key)) assert.deepEqual(page.uidls, [undefined])
  })

  test('expunge of thousands, every second one, is whole', async () => {
    const person = await world().person()
    const { key } = await person.inbox()
    await person.add(
      key,
      Array.from({ length: 3_000 }, (_, index) =>
        messageOf({ body: 'x', flags: index % 2 === 0 ? ['\\Deleted'] : [] }),
      ),
    )
    const since = (await person.box(key)).highestModseq
    const { expunged } = await person.must('expunge', { mailbox: key, uids: undefined, which: 'deleted' })
    const odd = Array.from({ length: 1_500 }, (_, index) => 2 * index + 1)
    assert.deepEqual(numbersOf(expunged), odd)
    const changes = await person.store.changes(person.ref, key, since)
    assert.deepEqual(numbersOf(changes.vanished), odd)
  })
}
