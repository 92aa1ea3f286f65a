/** Content-Transfer-Encoding: quoted-printable, written (RFC 2045 §6.7). @module */
import { isAscii } from 'node:buffer'

/** Characters of a line, the soft line break included. */
const MOST = 76

/** CRLF stays a line end; a CR or LF alone is an octet as any other. */
export function quotedPrintable(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString('latin1')
    .split('\r\n')
    .map((line) => (isPlain(line) ? line : encodedLine(line)))
    .join('\r\n')
}

function isPlain(line: string): boolean {
  return line.length <= MOST && /^[\t\x20-\x3c\x3e-\x7e]*$/.test(line) && !/[\t ]$/.test(line)
}

function encodedLine(line: string): string {
  let out = ''
  let width = 0
  for (let at = 0; at < line.length; at += 1) {
    const code = line.charCodeAt(at)
    const isLast = at === line.length - 1
    // white space at the end of a line may get lost on the way
    const plain = (code > 32 && code < 127 && code !== 61) || ((code === 32 || code === 9) && !isLast)
    const piece = plain ? line.charAt(at) : `=${code.toString(16).toUpperCase().padStart(2, '0')}`
    if (width + piece.length > MOST - 1) {
      out += '=\r\n'
      width = 0
    }
    out += piece
    width += piece.length
  }
  return out
}

/** Whether bytes need 8BITMIME (RFC 6152). */
export function hasEightBit(bytes: Uint8Array): boolean {
  return !isAscii(bytes)
}
