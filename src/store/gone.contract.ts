import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EmailKey, MailboxKey, Modseq } from '#mail/ids.ts'
import type { DeletedMessage, MessageEvent } from './gone.ts'
import { messageOf, numbersOf, type Person, someMessages, uids, type World } from './kit.contract.ts'
import type { Undeleted } from './writes.ts'

/** Deleted mail, undelete and the history of messages. */
export function goneContract(world: () => World): void {
  const OLD = { into: undefined, copies: false } as const

  async function deleted(person: Person, slice?: number): Promise<DeletedMessage[]> {
    const all: DeletedMessage[] = []
    for (;;) {
      const some = await person.store.deleted(person.ref, 0, all.at(-1), slice)
      all.push(...some)
      if (slice === undefined || some.length < slice) return all
    }
  }

  async function back(person: Person, mailbox: MailboxKey, ...set: number[]): Promise<Undeleted> {
    return person.must('undelete', { mailbox, uids: uids(...set), ...OLD })
  }

  /** Flags of a mailbox by UID. */
  async function flagsIn(person: Person, mailbox: MailboxKey): Promise<(readonly [number, string])[]> {
    return (await person.messages(mailbox)).map(({ uid, flags }) => [uid, flags.join(' ')] as const)
  }

  test('what left a mailbox is listed in the order of its leaving, with how it went', async () => {
    const person = await world().person()
    const inbox = (await person.inbox()).key
    const other = (await person.make('Other')).key
    const folder = (await person.make('Folder', 'Archive')).key
    await person.add(inbox, someMessages(6, { flags: ['\\Seen', 'Work'] }))
    await person.add(folder, [messageOf({ flags: ['\\Flagged'] })])
    const before = await person.emails(inbox)
    await person.must('expunge', { mailbox: inbox, uids: uids(2), which: 'any' })
    const pop3 = { mailbox: inbox, downloaded: [], markSeen: false, removed: uids(1) }
    await person.must('applyMaildrop', pop3)
    await person.must('move', { mailbox: inbox, uids: uids(3), target: other })
    await person.must('replace', { mailbox: inbox, uid: 4 as never, target: inbox, message: messageOf() })
    await person.must('deleteMailbox', { mailbox: folder })
    const all = await deleted(person)
    assert.deepEqual(
      new Set(all.map(({ uid, cause }) => `${uid} ${cause}`)),
      new Set(['2 expunge', '1 maildrop', '3 move', '4 replace', '1 mailbox']),
    )
    assert.deepEqual(await deleted(person, 2), all, 'slices')
    const [one] = all.filter(({ cause }) => cause === 'expunge')
    assert.ok(one)
    assert.equal(one.mailbox, inbox)
    assert.equal(one.email, before[1]?.email)
    assert.equal(one.size, before[1]?.size)
    assert.equal(one.savedAt, before[1]?.savedAt)
    assert.ok(one.deletedAt >= one.savedAt)
    assert.deepEqual(await person.flagNames([one.flags]), [['Work', '\\Seen']])
    assert.deepEqual(
      all.map(({ cause, kept }) => kept === (cause === 'move')),
      all.map(() => true),
    )
    assert.equal(
      all.some(({ restored }) => restored),
      false,
    )
    const later = Math.max(...all.map(({ deletedAt }) => deletedAt)) + 1
    assert.deepEqual(await person.store.deleted(person.ref, later), [])
    const [gone, ...more] = await person.store.goneMailboxes(person.ref)
    assert.deepEqual(more, [])
    assert.deepEqual(
      [gone?.key, gone?.name, gone?.specialUse, gone?.restoredAs],
      [folder, 'Folder', 'Archive', undefined],
    )
  })

  test('undelete brings messages back under new UIDs, with their flags, dates and EMAILID, once', async () => {
    const person = await world().person()
    const { key: inbox, uidValidity } = await person.inbox()
    await person.add(inbox, [
      messageOf({ flags: ['\\Seen', 'Work'], body: 'one', internalDate: 1_600_000_000_000, uidl: 'old' }),
      messageOf({ flags: ['\\Flagged', '\\Deleted'], body: 'second' }),
      messageOf({ body: 'the third' }),
    ])
    const before = await person.emails(inbox)
    await person.must('expunge', { mailbox: inbox, uids: undefined, which: 'any' })
    const since = await person.modseq()
    const answer = await back(person, inbox, 1, 2)
    assert.ok(answer.modseq > since)
    assert.deepEqual(answer, {
      modseq: answer.modseq,
      mailbox: inbox,
      name: 'INBOX',
      made: false,
      from: uids([1, 2]),
      to: uids([4, 5]),
      kept: [],
    })
    assert.deepEqual(await flagsIn(person, inbox), [
      [4, 'Work \\Seen'],
      [5, '\\Flagged'],
    ])
    assert.equal((await person.inbox()).uidValidity, uidValidity)
    const after = (await person.emails(inbox)).filter(({ gone }) => !gone)
    assert.deepEqual(
      after.map(({ email, internalDate, size }) => [email, internalDate, size]),
      before.slice(0, 2).map(({ email, internalDate, size }) => [email, internalDate, size]),
    )
    assert.deepEqual(Buffer.from(await person.body(after[0] ?? assert.fail())), Buffer.from('one'))
    const changes = await person.store.changes(person.ref, inbox, since as Modseq)
    assert.deepEqual([...changes.changed.uids], [4, 5], 'sessions that know the mailbox hear of them')
    for await (const page of person.store.maildrop(person.ref, inbox))
      assert.deepEqual(page.uidls, [undefined, undefined])

    const again = await back(person, inbox, 1, 2, 3)
    assert.deepEqual([numbersOf(again.from), numbersOf(again.to), again.kept], [[3], [6], []])
    const once = await person.modseq()
    const nothing = await back(person, inbox, 1, 2, 3)
    assert.deepEqual([nothing.from, nothing.to, nothing.modseq], [[], [], once])
    assert.deepEqual(
      (await deleted(person)).map(({ restored, kept }) => [restored, kept]),
      Array(3).fill([true, false]),
    )
    // Sessions that show the old UID still find it.
    assert.equal((await person.email(inbox, 1)).gone, true)
    await person.must('expunge', { mailbox: inbox, uids: uids(4), which: 'any' })
    assert.deepEqual(numbersOf((await back(person, inbox, 1, 4)).from), [4], 'what goes again comes back again')
  })

  test('undelete leaves what another mailbox still holds, unless asked for copies', async () => {
    const person = await world().person()
    const inbox = (await person.inbox()).key
    const other = (await person.make('Other')).key
    await person.add(inbox, someMessages(3))
    await person.must('copy', { mailbox: inbox, uids: uids(1), target: other })
    await person.must('move', { mailbox: inbox, uids: uids(2), target: other })
    await person.must('expunge', { mailbox: inbox, uids: undefined, which: 'any' })
    const answer = await back(person, inbox, 1, 2, 3)
    assert.deepEqual([answer.from, answer.kept], [uids(3), uids([1, 2])])
    // Copies that went from two places come back to one.
    await person.must('expunge', { mailbox: other, uids: undefined, which: 'any' })
    assert.deepEqual(numbersOf((await back(person, inbox, 1, 2)).from), [1, 2])
    assert.deepEqual((await back(person, other, 1, 2)).kept, uids([1, 2]))
    const copies = await person.must('undelete', { mailbox: other, uids: uids([1, 2]), into: undefined, copies: true })
    assert.deepEqual([copies.from, copies.to, copies.kept], [uids([1, 2]), uids([3, 4]), []])
    // Two in one mailbox are both of it, also where the mailbox is made again.
    await person.must('copy', { mailbox: inbox, uids: uids(4), target: inbox })
    const twin = (await person.make('Twin')).key
    await person.must('move', { mailbox: inbox, uids: uids(4, 7), target: twin })
    await person.must('deleteMailbox', { mailbox: twin })
    assert.deepEqual((await back(person, twin, 1)).from, uids(1))
    assert.deepEqual(
      (await deleted(person)).flatMap(({ mailbox, uid, kept }) => (mailbox === twin ? [[uid, kept]] : [])),
      [
        [1, false],
        [2, false],
      ],
    )
    assert.deepEqual((await back(person, twin, 1, 2)).from, uids(2))
  })

  test('undelete makes a mailbox again that is gone, with its special use, or the one it is to come into', async () => {
    const person = await world().person()
    const box = await person.make('Top/Sub', 'Sent')
    const empty = await person.make('Empty')
    await person.add(box.key, someMessages(2, { flags: ['\\Answered', 'x'] }))
    await person.must('expunge', { mailbox: box.key, uids: uids(1), which: 'any' })
    for (const name of ['Top/Sub', 'Top', 'Empty'])
      await person.must('deleteMailbox', { mailbox: (await person.box(name)).key })
    const into = { mailbox: box.key, uids: uids(1), into: 'Recovered/été', copies: false }
    const elsewhere = await person.must('undelete', into)
    assert.deepEqual([elsewhere.name, elsewhere.made, numbersOf(elsewhere.to)], ['Recovered/été', true, [1]])
    assert.equal(
      (await person.store.goneMailboxes(person.ref)).some(({ restoredAs }) => restoredAs !== undefined),
      false,
    )
    const answer = await back(person, box.key, 1, 2)
    assert.deepEqual(
      [answer.name, answer.made, numbersOf(answer.from), numbersOf(answer.to)],
      ['Top/Sub', true, [2], [1]],
    )
    const made = await person.box('Top/Sub')
    assert.equal(made.specialUse, 'Sent')
    assert.equal(made.key, answer.mailbox)
    assert.ok(made.uidValidity > box.uidValidity)
    assert.deepEqual(await flagsIn(person, made.key), [[1, '\\Answered x']])
    const revived = await back(person, empty.key)
    assert.deepEqual([revived.name, revived.made, revived.from], ['Empty', true, []])
    assert.equal((await back(person, empty.key)).made, false)
    assert.deepEqual((await person.names()).sort(), ['Empty', 'INBOX', 'Recovered', 'Recovered/été', 'Top', 'Top/Sub'])
    // It follows the mailbox that it was restored as.
    await person.must('renameMailbox', { from: 'Empty', to: 'Renamed' })
    assert.deepEqual(
      [(await back(person, empty.key)).name, (await person.names()).includes('Empty')],
      ['Renamed', false],
    )
    assert.deepEqual(
      (await person.store.goneMailboxes(person.ref)).map(({ name, restoredAs }) => [name, restoredAs !== undefined]),
      [
        ['Empty', true],
        ['Top', false],
        ['Top/Sub', true],
      ],
    )
  })

  test('undelete leaves a special use to who has taken it meanwhile', async () => {
    const person = await world().person()
    const { key } = await person.make('Sent', 'Sent')
    await person.must('deleteMailbox', { mailbox: key })
    await person.make('Other', 'Sent')
    assert.equal((await back(person, key)).made, true)
    assert.equal((await person.box('Sent')).specialUse, undefined)
  })

  test('undelete is refused over the quota, without a mailbox, and for a bad name', async () => {
    const person = await world().person({ storageBytes: undefined, messages: 3 })
    const inbox = (await person.inbox()).key
    await person.add(inbox, someMessages(3))
    await person.must('expunge', { mailbox: inbox, uids: undefined, which: 'any' })
    await person.add(inbox, [messageOf()])
    const all = { mailbox: inbox, uids: uids([1, 3]), ...OLD }
    assert.deepEqual(await person.refused('undelete', all), { kind: 'over-quota', resource: 'message', limit: 3 })
    assert.deepEqual(await person.refused('undelete', { ...all, mailbox: 999 as MailboxKey }), {
      kind: 'no-such-mailbox',
    })
    assert.equal((await person.refused('undelete', { ...all, into: 'a//b' })).kind, 'bad-name')
    assert.deepEqual(numbersOf((await back(person, inbox, 1, 2)).from), [1, 2])
    assert.deepEqual((await back(person, inbox, 77)).from, [])
    const stranger = world().stranger()
    assert.deepEqual(await stranger.refused('undelete', all), { kind: 'no-such-account' })
    assert.deepEqual(await stranger.store.deleted(stranger.ref, 0), [])
    assert.deepEqual(await stranger.store.goneMailboxes(stranger.ref), [])
    assert.deepEqual(await stranger.store.events(stranger.ref, 0), [])
  })

  test('places of an email are where it is and where it was; Message-ID finds it', async () => {
    const person = await world().person()
    const inbox = (await person.inbox()).key
    const other = (await person.make('Other')).key
    await person.add(inbox, [messageOf({ email: { messageId: '<a@example.org>' } }), messageOf()])
    await person.must('move', { mailbox: inbox, uids: uids(1), target: other })
    await person.must('copy', { mailbox: other, uids: uids(1), target: inbox })
    const [email, ...more] = await person.store.emailsByMessageId(person.ref, '<a@example.org>')
    assert.ok(email !== undefined)
    assert.deepEqual(more, [])
    const places = await person.store.places(person.ref, email)
    assert.deepEqual(
      new Set(places.map(({ mailbox, uid, deletedAt }) => [mailbox, uid, deletedAt === undefined].join(' '))),
      new Set([`${inbox} 1 false`, `${inbox} 3 true`, `${other} 1 true`]),
    )
    assert.deepEqual(await person.store.emailsByMessageId(person.ref, '<b@example.org>'), [])
    assert.deepEqual(await person.store.emailsByMessageId(person.ref, '<a@example.org>', 100), [email])
    await person.add(other, someMessages(5))
    assert.deepEqual(await person.store.emailsByMessageId(person.ref, '<a@example.org>', 5), [])
    assert.deepEqual(await person.store.places(person.ref, 999_999 as EmailKey), [])
  })

  test('the trace lines of an email find it, whoever has it, wherever it is', async () => {
    const [one, other] = [await world().person(), await world().person()]
    const [inbox, box] = [(await one.inbox()).key, (await other.inbox()).key]
    const trace = 'Received: by x (Malle) with ESMTP id q7-1.1\r\n\tfor <é@b>; now\r\n'
    await one.add(inbox, [messageOf(), messageOf({ trace }), messageOf({ trace: 'id q7-1.12\r\n' })])
    await other.add(box, [messageOf({ trace, internalDate: 1_700_000_001_000 })])
    await one.must('expunge', { mailbox: inbox, uids: uids(2), which: 'any' })
    const found = async (since: number, ...texts: string[]) =>
      new Set((await one.store.emailsByTrace(texts, since)).map(({ account, email }) => `${account} ${email}`))
    const keyOf = async ({ store, ref }: typeof one, mailbox: MailboxKey, uid: number) => {
      for await (const rows of store.emails(ref, mailbox, uids(uid), 0))
        for (const row of rows) return `${ref.id} ${row.email}`
      return ''
    }
    const [first, second] = [await keyOf(one, inbox, 2), await keyOf(other, box, 1)]
    assert.deepEqual(await found(0, ' id q7-1.1\r\n'), new Set([first, second]))
    assert.deepEqual(await found(1_700_000_001_000, ' id q7-1.1\r\n', 'nowhere'), new Set([second]))
    assert.deepEqual(await found(0, 'q8'), new Set())
  })

  test('the history tells what each request did, and by whom', async () => {
    const person = await world().person()
    const inbox = (await person.inbox()).key
    const other = (await person.make('Other')).key
    await person.add(inbox, someMessages(5))
    await person.flag(inbox, uids([1, 3]), 'add', ['\\Seen', 'Work'])
    await person.flag(inbox, uids([1, 3]), 'add', ['\\Seen'])
    await person.flag(inbox, uids(2), 'remove', ['Work'])
    await person.flag(inbox, uids(2), 'replace', ['\\Draft'])
    await person.must('copy', { mailbox: inbox, uids: uids(1, 3), target: other })
    await person.must('move', { mailbox: inbox, uids: uids(3), target: other })
    await person.must('applyMaildrop', {
      mailbox: inbox,
      downloaded: uids(1),
      fetched: uids(1, 4),
      markSeen: true,
      removed: uids(4),
    })
    await person.must('expunge', { mailbox: inbox, uids: uids(1, 5, 9), which: 'any' })
    await person.must('replace', { mailbox: inbox, uid: 2 as never, target: other, message: messageOf() })
    await person.must('deleteMailbox', { mailbox: other })
    await back(person, inbox, 5)
    const events = await person.store.events(person.ref, 0)
    const text = ({ kind, mailbox, uids: set, to, detail }: MessageEvent): string =>
      [
        kind,
        mailbox === inbox ? 'INBOX' : 'Other',
        numbersOf(set).join(','),
        to === undefined ? '' : `> ${to.mailbox === inbox ? 'INBOX' : 'Other'} ${to.first}`,
        detail ?? '',
      ]
        .join(' ')
        .trim()
    assert.deepEqual(
      events.map((event) => text(event).replace(/ +/g, ' ')),
      [
        'appended INBOX 1,2,3,4,5',
        'flags INBOX 1,2,3 +\\Seen Work',
        'flags INBOX 2 -Work',
        'flags INBOX 2 =\\Draft',
        'copied INBOX 1,3 > Other 1',
        'moved INBOX 3 > Other 3',
        'fetched INBOX 1,4',
        'expunged INBOX 4',
        'expunged INBOX 1,5',
        'replaced INBOX 2 > Other 4',
        'mailbox-deleted Other 1,2,3,4',
        'restored INBOX 5 > INBOX 6',
      ],
    )
    assert.ok(events.every(({ by }) => by === 'contract'))
    const sequences = events.map(({ sequence }) => sequence)
    assert.deepEqual(
      sequences,
      [...new Set(sequences)].sort((a, b) => a - b),
    )
    assert.deepEqual(await person.store.events(person.ref, sequences[10] ?? 0), events.slice(11))
    assert.deepEqual(await person.store.events(person.ref, sequences[2] ?? 0, 3), events.slice(3, 6))
  })

  test('the history keeps the order of what was asked for in one turn', async () => {
    const person = await world().person()
    const inbox = (await person.inbox()).key
    await person.add(inbox, someMessages(3))
    const [last] = (await person.store.events(person.ref, 0)).slice(-1)
    await Promise.all([
      person.flag(inbox, uids(1), 'add', ['\\Seen']),
      person.flag(inbox, uids(3), 'add', ['\\Seen']),
      person.flag(inbox, uids(2), 'add', ['\\Seen']),
      person.flag(inbox, uids(2), 'remove', ['\\Seen']),
      person.flag(inbox, uids(2), 'add', ['\\Seen']),
      person.must('expunge', { mailbox: inbox, uids: uids(1), which: 'any' }),
      person.must('expunge', { mailbox: inbox, uids: uids(2), which: 'any' }),
    ])
    const told: string[] = []
    for (const { kind, detail, uids: set } of await person.store.events(person.ref, last?.sequence ?? 0))
      for (const uid of numbersOf(set)) told.push(`${kind} ${detail ?? ''} ${uid}`)
    // Neighbours that are alike may have become one.
    assert.deepEqual(told.slice(0, 3).sort(), ['flags +\\Seen 1', 'flags +\\Seen 2', 'flags +\\Seen 3'])
    assert.deepEqual(told.slice(3), ['flags -\\Seen 2', 'flags +\\Seen 2', 'expunged  1', 'expunged  2'])
  })
}
