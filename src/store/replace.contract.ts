import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailboxKey, Uid } from '#mail/ids.ts'
import { messageOf, numbersOf, type Person, patternOf, stage, type World } from './kit.contract.ts'

const LARGE = 1_500_000

/** REPLACE (RFC 8508). */
export function replaceContract(world: () => World): void {
  async function withDrafts(limits?: Parameters<World['person']>[0]): Promise<[Person, MailboxKey]> {
    const person = await world().person(limits)
    const { key } = await person.make('Drafts')
    await person.add(key, [messageOf({ body: 'x'.repeat(60) }), messageOf({ body: 'y'.repeat(60), flags: ['\\Seen'] })])
    return [person, key]
  }
  const uid = (value: number): Uid => value as Uid

  test('replace puts one message in and takes the other out, at one MODSEQ', async () => {
    const [person, mailbox] = await withDrafts()
    const before = await person.box(mailbox)
    const old = await person.email(mailbox, 1)
    const message = messageOf({ body: 'new', flags: ['\\Draft', 'later'], internalDate: 5_000 })
    const answer = await person.must('replace', { mailbox, uid: uid(1), target: mailbox, message })
    assert.deepEqual([answer.uid, answer.uidValidity], [3, before.uidValidity])
    assert.deepEqual(await person.uidsIn(mailbox), [2, 3])
    const after = await person.box(mailbox)
    assert.equal(after.highestModseq, answer.modseq)
    assert.equal(after.messages, 2)
    const changes = await person.store.changes(person.ref, mailbox, before.highestModseq)
    assert.deepEqual(numbersOf(changes.vanished), [1])
    const added = await person.email(mailbox, 3)
    assert.notEqual(added.email, old.email)
    assert.equal(added.internalDate, 5_000)
    assert.equal(Buffer.from(await person.body(added)).toString(), 'new')
    // Flags are those of the new message alone (§1: nothing is inherited).
    assert.deepEqual((await person.messages(mailbox)).at(-1), {
      uid: 3,
      flags: ['\\Draft', 'later'],
      modseq: answer.modseq,
    })
    assert.equal((await person.email(mailbox, 1)).gone, true)
  })

  test('replace into another mailbox changes both at once', async () => {
    const [person, mailbox] = await withDrafts()
    const target = (await person.make('Sent')).key
    const answer = await person.must('replace', { mailbox, uid: uid(2), target, message: messageOf() })
    assert.equal(answer.uid, 1)
    assert.equal(answer.uidValidity, (await person.box(target)).uidValidity)
    assert.deepEqual(await person.uidsIn(mailbox), [1])
    assert.deepEqual(await person.uidsIn(target), [1])
    for (const key of [mailbox, target]) assert.equal((await person.box(key)).highestModseq, answer.modseq)
  })

  test('replace of what is not there is refused, and so are mailboxes that are not', async () => {
    const [person, mailbox] = await withDrafts()
    const message = messageOf()
    await person.must('expunge', { mailbox, uids: [[uid(1), uid(1)]], which: 'any' })
    for (const gone of [1, 9])
      assert.deepEqual(await person.refused('replace', { mailbox, uid: uid(gone), target: mailbox, message }), {
        kind: 'no-such-message',
      })
    const nowhere = 999_999 as MailboxKey
    const refusal = { kind: 'no-such-mailbox' }
    assert.deepEqual(await person.refused('replace', { mailbox, uid: uid(2), target: nowhere, message }), refusal)
    assert.deepEqual(
      await person.refused('replace', { mailbox: nowhere, uid: uid(2), target: mailbox, message }),
      refusal,
    )
  })

  test('replace counts only what it takes more (§3.4)', async () => {
    const [person, mailbox] = await withDrafts({ storageBytes: 130, messages: 2 })
    const of = (size: number) => messageOf({ body: 'z'.repeat(size) })
    assert.equal(
      (await person.refused('replace', { mailbox, uid: uid(1), target: mailbox, message: of(71) })).kind,
      'over-quota',
    )
    await person.must('replace', { mailbox, uid: uid(1), target: mailbox, message: of(70) })
    assert.deepEqual((await person.state()).usage.storageBytes, 130)
    // Who is over a limit that came later may still make it less.
    await person.must('setLimits', { limits: { storageBytes: 10, messages: 1 } })
    await person.must('replace', { mailbox, uid: uid(3), target: mailbox, message: of(40) })
    assert.deepEqual((await person.state()).usage.storageBytes, 100)
  })

  test('a large message replaces a small one, and is replaced itself', async () => {
    const [person, mailbox] = await withDrafts()
    const { store, ref } = person
    const bytes = patternOf(LARGE)
    const large = messageOf({ staged: await stage(store, ref.shard, bytes) })
    const { uid: first } = await person.must('replace', { mailbox, uid: uid(1), target: mailbox, message: large })
    assert.deepEqual(Buffer.from(await person.body(await person.email(mailbox, first))).equals(bytes), true)
    await person.must('replace', { mailbox, uid: first, target: mailbox, message: messageOf() })
    assert.deepEqual(await person.uidsIn(mailbox), [2, 4])
  })

  test('of many who replace the same message at once, one does', async () => {
    const [person, mailbox] = await withDrafts()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        person.write('replace', { mailbox, uid: uid(1), target: mailbox, message: messageOf() }),
      ),
    )
    assert.equal(answers.filter((answer) => answer.ok).length, 1)
    assert.equal((await person.state()).usage.messages, 2)
  })
}
