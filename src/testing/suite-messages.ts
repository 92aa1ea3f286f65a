/** Messages for the suites that a client must pass with any server. @module */
import { createHash } from 'node:crypto'

/** A small message, its number in it. */
export function message(n: number, more = ''): string {
  const head = `From: Ann <ann@example.org>\r\nTo: bob@example.org\r\nSubject: number ${n}\r\n`
  const date = `Date: Tue, 14 Nov 2023 22:${String(n % 60).padStart(2, '0')}:20 +0000\r\nMessage-ID: <m${n}@example.org>\r\n`
  return `${head}${date}\r\nText of message ${n}\r\n${more}`
}

/** With a text and an attachment. */
export const MULTIPART: string = [
  'From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>',
  'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
  'Date: Wed, 15 Nov 2023 10:00:00 +0000',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=x',
  '',
  '--x',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'Hello',
  '--x',
  'Content-Type: application/octet-stream',
  'Content-Transfer-Encoding: base64',
  '',
  'AAECAwQ=',
  '--x--',
  '',
].join('\r\n')

/** What two messages are compared by where they are large. */
export function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Bytes that are text, in lines, and do not deflate to nothing. */
export function large(octets: number, seed: number): Buffer {
  const lines: string[] = ['Subject: large\r\n\r\n']
  let length = lines[0]?.length ?? 0
  for (let n = 0; length < octets; n += 1) {
    const line = `${createHash('sha256').update(`${seed} ${n}`).digest('base64')}\r\n`
    lines.push(line)
    length += line.length
  }
  const bytes = Buffer.from(lines.join('').slice(0, octets - 2))
  return Buffer.concat([bytes, Buffer.from('\r\n')])
}

/** Pieces of odd sizes, as a file or a socket would give them. */
export async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 60_001)
    yield bytes.subarray(at, at + size)
}
