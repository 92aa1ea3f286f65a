import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { pop3Transcript } from '#testing/pop3-transcript.ts'
import { surrogate } from './surrogate.ts'

const messages = [
  { body: 'Subject: \xc3\xa9t\xc3\xa9\r\n\r\n\xc3\xa9\r\n', trace: 'Delivered-To: j\xc3\xb6@e.org\r\n' },
  'Subject: plain\r\n\r\n\xe9\r\n',
]
const login = `
  S: +OK ...
  C: USER ann@example.org
  C: PASS secret
  S: +OK ...
  S: +OK 2 messages ...`

test('without UTF8 a header comes in ASCII, by RETR and TOP; the body comes as it is (RFC 6856 §2.1)', async () => {
  await using server = await TestPop3Server.start({ messages })
  await pop3Transcript(
    `${login}
    C: LIST 1
    S: +OK 1 47
    C: RETR 1
    S: +OK 77 octets
    S: Delivered-To: =?UTF-8?B?asO2QGUub3Jn?=
    S: Subject: =?UTF-8?B?w6l0w6k=?=
    S:
    S: \\xc3\\xa9
    S: .
    C: TOP 1 0
    S: +OK Top of the message
    S: Delivered-To: =?UTF-8?B?asO2QGUub3Jn?=
    S: Subject: =?UTF-8?B?w6l0w6k=?=
    S:
    S: .
    C: RETR 2
    S: +OK 21 octets
    S: Subject: plain
    S:
    S: \\xe9
    S: .
    `,
    server,
  )
})

test('with UTF8 everything comes as it is stored (RFC 6856 §2.1)', async () => {
  await using server = await TestPop3Server.start({ messages })
  await pop3Transcript(
    `${login.replace('C: USER', 'C: UTF8\n  S: +OK UTF-8 from here on\n  C: USER')}
    C: RETR 1
    S: +OK 47 octets
    S: Delivered-To: j\\xc3\\xb6@e.org
    S: Subject: \\xc3\\xa9t\\xc3\\xa9
    S:
    S: \\xc3\\xa9
    S: .
    `,
    server,
  )
})

test('a header that does not end within what is read at a time is refused with [UTF8] (RFC 6856 §5)', async () => {
  const long = `X: ${'y'.repeat(70)}\r\n`.repeat(5_000)
  await using server = await TestPop3Server.start({
    messages: [`Subject: \xc3\xa9\r\n${long}\r\nbody\r\n`, `Subject: e\r\n${long}\r\nbody\r\n`],
  })
  await pop3Transcript(
    `${login}
    C: RETR 1
    S: -ERR [UTF8] That message wants a client with UTF8
    C: TOP 1 0
    S: -ERR [UTF8] That message wants a client with UTF8
    C: STAT
    S: +OK 2 ...
    `,
    server,
  )
})

for (const [piece, whole, end] of [
  ['A: \xe9\n\n\xe9', false, 'A: =?UTF-8?B?w6k=?=\n\n\xe9'],
  ['A: \xe9\r\n', true, 'A: =?UTF-8?B?w6k=?=\r\n'],
  ['A: \xe9', true, 'A: =?UTF-8?B?w6k=?='],
  ['\r\n\xe9', true, '\r\n\xe9'],
  ['', true, ''],
  ['A: \xe9\r\n', false, undefined],
  ['A: e\r\n', false, 'A: e\r\n'],
] as const)
  test(`surrogate() of ${JSON.stringify(piece)}, ${whole ? 'all' : 'the beginning'} of a body`, () => {
    const start = surrogate(new Uint8Array(0), Buffer.from(piece, 'latin1'), whole)
    assert.equal(start && Buffer.from(start.piece).toString('latin1'), end)
  })
