import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixtureMessages } from '#testing/corpus.ts'
import { selectFields } from './headers.ts'
import { type PreparedEmail, prepareEmail } from './prepare.ts'
import { scanMessage } from './scanner.ts'

function prepare(text: string): PreparedEmail {
  return prepareEmail(scanMessage(Buffer.from(text)))
}

function fixture(name: string): Buffer {
  const found = fixtureMessages().find((each) => each.name.endsWith(name))
  assert.ok(found !== undefined, name)
  return found.bytes
}

test('prepareEmail() has all that the store keeps', () => {
  const bytes = fixture('everything.eml')
  const prepared = prepareEmail(scanMessage(bytes))
  const { envelope, bodyStructure, parts, header, fields, ...rest } = prepared
  assert.deepEqual(rest, {
    size: bytes.length,
    lines: bytes.filter((byte) => byte === 10).length,
    headerSize: bytes.indexOf('\r\n\r\n') + 4,
    preview: 'The café opens at nine, and so do we.',
    hasAttachment: true,
    subject: 'Café 🍰 plan',
    from: 'Ana Muñoz <ana@example.org>',
    to: '"Lovelace, Ada" <ada@example.com>,\tteam: bob@example.com, Carol <carol@example.com>;',
    cc: '',
    sentAt: Date.UTC(1996, 6, 17, 9, 23, 25),
    sentDay: Date.UTC(1996, 6, 17) / 86_400_000,
    messageId: '<cafe.1@example.org>',
    references: ['<first@example.org>', '<second@example.org>'],
    baseSubject: 'Café 🍰 plan',
  })
  const chosen = Buffer.from(selectFields(header, fields, ['Message-ID'], false)).toString()
  assert.equal(chosen, 'Message-ID: <cafe.1@example.org>\r\n\r\n')
  assert.ok(Buffer.from(envelope).toString('latin1').includes('"=?iso-8859-1?q?Caf=E9_?= =?utf-8?b?8J+NsA==?= plan"'))
  assert.ok(Buffer.from(bodyStructure).toString('latin1').includes(`"filename*" "utf-8''plan%20%C3%A9t%C3%A9.pdf"`))
  assert.ok(parts.length < 100)
})

test('the day of a message is the one its sender saw (RFC 9051 §6.4.4)', () => {
  const { sentDay, sentAt } = prepare('Date: Wed, 17 Jul 1996 23:00:00 -0700\r\n\r\n')
  assert.equal(sentDay, Date.UTC(1996, 6, 17) / 86_400_000)
  assert.equal(sentAt, Date.UTC(1996, 6, 18, 6))
  assert.equal(prepare('Date: soon\r\n\r\n').sentAt, undefined)
})

test('a header over 4,096 octets is cut, and has no field table', () => {
  const prepared = prepare(`Subject: s\r\nX: ${'y'.repeat(5_000)}\r\n\r\nbody`)
  assert.equal(prepared.header.length, 4_096)
  assert.equal(prepared.headerSize, 5_019)
  assert.equal(prepared.fields.length, 0)
  assert.equal(prepared.subject, 's')
})

test('references are of References, else the first of In-Reply-To (RFC 5256 §3)', () => {
  assert.deepEqual(prepare('In-Reply-To: <a@b> <c@d>\r\n\r\n').references, ['<a@b>'])
  assert.deepEqual(prepare('References: none\r\nIn-Reply-To: <a@b>\r\n\r\n').references, ['<a@b>'])
})

const ATTACHED: readonly (readonly [what: string, header: string, expected: boolean])[] = [
  ['plain text', 'Content-Type: text/plain', false],
  ['attached text', 'Content-Type: text/plain\r\nContent-Disposition: attachment', true],
  ['a picture', 'Content-Type: image/png; name=a.png', true],
  ['a named inline picture', 'Content-Type: image/png; name=a.png\r\nContent-Disposition: inline', true],
  ['a message', 'Content-Type: message/rfc822', true],
  ['a calendar', 'Content-Type: text/calendar', false],
  ['a signature', 'Content-Type: application/pgp-signature', false],
]
for (const [what, header, expected] of ATTACHED)
  test(`${what} is ${expected ? 'an' : 'no'} attachment`, () => {
    assert.equal(prepare(`${header}\r\n\r\nx`).hasAttachment, expected)
    const inside = `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n${header}\r\n\r\nx\r\n--b--`
    assert.equal(prepare(inside).hasAttachment, expected)
  })

test('pictures within HTML are no attachments', () => {
  const related = 'Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\nx'
  const text = `${related}\r\n--b\r\nContent-Type: image/png\r\nContent-ID: <i>\r\n\r\nx\r\n--b--`
  assert.equal(prepare(text).hasAttachment, false)
})

const PREVIEWS: readonly (readonly [message: string, preview: string])[] = [
  ['Subject: s\r\n\r\n  Hello,\r\n\r\n\tworld. \r\n', 'Hello, world.'],
  ['Content-Type: text/html\r\n\r\n<title>no</title><style>no</style><p>Hello&nbsp;<b>wor</b>ld', 'Hello world'],
  ['Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nw6kgw6k=', 'é é'],
  ['Content-Type: text/plain; charset=utf-7\r\n\r\n+AOk-', 'é'],
  ['Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nx', ''],
  ['Content-Type: text/plain\r\nContent-Transfer-Encoding: x-own\r\n\r\nx', ''],
  ['Content-Type: image/png\r\n\r\nx', ''],
  [
    'Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n \r\n--b\r\nContent-Type: text/html\r\n\r\n<p>only here\r\n--b--',
    'only here',
  ],
  [
    'Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>html\r\n--b\r\n\r\nplain\r\n--b--',
    'plain',
  ],
  ['Subject: s\r\n\r\na\u200b\u200bb', 'ab'],
]
for (const [message, preview] of PREVIEWS)
  test(`PREVIEW of ${JSON.stringify(message)}`, () => assert.equal(prepare(message).preview, preview))

test('PREVIEW has 200 characters at most, none of them cut', () => {
  const { preview } = prepare(`Content-Type: text/plain; charset=utf-8\r\n\r\n${'🍰'.repeat(5_000)}`)
  assert.equal(Array.from(preview).length, 200)
  assert.ok(!preview.includes('\ufffd'))
})

test('PREVIEW is found behind much that nobody sees, and whatever stands where the looking pauses', () => {
  const preview = (text: string) => prepare(`Content-Type: text/plain; charset=utf-8\r\n\r\n${text}`).preview
  assert.equal(preview(`${'\u200b '.repeat(1_200)}late`), 'late')
  for (const before of [998, 999, 1_000])
    assert.equal(preview(`${' '.repeat(before)}🍰${'x'.repeat(300)}`), `🍰${'x'.repeat(199)}`)
  assert.equal(preview(`${' \u200b'.repeat(400)}${'y'.repeat(150)} ${' '.repeat(900)}z`), `${'y'.repeat(150)} z`)
})
