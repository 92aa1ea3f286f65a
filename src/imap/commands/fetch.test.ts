import assert from 'node:assert/strict'
import { test } from 'node:test'
import { prepareEmail } from '#mail/prepare.ts'
import { scanMessage } from '#mail/scanner.ts'
import { ImapLines } from '#testing/imap-client.ts'
import { type ImapServerOptions, TestImapServer } from '#testing/imap-server.ts'
import { loggedIn, selected, transcript } from '#testing/transcript.ts'

const two = { messages: [{}, { flags: ['\\Seen'] }] }

test('FETCH refuses bad grammar', () =>
  transcript(
    `
    C: a FETCH
    S: a BAD An argument is missing (at position 8)
    C: b FETCH 1
    S: b BAD An argument is missing (at position 10)
    C: c FETCH 1 NOTHING
    S: c BAD FETCH item is not known (at position 11)
    C: d FETCH 1 (FLAGS
    S: d BAD ...
    C: e FETCH 1 BODY[MIME]
    S: e BAD MIME needs a part number (at position 16)
    C: f FETCH 1 BODY[]<0.0>
    S: f BAD The length of a partial FETCH is at least 1 (at position 20)
    C: x NOOP
    S: x OK Nothing done
    C: g FETCH 3 FLAGS
    S: g BAD There is no message of that number
    C: h FETCH 1 FLAGS (CHANGEDSINCE -1)
    S: h BAD ...
    C: i FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)
    S: i BAD VANISHED needs UID FETCH
    C: j UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)
    S: j BAD Enable QRESYNC first
    C: k UID FETCH 1 FLAGS (VANISHED)
    S: k BAD VANISHED needs CHANGEDSINCE (at position 20)
    `,
    selected(two),
  ))

test('FETCH needs a selected mailbox; an empty one has no numbers', () =>
  transcript(
    `
    C: a FETCH 1 FLAGS
    S: a BAD Select a mailbox first
    C: b SELECT Empty
    S: * FLAGS ...
    S: * OK [PERMANENTFLAGS (...)] ...
    S: * 0 EXISTS
    S: * 0 RECENT
    S: * OK [UIDVALIDITY $v] ...
    S: * OK [UIDNEXT 1] ...
    S: * OK [HIGHESTMODSEQ $m] ...
    S: * OK [MAILBOXID ($id)] ...
    S: b OK [READ-WRITE] Selected
    C: c FETCH 1:* FLAGS
    S: c BAD There is no message of that number
    C: d UID FETCH 1:* FLAGS
    S: d OK Nothing to fetch
    `,
    loggedIn({ mailboxes: ['Empty'] }),
  ))

test('FETCH of FLAGS, UID and MODSEQ; UID FETCH always has the UID', () =>
  transcript(
    `
    C: a FETCH 1:2 FLAGS
    S: * 1 FETCH (FLAGS ())
    S: * 2 FETCH (FLAGS (\\Seen))
    S: a OK Fetched
    C: b UID FETCH 2:* FLAGS
    S: * 2 FETCH (UID 2 FLAGS (\\Seen))
    S: b OK Fetched
    C: c UID FETCH 7:* (UID)
    S: * 2 FETCH (UID 2)
    S: c OK Fetched
    C: d UID FETCH 5 FLAGS
    S: d OK Nothing to fetch
    C: e FETCH 2,1:2,* (UID FLAGS MODSEQ)
    S: * OK [HIGHESTMODSEQ 3] Changes are counted
    S: * 1 FETCH (UID 1 FLAGS () MODSEQ (2))
    S: * 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (3))
    S: e OK Fetched
    C: f FETCH 1:2 FLAGS (CHANGEDSINCE 2)
    S: * 2 FETCH (FLAGS (\\Seen) MODSEQ (3))
    S: f OK Fetched
    `,
    selected(two),
  ))

test('FETCH of what is prepared at arrival', () =>
  transcript(
    `
    C: a FETCH 1 FULL
    S: * 1 FETCH (FLAGS () INTERNALDATE "14-Nov-2023 22:13:20 +0000" RFC822.SIZE 48 ENVELOPE (NIL "small" ((NIL NIL "ann" "example.org")) ((NIL NIL "ann" "example.org")) ((NIL NIL "ann" "example.org")) NIL NIL NIL NIL NIL) BODY ("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 7 1))
    S: a OK Fetched
    C: b UID FETCH 1 (EMAILID THREADID SAVEDATE PREVIEW PREVIEW (LAZY) BODYSTRUCTURE)
    S: * 1 FETCH (UID 1 EMAILID (M$e) THREADID (T$t) SAVEDATE "14-Nov-2023 22:13:20 +0000" PREVIEW "Hello" BODYSTRUCTURE ("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 7 1 NIL NIL NIL NIL))
    S: b OK Fetched
    `,
    selected(two),
  ))

test('FETCH of sections; reading sets \\Seen and says so, PEEK and EXAMINE do not', () =>
  transcript(
    `
    1C: 0 NOOP
    1S: 0 OK Nothing done
    2C: a FETCH 1 (BODY.PEEK[HEADER] RFC822.HEADER)
    2S: * 1 FETCH (BODY[HEADER] {41}
    2S: From: ann@example.org
    2S: Subject: small
    2S:
    2S:  RFC822.HEADER {41}
    2S: From: ann@example.org
    2S: Subject: small
    2S:
    2S: )
    2S: a OK Fetched
    2C: b FETCH 1:2 (BODY[TEXT] UID)
    2S: * 1 FETCH (UID 1 FLAGS (\\Seen) BODY[TEXT] {7}
    2S: Hello
    2S: )
    2S: * 2 FETCH (UID 2 BODY[TEXT] {7}
    2S: Hello
    2S: )
    2S: b OK Fetched
    2C: c NOOP
    2S: c OK Nothing done
    1C: a FETCH 2 FLAGS
    1S: * 2 FETCH (FLAGS (\\Seen))
    1S: * 1 FETCH (FLAGS (\\Seen))
    1S: a OK Fetched
    1C: b FETCH 1 (BODY[HEADER.FIELDS (subject x-none)] BODY[HEADER.FIELDS.NOT (Subject)]<2.6> BODY[]<41.100> BODY[]<100.5>)
    1S: * 1 FETCH (BODY[HEADER.FIELDS (subject x-none)] {18}
    1S: Subject: small
    1S:
    1S:  BODY[HEADER.FIELDS.NOT (Subject)]<2> {6}
    1S: om: an BODY[]<41> {7}
    1S: Hello
    1S:  BODY[]<100> "")
    1S: b OK Fetched
    1C: c FETCH 1 (BODY[1] BODY[1.MIME] BODY[2] BODY[1.TEXT] BODY[1.HEADER.FIELDS (To)])
    1S: * 1 FETCH (BODY[1] {7}
    1S: Hello
    1S:  BODY[1.MIME] {41}
    1S: From: ann@example.org
    1S: Subject: small
    1S:
    1S:  BODY[2] NIL BODY[1.TEXT] NIL BODY[1.HEADER.FIELDS (To)] NIL)
    1S: c OK Fetched
    `,
    selected(two),
  ))

test('FETCH does not mark a mailbox that was only examined', () =>
  transcript(
    `
    C: a FETCH 1 (FLAGS RFC822.TEXT)
    S: * 1 FETCH (FLAGS () RFC822.TEXT {7}
    S: Hello
    S: )
    S: a OK Fetched
    C: b FETCH 1 FLAGS
    S: * 1 FETCH (FLAGS ())
    S: b OK Fetched
    `,
    loggedIn(two, 'EXAMINE INBOX'),
  ))

test('FETCH that sets \\Seen tells MODSEQ and UID to who counts', () =>
  transcript(
    `
    C: a FETCH 1:2 BODY[TEXT]<0.1>
    S: * 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (4) BODY[TEXT]<0> {1}
    S: H)
    S: * 2 FETCH (BODY[TEXT]<0> {1}
    S: H)
    S: a OK Fetched
    `,
    selected(two, 'ENABLE CONDSTORE'),
  ))

test('FETCH still answers for messages that another session expunged', () =>
  transcript(
    `
    1C: a NOOP
    1S: a OK Nothing done
    2C: a STORE 1 +FLAGS.SILENT (\\Deleted)
    2C: b EXPUNGE
    2S: a OK Stored
    2S: * 1 EXPUNGE
    2S: b OK Expunged
    1C: b FETCH 1:2 (FLAGS RFC822.SIZE)
    1S: * 1 FETCH (FLAGS () RFC822.SIZE 48)
    1S: * 2 FETCH (FLAGS (\\Seen) RFC822.SIZE 48)
    1S: b OK Fetched
    1C: c FETCH 1 BODY[TEXT]
    1S: * 1 FETCH (BODY[TEXT] {7}
    1S: Hello
    1S: )
    1S: c OK Fetched
    1C: d UID FETCH 1:2 RFC822.SIZE
    1S: * 1 FETCH (UID 1 RFC822.SIZE 48)
    1S: * 2 FETCH (UID 2 RFC822.SIZE 48)
    1S: * 1 EXPUNGE
    1S: d OK Fetched
    1C: e UID FETCH 1:2 RFC822.SIZE
    1S: * 1 FETCH (UID 2 RFC822.SIZE 48)
    1S: e OK Fetched
    `,
    selected(two),
  ))

test('UID FETCH (CHANGEDSINCE VANISHED) tells what went and what changed (RFC 7162 §3.2.6)', () =>
  transcript(
    `
    C: a STORE 1,3 +FLAGS.SILENT (\\Deleted)
    S: * 1 FETCH (UID 1 MODSEQ (6))
    S: * 3 FETCH (UID 3 MODSEQ (6))
    S: a OK Stored
    C: b EXPUNGE
    S: * VANISHED 1,3
    S: b OK [HIGHESTMODSEQ 7] Expunged
    C: c UID FETCH 1:* (FLAGS) (CHANGEDSINCE 3 VANISHED)
    S: * VANISHED (EARLIER) 1,3
    S: * 2 FETCH (UID 4 FLAGS () MODSEQ (5))
    S: c OK Fetched
    C: d UID FETCH 2:3 (FLAGS) (CHANGEDSINCE 6 VANISHED)
    S: * VANISHED (EARLIER) 3
    S: d OK Nothing to fetch
    C: e UID FETCH 1:* (FLAGS) (CHANGEDSINCE 7 VANISHED)
    S: e OK Nothing to fetch
    `,
    selected({ messages: [{}, {}, {}, {}] }, 'ENABLE QRESYNC'),
  ))

const base64 = {
  messages: [
    {
      body:
        'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n' +
        '--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nYQpiCg==\r\n' +
        '--b\r\nContent-Type: image/x\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n' +
        '--b\r\nContent-Type: image/x\r\nContent-Transfer-Encoding: x-unheard\r\n\r\nxyz\r\n' +
        '--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninside\r\n--b--\r\n',
    },
  ],
}

test('FETCH BINARY decodes, with CRLF in text and literal8 for NUL; unknown encodings are refused (RFC 3516)', () =>
  transcript(
    `
    C: a FETCH 1 (BINARY.SIZE[1] BINARY.PEEK[1] BINARY.PEEK[1]<1.3> BINARY.PEEK[2] BINARY.SIZE[2] BINARY.PEEK[2]<1.9> BINARY.PEEK[7])
    S: * 1 FETCH (BINARY.SIZE[1] 6 BINARY[1] {6}
    S: a
    S: b
    S:  BINARY[1]<1> {3}
    S:
    S: b BINARY[2] ~{3}
    S: \0\u0001\u0002 BINARY.SIZE[2] 3 BINARY[2]<1> {2}
    S: \u0001\u0002 BINARY[7] NIL)
    S: a OK Fetched
    C: b FETCH 1 (UID BINARY.PEEK[3])
    S: b NO [UNKNOWN-CTE] A part has an encoding that is not known here
    C: c FETCH 1 (BINARY.SIZE[3])
    S: c NO [UNKNOWN-CTE] A part has an encoding that is not known here
    C: d FETCH 1 (BODY.PEEK[4.HEADER] BODY.PEEK[4.TEXT] BODY.PEEK[4.HEADER.FIELDS (SUBJECT)] BODY.PEEK[4.1] BODY.PEEK[1.HEADER] BODY.PEEK[4.MIME])
    S: * 1 FETCH (BODY[4.HEADER] {18}
    S: Subject: inner
    S:
    S:  BODY[4.TEXT] {6}
    S: inside BODY[4.HEADER.FIELDS (SUBJECT)] {18}
    S: Subject: inner
    S:
    S:  BODY[4.1] {6}
    S: inside BODY[1.HEADER] NIL BODY[4.MIME] {32}
    S: Content-Type: message/rfc822
    S:
    S: )
    S: d OK Fetched
    `,
    selected(base64),
  ))

/** A server with one delivered message, which has trace lines, and a client that has selected INBOX. */
async function delivered(
  body: Uint8Array,
  trace: string,
  options: ImapServerOptions = {},
): Promise<[TestImapServer, ImapLines]> {
  const server = await TestImapServer.start(options)
  const stage = server.store.stage(0)
  for (let at = 0; at < body.length; at += 65_536) await stage.write(body.subarray(at, at + 65_536))
  await server.store.deliver({
    shard: 0,
    by: 'test',
    body: await stage.finish(),
    email: prepareEmail(scanMessage(body)),
    recipients: [
      {
        account: server.account,
        mailbox: 'INBOX',
        trace: Buffer.from(trace, 'latin1'),
        flags: { system: 0, keywords: [] },
        internalDate: 1_700_000_000_000,
        internalZone: 90,
      },
    ],
  })
  const lines = new ImapLines(await server.connect())
  await lines.line()
  await lines.command('l LOGIN ann@example.org secret')
  await lines.command('s SELECT INBOX')
  return [server, lines]
}

/** The value of the one item asked for. */
async function fetched(lines: ImapLines, item: string): Promise<string> {
  lines.send(`f FETCH 1 (${item})\r\n`)
  const head = (await lines.line()) ?? ''
  const size = /\{(\d+)\}$/.exec(head)?.[1]
  const value = size === undefined ? head.replace(/^.* /, '').slice(0, -1) : await lines.bytes(Number(size))
  if (size !== undefined) assert.equal(await lines.line(), ')')
  assert.equal(await lines.line(), 'f OK Fetched')
  return value
}

for (const header of ['From: a@b\r\nTo: c@d\r\n', `From: a@b\r\nX-Long: ${'x'.repeat(6_000)}\r\nTo: c@d\r\n`])
  test(`trace lines stand before the message everywhere, header of ${header.length} octets`, async () => {
    const trace = 'Return-Path: <x@y>\r\nDelivered-To: ann@example.org\r\n'
    const text =
      'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nfirst\r\n--b\r\nContent-Type: text/html\r\n\r\nsecond\r\n--b--\r\n'
    const body = header + text
    const whole = trace + body
    const headerEnd = whole.indexOf('\r\n\r\n') + 4
    const [server, lines] = await delivered(Buffer.from(body, 'latin1'), trace)
    assert.equal((await lines.command('z FETCH 1 RFC822.SIZE'))[0], `* 1 FETCH (RFC822.SIZE ${whole.length})`)
    assert.equal(
      (await lines.command('z FETCH 1 INTERNALDATE'))[0],
      '* 1 FETCH (INTERNALDATE "14-Nov-2023 23:43:20 +0130")',
    )
    assert.equal(await fetched(lines, 'BODY.PEEK[]'), whole)
    assert.equal(await fetched(lines, 'BODY.PEEK[HEADER]'), whole.slice(0, headerEnd))
    assert.equal(await fetched(lines, 'BODY.PEEK[TEXT]'), whole.slice(headerEnd))
    assert.equal(await fetched(lines, 'BODY.PEEK[1]'), 'first')
    assert.equal(await fetched(lines, 'BODY.PEEK[2]'), 'second')
    assert.equal(await fetched(lines, 'BODY.PEEK[2.MIME]'), 'Content-Type: text/html\r\n\r\n')
    assert.equal(
      await fetched(lines, 'BODY.PEEK[HEADER.FIELDS (TO DELIVERED-TO)]'),
      'Delivered-To: ann@example.org\r\nTo: c@d\r\n\r\n',
    )
    assert.equal(await fetched(lines, 'BODY.PEEK[HEADER.FIELDS (from)]'), 'From: a@b\r\n\r\n')
    const without = whole.slice(0, headerEnd).replace(/^(Return-Path|X-Long|Content-Type): .*\r\n/gm, '')
    assert.equal(await fetched(lines, 'BODY.PEEK[HEADER.FIELDS.NOT (return-path x-long content-type)]'), without)
    for (const [offset, length] of [
      [0, 5],
      [10, 60],
      [headerEnd - 3, 20],
      [whole.length - 2, 99],
      [whole.length, 1],
    ] as const)
      assert.equal(
        (await fetched(lines, `BODY.PEEK[]<${offset}.${length}>`)).replace(/^""$/, ''),
        whole.slice(offset, offset + length),
      )
    lines.reset()
    await server[Symbol.asyncDispose]()
  })

test('large messages come as they are read, whole, in parts and decoded', async () => {
  const encoded = Buffer.from(Array.from({ length: 3_000_000 }, (_, n) => (n * 31) % 256)).toString('base64')
  const lines76 = encoded.replace(/.{76}/g, '$&\r\n')
  const body = `Content-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\n${lines76}`
  const trace = 'Return-Path: <>\r\n'
  const [server, lines] = await delivered(Buffer.from(body, 'latin1'), trace)
  const whole = trace + body
  assert.ok((await fetched(lines, 'BODY.PEEK[]')) === whole)
  assert.ok((await fetched(lines, 'BODY.PEEK[TEXT]')) === lines76)
  assert.ok((await fetched(lines, 'BODY.PEEK[]<1000.2500000>')) === whole.slice(1_000, 2_501_000))
  const decoded = Buffer.from(encoded, 'base64').toString('latin1')
  lines.send('m FETCH 1 (BODY.PEEK[] BODY.PEEK[TEXT] BODY.PEEK[HEADER] BODY.PEEK[1])\r\n')
  for (const [end, value] of [
    [`{${whole.length}}`, whole],
    [`{${lines76.length}}`, lines76],
  ] as const) {
    assert.ok((await lines.line())?.endsWith(end))
    assert.ok((await lines.bytes(value.length)) === value)
  }
  assert.match((await lines.line()) ?? '', /^ BODY\[HEADER\] \{\d+\}$/)
  while (!(await lines.line())?.endsWith(`BODY[1] {${lines76.length}}`));
  assert.ok((await lines.bytes(lines76.length)) === lines76)
  assert.equal(await lines.line(), ')')
  assert.equal(await lines.line(), 'm OK Fetched')
  assert.equal((await lines.command('z FETCH 1 BINARY.SIZE[1]'))[0], '* 1 FETCH (BINARY.SIZE[1] 3000000)')
  assert.ok((await fetched(lines, 'BINARY.PEEK[1]')) === decoded)
  assert.ok((await fetched(lines, 'BINARY.PEEK[1]<7.2000000>')) === decoded.slice(7, 2_000_007))
  lines.reset()
  await server[Symbol.asyncDispose]()
})

test('a message whose bytes are lost is refused, the others are given', async () => {
  await using server = await TestImapServer.start({ messages: [{}, {}, {}] })
  const { store } = server
  const body = store.body.bind(store)
  let opened = 0
  store.body = (account, place) => {
    opened += 1
    return opened === 2 ? body(account, { kind: 'segment', segment: 999, offset: 0, length: 48 }) : body(account, place)
  }
  const lines = new ImapLines(await server.connect())
  await lines.line()
  await lines.command('l LOGIN ann@example.org secret')
  await lines.command('s SELECT INBOX')
  const answer = await lines.command('f FETCH 1:3 (UID BODY.PEEK[TEXT])')
  assert.deepEqual(
    answer.filter((line) => line.startsWith('*')),
    ['* 1 FETCH (UID 1 BODY[TEXT] {7}', '* 3 FETCH (UID 3 BODY[TEXT] {7}'],
  )
  assert.equal(answer.at(-1), 'f NO [CORRUPTION] 1 of the messages cannot be read')
  assert.equal(server.log.lines.filter(({ level }) => level === 'error').length, 1)
  lines.reset()
})

test('PREVIEW is empty where there is no text, at most 200 characters long, and there at once for LAZY (RFC 8970 §3, §4)', () =>
  transcript(
    `
    C: a FETCH 1:3 (PREVIEW (LAZY))
    S: * 1 FETCH (PREVIEW "")
    S: * 2 FETCH (PREVIEW "")
    S: * 3 FETCH (PREVIEW "${'word '.repeat(40).trim()}")
    S: a OK Fetched
    C: b FETCH 1 (PREVIEW (EAGER))
    S: b BAD ...
    C: c FETCH 1 (PREVIEW ())
    S: c BAD ...
    `,
    selected({
      messages: [
        { body: 'Subject: nothing\r\n\r\n' },
        { body: 'Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n' },
        { body: `Subject: much\r\n\r\n${'word '.repeat(60)}\r\n` },
      ],
    }),
  ))

test('SAVEDATE is when a message came into this mailbox: COPY and MOVE set it, STORE does not (RFC 8514 §3)', () =>
  transcript(
    `
    C: a FETCH 1 (SAVEDATE)
    S: * 1 FETCH (SAVEDATE "14-Nov-2023 22:13:20 +0000")
    S: a OK Fetched
    T: 5000
    C: b STORE 1 +FLAGS.SILENT (\\Seen)
    S: b OK Stored
    C: c FETCH 1 (SAVEDATE)
    S: * 1 FETCH (SAVEDATE "14-Nov-2023 22:13:20 +0000")
    S: c OK Fetched
    C: d COPY 1 INBOX
    S: * 2 EXISTS
    S: d OK ...
    C: e FETCH 1:2 (SAVEDATE)
    S: * 1 FETCH (SAVEDATE "14-Nov-2023 22:13:20 +0000")
    S: * 2 FETCH (SAVEDATE "14-Nov-2023 22:13:25 +0000")
    S: e OK Fetched
    `,
    selected({ messages: [{ body: 'x' }] }),
  ))
