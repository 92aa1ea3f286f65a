/** What hostile IMAP is made of: values from the edges, as binary strings, one char a byte. @module */
import fc, { type Arbitrary } from 'fast-check'

export const join = (...parts: readonly (string | Arbitrary<string>)[]): Arbitrary<string> =>
  fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part))).map((texts) => texts.join(''))
export const oneOf = (...texts: readonly string[]): Arbitrary<string> => fc.constantFrom(...texts)
export const optional = (part: Arbitrary<string>): Arbitrary<string> => fc.oneof(fc.constant(''), part)
export const list = (item: Arbitrary<string>, most = 8): Arbitrary<string> =>
  fc.array(item, { maxLength: most }).map((items) => items.join(' '))
export const listed = (item: Arbitrary<string>, most = 8): Arbitrary<string> =>
  list(item, most).map((items) => `(${items})`)
export const weighed = (...pairs: readonly (readonly [number, Arbitrary<string>])[]): Arbitrary<string> =>
  fc.oneof(...pairs.map(([weight, arbitrary]) => ({ weight, arbitrary })))

/** Numbers at which something overflows. */
export const edgeNumber: Arbitrary<string> = weighed(
  [3, fc.integer({ min: 1, max: 12 }).map(String)],
  [
    2,
    oneOf(
      '0',
      '4294967295',
      '4294967296',
      '9223372036854775807',
      '9223372036854775808',
      '18446744073709551616',
      '99999999999999999999999999',
      '-1',
      '007',
      '1e3',
      '0x10',
    ),
  ],
)

const sequenceItem = weighed(
  [4, fc.integer({ min: 1, max: 12 }).map(String)],
  [3, join(edgeNumber, ':', edgeNumber)],
  [2, oneOf('*', '1:*', '*:1', '*:*', '4294967295:*')],
  [1, edgeNumber],
)
/** A sequence set, now and then one of thousands of numbers. */
export const set: Arbitrary<string> = weighed(
  [8, fc.array(sequenceItem, { minLength: 1, maxLength: 6 }).map((items) => items.join(','))],
  [
    1,
    fc.integer({ min: 100, max: 9_000 }).map((count) => Array.from({ length: count }, (_, n) => n * 2 + 1).join(',')),
  ],
  [1, oneOf('$', '', ',', '1,,2', ':', '1:2:3', '1:', '$,1')],
)

/** Bytes that mean something to somebody, one char each. */
export const anyText: Arbitrary<string> = weighed(
  [4, fc.string({ maxLength: 12 })],
  [2, fc.string({ unit: 'binary', maxLength: 12 }).map((text) => Buffer.from(text).toString('latin1'))],
  [1, fc.integer({ min: 1, max: 5_000 }).map((length) => 'x'.repeat(length))],
  [1, oneOf('', 'NIL', '\0', '\x7f', '"', '\\', '%', '*', '{3}', '=?utf-8?q?=?=', '\xff\xfe', '(', ')')],
)
export const quoted: Arbitrary<string> = anyText.map(
  (text) => `"${text.replace(/[\r\n\0]/g, '').replace(/["\\]/g, '\\$&')}"`,
)
export const literal: Arbitrary<string> = fc
  .tuple(anyText, oneOf('', '~'))
  .map(([text, binary]) => `${binary}{${text.length}+}\r\n${text}`)
const atom = weighed(
  [5, fc.stringMatching(/^[A-Za-z0-9.\-_/]{1,10}$/)],
  [1, oneOf('NIL', 'INBOX', '\\Seen', '[', ']', '')],
)
/** An astring in each of its forms. */
export const astring: Arbitrary<string> = weighed([4, atom], [3, quoted], [2, literal])

/** Names that exist half of the time. */
export const mailbox: Arbitrary<string> = weighed(
  [8, oneOf('INBOX', 'inbox', 'Kept', 'a', 'a/b', 'a/b/c', 'Sent', 'Trash', '"a/b"')],
  [2, oneOf('"Entw&APw-rfe"', '"&"', '"&AAA"', '"&-&"', '"a&b"', 'a//b', '/', '""', '"a/"', '&2AA-')],
  [2, astring],
  [1, fc.integer({ min: 2, max: 800 }).map((depth) => Array.from({ length: depth }, () => 'd').join('/'))],
)

export const flag: Arbitrary<string> = weighed(
  [5, oneOf('\\Seen', '\\Deleted', '\\Flagged', '\\Answered', '\\Draft', '$Forwarded', '$Junk', 'word')],
  [2, oneOf('\\Recent', '\\*', '\\', '\\Frob', '$', '(', '*', 'k\xe9')],
  [2, atom],
)
export const flags: Arbitrary<string> = weighed([5, listed(flag)], [1, list(flag)], [1, listed(flag, 300)])
export const date: Arbitrary<string> = weighed(
  [4, oneOf('1-Jan-2024', '"29-Feb-2023"', '31-Dec-9999', '01-Jan-0000', '30-feb-2024', '99-Foo-1', '"14-Nov-2023"')],
  [1, astring],
)
export const dateTime: Arbitrary<string> = weighed(
  [4, oneOf('"14-Nov-2023 22:13:20 +0000"', '" 1-Jan-1970 00:00:00 -2359"', '"31-Dec-9999 23:59:60 +9999"', '"x"')],
  [1, quoted],
)
const fields = listed(weighed([5, oneOf('From', 'SUBJECT', 'X-None', 'Received')], [2, astring]))
export const part: Arbitrary<string> = weighed(
  [5, fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }).map((numbers) => numbers.join('.'))],
  [1, fc.integer({ min: 50, max: 3_000 }).map((depth) => Array.from({ length: depth }, () => '1').join('.'))],
  [1, edgeNumber],
)
/** Between the brackets of BODY. */
export const section: Arbitrary<string> = weighed(
  [3, oneOf('', 'HEADER', 'TEXT', 'MIME', 'FROB', '.', '1.', '.1')],
  [2, join(oneOf('HEADER.FIELDS ', 'HEADER.FIELDS.NOT '), fields)],
  [3, join(part, oneOf('', '.MIME', '.TEXT', '.HEADER', '.FROB'))],
  [1, join(part, oneOf('.HEADER.FIELDS ', '.HEADER.FIELDS.NOT '), fields)],
)
export const partial: Arbitrary<string> = optional(
  join('<', edgeNumber, oneOf('', '.', '.0', '.4294967295', '.5'), '>'),
)
const message: Arbitrary<string> = weighed(
  [3, fc.constant('From: a@example.net\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\r\nbody\r\n')],
  [1, fc.constant(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(20)}--b--\r\n`)],
  [1, fc.integer({ min: 1, max: 60 }).map(nestedMultipart)],
  [2, anyText],
)
/** Multiparts in each other. */
export function nestedMultipart(depth: number): string {
  const heads = Array.from(
    { length: depth },
    (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n--b${n}\r\n`,
  )
  return `${heads.join('')}Content-Type: text/plain\r\n\r\nat the bottom\r\n`
}
/** Flags, a date, a literal: what APPEND and REPLACE end on. */
export const appended: Arbitrary<string> = join(
  optional(join(flags, ' ')),
  optional(join(dateTime, ' ')),
  fc.tuple(message, oneOf('', '~')).map(([text, binary]) => `${binary}{${text.length}+}\r\n${text}`),
)
