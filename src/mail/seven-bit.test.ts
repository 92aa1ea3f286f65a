import assert from 'node:assert/strict'
import { isAscii } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import PostalMime from 'postal-mime'
import { quotedPrintable } from './quoted-printable.ts'
import { sevenBitMessage } from './seven-bit.ts'
import { decodeTransfer } from './transfer-decoding.ts'

function lines(...all: readonly string[]): Buffer {
  return Buffer.from(`${all.join('\r\n')}\r\n`)
}

function converted(message: Uint8Array): string {
  const bytes = sevenBitMessage(message)
  assert.ok(bytes !== undefined && isAscii(bytes))
  return Buffer.from(bytes).toString('latin1')
}

test('a message that is ASCII stays as it is', () => {
  const message = lines('Subject: a', 'Content-Transfer-Encoding: 8bit', '', 'b')
  assert.equal(converted(message), message.toString())
})

test('a text becomes quoted-printable, and says so', () => {
  assert.equal(
    converted(lines('Subject: a', 'content-transfer-encoding:', ' 8bit', 'To: b@x.net', '', 'é =', 'plain')),
    lines(
      'Subject: a',
      'To: b@x.net',
      'MIME-Version: 1.0',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      '=C3=A9 =3D',
      'plain',
    ).toString(),
  )
})

test('each part that needs it is encoded, those inside messages too, and the others are as they were', async () => {
  const message = lines(
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    'Content-Transfer-Encoding: 8bit',
    '',
    '--b',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    'été',
    '--b',
    'Content-Type: text/plain',
    '',
    'plain =',
    '--b',
    'Content-Type: message/rfc822',
    'Content-Transfer-Encoding: 8bit',
    '',
    'Subject: noël',
    '',
    'à',
    '--b',
    'Content-Type: application/x-data; name="é.bin"',
    'Content-Transfer-Encoding: binary',
    '',
    'ÿ',
    '--b--',
    'é',
  )
  const text = converted(message)
  assert.equal(
    text,
    lines(
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary=b',
      'Content-Transfer-Encoding: 7bit',
      '',
      '--b',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      '=C3=A9t=C3=A9',
      '--b',
      'Content-Type: text/plain',
      '',
      'plain =',
      '--b',
      'Content-Type: message/rfc822',
      'Content-Transfer-Encoding: 7bit',
      '',
      'Subject: =?UTF-8?B?bm/Dq2w=?=',
      'MIME-Version: 1.0',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      '=C3=A0',
      '--b',
      'Content-Type: application/x-data;',
      " name*=UTF-8''%C3%A9.bin",
      'Content-Transfer-Encoding: base64',
      '',
      'w78=',
      '--b--',
      '??',
    ).toString(),
  )
  const parsed = await PostalMime.parse(text)
  assert.equal(parsed.text?.split('\n')[0], 'été')
})

test('octets that an encoding did not allow do not get out', () => {
  const header = 'Content-Transfer-Encoding: '
  assert.ok(converted(lines(`${header}quoted-printable`, '', 'é=3D')).endsWith('\r\n\r\n=C3=A9=3D\r\n'))
  assert.ok(converted(lines(`${header}base64`, '', 'YWéJj')).endsWith('\r\n\r\nYW??Jj\r\n'))
})

for (const [what, message] of [
  ['a boundary that is not ASCII', lines('Content-Type: multipart/mixed; boundary="é"', '', '--é', '', 'a', '--é--')],
  ['a multipart without its delimiters', lines('Content-Type: multipart/mixed; boundary=b', '', 'é')],
  ['a multipart without a boundary', lines('Content-Type: multipart/mixed', '', 'é')],
  ['a type of message that may not be encoded', lines('Content-Type: message/partial', '', 'é')],
] as const)
  test(`${what} is not guessed at`, () => assert.equal(sevenBitMessage(message), undefined))

test('quotedPrintable() is read back as what was written, in lines of 76 characters of ASCII', () => {
  const octets = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.string().map((text) => Buffer.from(text)),
  )
  fc.assert(
    fc.property(octets, fc.constantFrom('', '\r\n', ' \r\n', '=', '\t'), (bytes, tail) => {
      const input = Buffer.concat([bytes, Buffer.from(tail), bytes])
      const text = quotedPrintable(input)
      assert.match(text, /^[\r\n\t\x20-\x7e]*$/)
      assert.ok(text.split('\r\n').every((line) => line.length <= 76 && !/[ \t\r\n]$/.test(line)))
      assert.deepEqual(Buffer.from(decodeTransfer(Buffer.from(text), 'quoted-printable') ?? []), input)
    }),
  )
})

test('whatever comes, what is made of it is ASCII', () => {
  const pieces = fc.constantFrom(
    'Content-Type: ',
    'multipart/mixed; boundary=b',
    'message/rfc822',
    '\r\n',
    '\r\n\r\n',
    '--b',
    'é',
  )
  fc.assert(
    fc.property(fc.array(pieces), (all) => {
      const bytes = sevenBitMessage(Buffer.from(all.join('')))
      assert.ok(bytes === undefined || isAscii(bytes))
    }),
  )
})
