import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { charsetDecoder, decodeCharset } from './charset.ts'
import { decodeHeaderText } from './encoded-words.ts'
import { decodeTransfer, transferDecoder } from './transfer-decoding.ts'

const latin = (text: string): Buffer => Buffer.from(text, 'latin1')

const WORDS: readonly (readonly [raw: string, text: string])[] = [
  // RFC 2047 §8
  ['(=?ISO-8859-1?Q?a?=)', '(a)'],
  ['(=?ISO-8859-1?Q?a?= b)', '(a b)'],
  ['(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)', '(ab)'],
  ['(=?ISO-8859-1?Q?a?=\r\n  =?ISO-8859-1?Q?b?=)', '(ab)'],
  ['(=?ISO-8859-1?Q?a_b?=)', '(a b)'],
  ['(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)', '(a b)'],
  ['=?iso-8859-1*en?q?=E9?=', 'é'],
  // a character cut between two words
  ['=?utf-8?q?=C3?= =?utf-8?q?=A9?=', 'é'],
  ['=?utf-8?q?a b?=', 'a b'],
  ['=?utf-8?q?a=ZZ=?=', 'a=ZZ='],
  ['\xc3\xa9t\xc3\xa0', 'étà'],
  ['\xe9t\xe0', 'étà'],
  ['=?x?y?z?=', '=?x?y?z?='],
  ['=?nowhere?q?=E9?=', 'é'],
  ['=?shift_jis?b?k/qWew==?=', '日本'],
  ['=?utf-7?q?+AOk-?=', 'é'],
  ['plain', 'plain'],
  ['', ''],
]
for (const [raw, text] of WORDS)
  test(`decodeHeaderText() reads ${JSON.stringify(raw)}`, () => assert.equal(decodeHeaderText(raw), text))

const CHARSETS: readonly (readonly [charset: string, bytes: Buffer, text: string])[] = [
  ['utf-8', Buffer.from('é'), 'é'],
  ['"UTF-8"', Buffer.from('é'), 'é'],
  ['us-ascii', Buffer.from('é'), 'é'],
  ['us-ascii', latin('\xe9'), 'é'],
  ['iso-8859-15', latin('\xa4'), '€'],
  ['windows-1251', latin('\xcf'), 'П'],
  ['koi8-r', latin('\xf0'), 'П'],
  ['gb2312', latin('\xd6\xd0'), '中'],
  ['cp936', latin('\xd6\xd0'), '中'],
  ['big5', latin('\xa4\xa4'), '中'],
  ['euc-kr', latin('\xb0\xa1'), '가'],
  ['ks_c_5601-1987', latin('\xb0\xa1'), '가'],
  ['iso-2022-jp', latin('\x1b$BF|K\\\x1b(B'), '日本'],
  ['iso-2022-jp', Buffer.from('日本'), '日本'],
  ['cp850', latin('\x82'), 'é'],
  ['ibm437', latin('\x82'), 'é'],
  ['utf-7', latin('+AOk-'), 'é'],
  ['no-such-charset', latin('\xe9'), 'é'],
  ['base64', latin('\xe9'), 'é'],
  ['', Buffer.from('日'), '日'],
]
for (const [charset, bytes, text] of CHARSETS)
  test(`decodeCharset() knows ${charset || 'nothing'}: ${text}`, () => {
    assert.equal(decodeCharset(bytes, charset), text)
    // in pieces of one byte
    const decoder = charsetDecoder(charset)
    let whole = ''
    for (const byte of bytes) whole += decoder.push(Uint8Array.of(byte))
    assert.equal(whole + decoder.end(), text)
  })

test('decoding never throws, whatever the charset is called', () => {
  fc.assert(
    fc.property(fc.string(), fc.uint8Array(), (charset, bytes) => {
      decodeCharset(bytes, charset)
      decodeHeaderText(`=?${charset}?q?${latin(String.fromCharCode(...bytes)).toString('latin1')}?=`)
    }),
    { numRuns: 300 },
  )
})

const TRANSFER: readonly (readonly [encoding: string, from: string, to: string])[] = [
  ['7bit', 'abc', 'abc'],
  [' BASE64 (yes)', 'aGVsbG8=', 'hello'],
  ['base64', 'aGVs\r\nbG8=\r\n', 'hello'],
  ['base64', 'aGVsbG8', 'hello'],
  ['base64', 'aGVsbG8=aGVsbG8=', 'hellohello'],
  ['base64', '!a*G-Vsb\0G8=', 'hello'],
  ['base64', '', ''],
  ['quoted-printable', 'a=3Db=\r\nc', 'a=bc'],
  ['quoted-printable', 'a=  \r\nb', 'ab'],
  ['quoted-printable', 'a  \r\nb\t\n', 'a\r\nb\n'],
  ['quoted-printable', 'a  ', 'a'],
  ['quoted-printable', 'a=', 'a'],
  ['quoted-printable', 'a=4', 'a=4'],
  ['quoted-printable', 'a=zz=e9', 'a=zz\xe9'],
  ['quoted-printable', 'a = b\rc', 'a = b\rc'],
  ['x-uuencode', 'junk\r\nbegin 644 f\r\n%:&5L;&\\\r\n`\r\nend\r\nafter', 'hello'],
]
for (const [encoding, from, to] of TRANSFER)
  test(`decodeTransfer() undoes ${encoding} of ${JSON.stringify(from)}`, () => {
    assert.equal(Buffer.from(decodeTransfer(latin(from), encoding) ?? []).toString('latin1'), to)
  })

test('an encoding that nobody knows is refused', () => {
  assert.equal(decodeTransfer(latin('x'), 'x-own'), undefined)
  assert.equal(transferDecoder('x-own'), undefined)
  assert.ok(transferDecoder('Quoted-Printable'))
})

test('pieces cut anywhere decode like the whole', () => {
  const unit = fc.constantFrom('=', ' ', '\t', '\r', '\n', '\r\n', '3', 'D', 'g', 'aGVs', '=3D', '\xff')
  const names = fc.constantFrom('base64', 'quoted-printable', 'x-uuencode')
  fc.assert(
    fc.property(names, fc.array(fc.string({ unit, maxLength: 8 }), { maxLength: 12 }), (encoding, pieces) => {
      const decoder = transferDecoder(encoding)
      const parts = pieces.map((piece) => Buffer.from(decoder?.push(latin(piece)) ?? []))
      const cut = Buffer.concat([...parts, decoder?.end() ?? Buffer.alloc(0)])
      assert.deepEqual(cut, Buffer.from(decodeTransfer(latin(pieces.join('')), encoding) ?? []))
    }),
    { numRuns: 1_000 },
  )
})

test('base64 gives back any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const lines = Buffer.from(bytes).toString('base64').replace(/.{5}/g, '$&\r\n')
      assert.deepEqual(Buffer.from(decodeTransfer(latin(lines), 'base64') ?? []), Buffer.from(bytes))
    }),
  )
})
