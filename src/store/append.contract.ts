import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailboxKey } from '#mail/ids.ts'
import { bytesOf, messageOf, preparedOf, someMessages, uids, type World } from './kit.contract.ts'
import { MAX_KEYWORD_OCTETS, MAX_KEYWORDS } from './limits.ts'
import { ENVELOPE, HEADER, LEAN, NARROW, PARTS, PREVIEW, STRUCTURE, UNTRACED } from './types.ts'

const ALL_FIELDS = ENVELOPE | STRUCTURE | PARTS | HEADER | PREVIEW | NARROW

/** APPEND and what reading gives back. */
export function appendContract(world: () => World): void {
  test('append gives UIDs in the order of the request, and its MODSEQ to each message (RFC 4315 §3)', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    const first = await person.add(inbox.key, someMessages(3))
    assert.deepEqual(first.uids, [1, 2, 3])
    assert.equal(first.uidValidity, inbox.uidValidity)
    const second = await person.add(inbox.key, someMessages(2))
    assert.deepEqual(second.uids, [4, 5])
    assert.ok(second.modseq > first.modseq)
    const messages = await person.messages(inbox.key)
    for (const { uid, modseq } of messages) {
      if (uid <= 3) assert.ok(modseq > inbox.highestModseq && modseq <= first.modseq)
      else assert.ok(modseq > first.modseq && modseq <= second.modseq)
    }
    assert.equal((await person.inbox()).uidNext, 6)
    assert.equal((await person.inbox()).highestModseq, second.modseq)
  })

  test('append refuses a mailbox that is not there', async () => {
    const person = await world().person()
    const { key } = await person.make('a')
    await person.must('deleteMailbox', { mailbox: key })
    for (const mailbox of [key, 999_999 as MailboxKey])
      assert.deepEqual(await person.refused('append', { mailbox, messages: [messageOf()] }), {
        kind: 'no-such-mailbox',
      })
  })

  test('append of nothing changes nothing', async () => {
    const person = await world().person()
    const before = await person.picture()
    const { uids: none } = await person.add((await person.inbox()).key, [])
    assert.deepEqual(none, [])
    assert.deepEqual(await person.picture(), before)
  })

  test('emails() gives back all that came in with a message', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    const trace = 'Return-Path: <a@example.org>\r\nReceived: by here\r\n'
    const message = messageOf({
      body: 'Subject: x\r\n\r\nhello',
      trace,
      internalDate: 1_234_567_890_000,
      internalZone: -570,
      email: { messageId: '<1@x>', hasAttachment: true, cc: 'C', subject: 'Grüße', sentAt: undefined, sentDay: -5 },
    })
    await person.add(inbox.key, [message])
    const row = await person.email(inbox.key, 1, ALL_FIELDS)
    const { email } = message
    assert.equal(row.size, trace.length + 'Subject: x\r\n\r\nhello'.length)
    assert.equal(row.place.length, 'Subject: x\r\n\r\nhello'.length)
    assert.equal(row.internalDate, 1_234_567_890_000)
    assert.equal(row.internalZone, -570)
    assert.ok(Math.abs(row.savedAt - Date.now()) < 600_000)
    assert.equal(row.gone, false)
    for (const [got, wanted] of [
      [row.trace, bytesOf(trace)],
      [row.envelope, email.envelope],
      [row.bodyStructure, email.bodyStructure],
      [row.parts, email.parts],
      [row.header, email.header],
      [row.fields, email.fields],
    ] as const)
      assert.deepEqual([...(got ?? [])], [...wanted])
    assert.equal(row.headerSize, email.headerSize)
    assert.equal(Buffer.from(row.preview ?? []).toString(), email.preview)
    assert.deepEqual(row.narrow, {
      subject: 'Grüße',
      from: email.from,
      to: email.to,
      cc: 'C',
      sentAt: undefined,
      sentDay: -5,
      baseSubject: email.baseSubject,
      messageId: '<1@x>',
      hasAttachment: true,
    })
    assert.equal(Buffer.from(await person.body(row)).toString(), 'Subject: x\r\n\r\nhello')
  })

  test('emails() leaves out what was not asked for', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    await person.add(inbox.key, [messageOf()])
    const groups = [
      [ENVELOPE, ['envelope']],
      [STRUCTURE, ['bodyStructure']],
      [PARTS, ['parts', 'headerSize']],
      [HEADER, ['header', 'fields', 'headerSize']],
      [PREVIEW, ['preview']],
      [NARROW, ['narrow']],
      [0, []],
      [ENVELOPE | PREVIEW, ['envelope', 'preview']],
    ] as const
    const optional = [
      'envelope',
      'bodyStructure',
      'parts',
      'header',
      'fields',
      'headerSize',
      'preview',
      'narrow',
    ] as const
    for (const [fields, wanted] of groups) {
      const row = await person.email(inbox.key, 1, fields)
      const given = optional.filter((name) => row[name] !== undefined)
      assert.deepEqual(given.toSorted(), wanted.toSorted(), `fields ${fields}`)
    }
  })

  test('emails() gives the named messages, ascending, and leaves out UIDs that never were', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    await person.add(inbox.key, someMessages(30))
    const asked = uids(3, [10, 12], [28, 4_294_967_295])
    const rows = await person.emails(inbox.key, asked)
    assert.deepEqual(
      rows.map((row) => row.uid as number),
      [3, 10, 11, 12, 28, 29, 30],
    )
    assert.deepEqual(await person.emails(inbox.key, uids(31, [40, 50])), [])
    assert.deepEqual(await person.emails(inbox.key, []), [])
  })

  test('emails() gives the same of many messages as of each, and LEAN what was asked for', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    await person.add(inbox.key, [messageOf(), ...someMessages(300)])
    await person.must('expunge', { mailbox: inbox.key, uids: uids([7, 9], 252), which: 'any' })
    for (const fields of [
      0,
      ENVELOPE,
      HEADER,
      PARTS | PREVIEW,
      ENVELOPE | STRUCTURE | PARTS | HEADER | PREVIEW | NARROW,
    ]) {
      const rows = await person.emails(inbox.key, undefined, fields)
      assert.deepEqual(
        rows.map((row) => row.uid as number),
        Array.from({ length: 301 }, (_, at) => at + 1),
      )
      assert.deepEqual(
        rows.filter((row) => row.gone).map((row) => row.uid as number),
        [7, 8, 9, 252],
      )
      for (const row of [rows[0], rows[7], rows[250], rows[251]])
        assert.deepEqual(row, await person.email(inbox.key, row?.uid ?? 0, fields), `fields ${fields}`)
      const lean = await person.emails(inbox.key, undefined, fields | LEAN)
      for (const [at, { uid, gone, envelope, bodyStructure, parts, header, headerSize, preview }] of lean.entries()) {
        const whole = rows[at]
        assert.deepEqual(
          { ...whole, uid, gone, envelope, bodyStructure, parts, header, headerSize, preview },
          whole,
          `fields ${fields}`,
        )
      }
    }
    const whole = await person.emails(inbox.key, undefined, HEADER | LEAN)
    const bare = await person.emails(inbox.key, undefined, HEADER | LEAN | UNTRACED)
    const nothing = { trace: new Uint8Array(0), headerSize: undefined }
    assert.deepEqual(
      bare.map(({ uid, header, fields, trace, headerSize }) => ({ uid, header, fields, trace, headerSize })),
      whole.map(({ uid, header, fields }) => ({ uid, header, fields, ...nothing })),
    )
  })

  test('columns() gives what emails() gives, of expunged messages too', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    await person.add(inbox.key, [messageOf(), ...someMessages(300)])
    await person.must('expunge', { mailbox: inbox.key, uids: uids([7, 9], 252), which: 'any' })
    for (const set of [uids([1, 4_294_967_295]), uids(3, [8, 12], [251, 253]), uids(400), []]) {
      const rows = await person.emails(inbox.key, set, NARROW)
      const numbers = ['internalDate', 'internalLocal', 'savedAt', 'sentAt', 'sentDay', 'size'] as const
      const texts = ['subject', 'baseSubject', 'from', 'to', 'cc', 'messageId'] as const
      const found: unknown[] = []
      for await (const slice of person.store.columns(person.ref, inbox.key, set, numbers, texts))
        for (const [at, uid] of slice.uids.entries())
          found.push([uid, ...slice.numbers.map((column) => column[at]), ...slice.texts.map((column) => column[at])])
      const wanted = rows.map(({ uid, internalDate, internalZone, savedAt, size, narrow }) => [
        uid,
        internalDate,
        internalDate + internalZone * 60_000,
        savedAt,
        narrow?.sentAt ?? internalDate,
        narrow?.sentDay ?? Number.NaN,
        size,
        narrow?.subject,
        narrow?.baseSubject,
        narrow?.from,
        narrow?.to,
        narrow?.cc,
        narrow?.messageId ?? null,
      ])
      assert.deepEqual(found, wanted)
    }
  })

  test('messages() reads in slices of any size', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    await person.add(inbox.key, someMessages(25))
    await person.must('expunge', { mailbox: inbox.key, uids: uids([5, 9], 20), which: 'any' })
    const whole = await person.messages(inbox.key)
    assert.equal(whole.length, 19)
    for (const slice of [1, 2, 7, 19, 20]) assert.deepEqual(await person.messages(inbox.key, slice), whole)
  })

  test('append keeps flags: system flags by bit, keywords in the spelling first seen', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    const all = ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft']
    await person.add(inbox.key, [
      messageOf(),
      messageOf({ flags: all }),
      messageOf({ flags: ['$Forwarded', 'Work'] }),
      messageOf({ flags: ['work', '$FORWARDED', '\\Seen'] }),
    ])
    assert.deepEqual(
      (await person.messages(inbox.key)).map((message) => message.flags),
      [[], all.toSorted(), ['$Forwarded', 'Work'], ['$Forwarded', 'Work', '\\Seen']],
    )
  })

  test('append refuses more and longer keywords than the limits say', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    const many = Array.from({ length: MAX_KEYWORDS }, (_, index) => `k${index}`)
    await person.add(inbox.key, [messageOf({ flags: many }), messageOf({ flags: ['x'.repeat(MAX_KEYWORD_OCTETS)] })])
    for (const flags of [[...many, 'one-more'], ['x'.repeat(MAX_KEYWORD_OCTETS + 1)]]) {
      const messages = [messageOf(), messageOf({ flags })]
      const refusal = await person.refused('append', { mailbox: inbox.key, messages })
      assert.equal(refusal.kind, 'too-many-keywords')
    }
  })

  test('append keeps UIDLs of a migration; they are unique in their mailbox', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    const other = await person.make('other')
    await person.add(inbox.key, [messageOf({ uidl: 'first' }), messageOf(), messageOf({ uidl: 'Third' })])
    const refusal = { kind: 'uidl-taken', uidl: 'first' }
    const again = messageOf({ uidl: 'first' })
    assert.deepEqual(await person.refused('append', { mailbox: inbox.key, messages: [messageOf(), again] }), refusal)
    assert.deepEqual(await person.refused('append', { mailbox: other.key, messages: [again, again] }), refusal)
    await person.add(inbox.key, [messageOf({ uidl: 'third' })])
    await person.add(other.key, [again])
    const uidls: (string | undefined)[] = []
    const numbers: number[] = []
    const sizes: number[] = []
    for await (const page of person.store.maildrop(person.ref, inbox.key)) {
      numbers.push(...page.uids)
      sizes.push(...page.sizes)
      uidls.push(...page.uidls)
    }
    assert.deepEqual(numbers, [1, 2, 3, 4])
    assert.deepEqual(uidls, ['first', undefined, 'Third', 'third'])
    const rows = await person.emails(inbox.key)
    assert.deepEqual(
      sizes,
      rows.map((row) => row.size),
    )
  })

  test('each message has an EMAILID of its own, and a THREADID that replies share (RFC 8474)', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    const mail = (messageId: string, references: readonly string[], subject = 'Plan'): ReturnType<typeof messageOf> =>
      messageOf({ email: { messageId, references, subject, baseSubject: subject.toUpperCase() } })
    await person.add(inbox.key, [
      mail('<1@x>', []),
      mail('<2@x>', ['<1@x>']),
      mail('<9@x>', [], 'Other'),
      mail('<3@x>', ['<1@x>', '<2@x>']),
      mail('<10@x>', ['<missing@x>'], 'Other again'),
      mail('<missing@x>', [], 'Other again'),
    ])
    const rows = await person.emails(inbox.key)
    assert.equal(new Set(rows.map((row) => row.email)).size, 6)
    const [one, two, nine, three, ten, late] = rows.map((row) => row.thread)
    assert.equal(two, one)
    assert.equal(three, one)
    assert.notEqual(nine, one)
    assert.equal(late, ten, 'an answer may come before what it answers')
    assert.notEqual(ten, nine)
  })

  test('two messages with the same octets are two emails', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    await person.add(inbox.key, [messageOf(), messageOf()])
    const [one, two] = await person.emails(inbox.key)
    assert.notEqual(one?.email, two?.email)
    assert.notEqual(one?.thread, two?.thread, 'nothing says that they are one conversation')
  })

  test('many appends at once get distinct UIDs without gaps', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    const answers = await Promise.all(Array.from({ length: 150 }, () => person.add(inbox.key, someMessages(2))))
    const given = answers.flatMap((answer) => answer.uids as readonly number[])
    assert.deepEqual(
      given.toSorted((a, b) => a - b),
      Array.from({ length: 300 }, (_, index) => index + 1),
    )
    for (const { uids: pair } of answers) assert.equal(pair[1], (pair[0] ?? 0) + 1, 'one request, one place')
    assert.equal(new Set(answers.map((answer) => answer.modseq)).size, 150)
  })

  test('UIDs and MODSEQ follow the order of commits', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    await Promise.all(Array.from({ length: 50 }, () => person.add(inbox.key, [messageOf()])))
    const messages = await person.messages(inbox.key)
    const modseqs = messages.map((message) => message.modseq)
    assert.deepEqual(
      modseqs,
      modseqs.toSorted((a, b) => a - b),
    )
  })

  test('a header longer than what is kept and fields at their limits come back whole', async () => {
    const person = await world().person()
    const inbox = await person.inbox()
    const email = preparedOf(1, {
      header: new Uint8Array(4_096).fill(120),
      headerSize: 100_000,
      envelope: new Uint8Array(70_000).fill(121),
      bodyStructure: new Uint8Array(70_000).fill(122),
      parts: new Uint8Array(0),
      preview: '\u{1f600}'.repeat(200),
      subject: 's'.repeat(50_000),
    })
    await person.add(inbox.key, [{ ...messageOf({ body: '' }), email }])
    const row = await person.email(inbox.key, 1, ALL_FIELDS)
    assert.deepEqual(row.header, email.header)
    assert.deepEqual(row.envelope, email.envelope)
    assert.deepEqual(row.bodyStructure, email.bodyStructure)
    assert.equal(row.parts?.length, 0)
    assert.equal(row.headerSize, 100_000)
    assert.equal(Buffer.from(row.preview ?? []).toString(), email.preview)
    assert.equal(row.narrow?.subject, email.subject)
  })
}
