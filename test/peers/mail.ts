/** Mail that the programs carry, and how to compare what arrives. @module */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { corpusMessages } from '#testing/corpus.ts'
import {
  alternativeMail,
  attachmentMail,
  bareLineFeedMail,
  dottedMail,
  eightBitMail,
  headerOnlyMail,
  nestedMail,
  plainMail,
  utf8,
} from '#testing/messages.ts'

/** A message with a name to print. */
export type NamedMail = readonly [name: string, bytes: Uint8Array]

const CORPUS_SHARE = 12

/** Every octet but NUL, CR and LF, in lines of 64, as no charset has it. */
function binaryMail(): Uint8Array {
  const octets = Array.from({ length: 256 }, (_, octet) => octet).filter((octet) => ![0, 10, 13].includes(octet))
  const lines = Array.from({ length: 64 }, (_, line) => [
    ...Array.from({ length: 64 }, (_, column) => octets[(line * 67 + column) % octets.length] ?? 0),
    13,
    10,
  ])
  return Buffer.concat([
    plainMail({
      subject: 'Every octet',
      messageId: '<binary@example.org>',
      header: ['MIME-Version: 1.0', 'Content-Type: application/octet-stream', 'Content-Transfer-Encoding: 8bit'],
      text: '',
    }),
    Buffer.from(lines.flat()),
  ])
}

/** Dots at the beginning of lines, with whole line ends. */
function stuffedMail(): Uint8Array {
  return plainMail({
    subject: 'Dots',
    messageId: '<dots@example.org>',
    text: '.\r\n..\r\n.hidden\r\n. \r\n\r\n.\r\n...three\r\n',
  })
}

/** A line as long as SMTP may carry (RFC 5321 §4.5.3.1.6), and a longer one behind it. */
function longLineMail(longest: number): Uint8Array {
  return plainMail({
    subject: `A line of ${longest} octets`,
    messageId: `<long${longest}@example.org>`,
    text: `${'x'.repeat(998)}\r\n${'0123456789'.repeat(longest / 10)}\r\nend\r\n`,
  })
}

function withId(id: string) {
  return { messageId: `<${id}@example.org>`, subject: id }
}

/** Mail whose lines end in CRLF throughout, the last one too: every protocol and every Maildir carries it unchanged. */
export const TEXT_MAIL: readonly NamedMail[] = [
  ['plain', plainMail(withId('plain'))],
  ['alternative', alternativeMail(withId('alternative'))],
  ['attachment', attachmentMail({}, withId('attachment'))],
  ['nested', nestedMail(undefined, withId('nested'))],
  ['8-bit', eightBitMail(withId('eight-bit'))],
  ['every octet', binaryMail()],
  ['dots', stuffedMail()],
  ['lines of 8,000', longLineMail(8_000)],
  ['lines of 20,000', longLineMail(20_000)],
  [
    '"From " in the text',
    plainMail({ ...withId('from'), text: 'From here on\r\n\r\nFrom ann@example.org Tue Nov 14\r\n>From\r\n' }),
  ],
]

/** Some of the corpus, of the kind of {@link TEXT_MAIL}. */
export const CORPUS_MAIL: readonly NamedMail[] = corpusMessages()
  .map(({ name, bytes }): NamedMail => [name, canonical(bytes)])
  .filter(([, bytes]) => /^[!-9;-~]+:/.test(Buffer.from(bytes.subarray(0, 200)).toString('latin1')))
  .filter((_, index, all) => index % Math.max(1, Math.floor(all.length / CORPUS_SHARE)) === 0)
  .slice(0, CORPUS_SHARE)

/** 5 MB in base64. */
export const LARGE_MAIL: NamedMail = [
  '5 MB',
  attachmentMail(
    {
      name: 'large.bin',
      bytes: Uint8Array.from({ length: 3_700_000 }, (_, index) => (index * 31 + (index >> 8)) % 256),
    },
    withId('large'),
  ),
]

/** What only IMAP's literals carry unchanged: no line end at the end, bare LF, no body, nothing but a header. */
export const EXACT_MAIL: readonly NamedMail[] = [
  ['no final line end, bare LF, dots', dottedMail(withId('exact-dots'))],
  ['bare LF', bareLineFeedMail(withId('bare-lf'))],
  ['header only', headerOnlyMail(withId('header-only'))],
  ['one octet', utf8('x')],
]

/** All that is text, with the large one. */
export const ALL_TEXT_MAIL: readonly NamedMail[] = [...TEXT_MAIL, ...CORPUS_MAIL, LARGE_MAIL]

/** What has no longer lines than a program can bear. */
export function withLinesUpTo(octets: number, mail: readonly NamedMail[]): readonly NamedMail[] {
  return mail.filter(([, bytes]) =>
    Buffer.from(bytes)
      .toString('latin1')
      .split('\r\n')
      .every((line) => line.length <= octets),
  )
}

/** Line ends made CRLF, one at the end, no NUL: mail as SMTP would have brought it. */
function canonical(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes)
    .toString('latin1')
    .replaceAll('\0', '')
    .replace(/\r\n|\r|\n/g, '\r\n')
  return Buffer.from(text.endsWith('\r\n') ? text : `${text}\r\n`, 'latin1')
}

/** The messages with Unix line ends, as programs write them into files. */
export function inFiles(mail: readonly NamedMail[]): readonly NamedMail[] {
  return mail.map(([name, bytes]) => [name, withLineFeeds(bytes)])
}

function withLineFeeds(bytes: Uint8Array): Buffer {
  return Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll('\r\n', '\n'), 'latin1')
}

/** Fails unless both are the same octets, and says where they differ rather than print megabytes. */
export function assertSameBytes(actual: Uint8Array, expected: Uint8Array, name: string): void {
  const difference = Buffer.compare(actual, expected)
  if (difference === 0) return
  const at = sameUntil(actual, expected)
  const around = (bytes: Uint8Array) =>
    JSON.stringify(Buffer.from(bytes.subarray(Math.max(0, at - 40), at + 60)).toString('latin1'))
  assert.fail(
    `${name}: ${actual.length} octets for ${expected.length}, different from ${at} on\n` +
      `is:     ${around(actual)}\nshould: ${around(expected)}`,
  )
}

function sameUntil(one: Uint8Array, other: Uint8Array): number {
  let at = 0
  while (at < one.length && one[at] === other[at]) at += 1
  return at
}

/** Fails unless both lists hold the same messages, in whatever order. */
export function assertSameMail(actual: readonly Uint8Array[], expected: readonly NamedMail[]): void {
  const rest = [...actual]
  for (const [name, bytes] of expected) {
    const found = rest.findIndex((one) => Buffer.compare(one, bytes) === 0)
    if (found < 0) {
      // The one that is the same for longest is most likely the one that was damaged.
      const [nearest] = rest.toSorted((a, b) => sameUntil(b, bytes) - sameUntil(a, bytes))
      assert.ok(nearest !== undefined, `${name} is missing`)
      assertSameBytes(nearest, bytes, name)
    }
    rest.splice(found, 1)
  }
  assert.equal(
    rest.length,
    0,
    `${rest.length} messages nobody sent: ${Buffer.from(rest[0] ?? [])
      .toString('latin1')
      .slice(0, 300)}`,
  )
}

/** Trace lines a server puts before what it takes in; what stands behind them is the message. */
export function withoutTrace(bytes: Uint8Array): Buffer {
  const text = Buffer.from(bytes).toString('latin1')
  const trace = /^Return-Path: <[^\r]*>\r\nDelivered-To: [^\r]*\r\nReceived: [^\r]*\r\n(?:[ \t][^\r]*\r\n)+/.exec(text)
  assert.ok(trace !== null, `No trace lines: ${text.slice(0, 300)}`)
  return Buffer.from(text.slice(trace[0].length), 'latin1')
}

/** Every file of a Maildir, `new` and `cur`, with its flags. */
export async function maildir(folder: string): Promise<{ name: string; flags: string; bytes: Buffer }[]> {
  const found: { name: string; flags: string; bytes: Buffer }[] = []
  for (const part of ['new', 'cur']) {
    for (const name of (await readdir(path.join(folder, part))).sort()) {
      const bytes = await readFile(path.join(folder, part, name))
      found.push({ name: path.join(part, name), flags: /:2,([A-Za-z]*)$/.exec(name)?.[1] ?? '', bytes })
    }
  }
  return found
}
