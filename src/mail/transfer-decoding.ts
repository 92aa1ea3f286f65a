/** Content-Transfer-Encoding undone (RFC 2045 §6), in pieces or whole; garbage is skipped, never thrown at. @module */
import { bufferOf } from './bytes.ts'

/** Decodes octets that come in pieces cut anywhere. */
export interface TransferDecoder {
  push(bytes: Uint8Array): Uint8Array
  end(): Uint8Array
}

const NOTHING: Uint8Array = new Uint8Array(0)

/** The encoding's name as compared: lower case, without comments and stray characters around it. */
export function normaliseEncoding(encoding: string): string {
  return /[A-Za-z0-9_-]+/.exec(encoding)?.[0]?.toLowerCase() ?? '7bit'
}

/** A decoder, or `undefined` for an encoding that nobody knows: BINARY answers UNKNOWN-CTE (RFC 9051 §6.4.5). */
export function transferDecoder(encoding: string): TransferDecoder | undefined {
  switch (normaliseEncoding(encoding)) {
    case '7bit':
    case '8bit':
    case 'binary':
      return { push: (bytes) => bytes, end: () => NOTHING }
    case 'base64':
      return new Base64Decoder()
    case 'quoted-printable':
      return new QuotedPrintableDecoder()
    case 'x-uuencode':
    case 'uuencode':
    case 'x-uue':
    case 'uue':
      return new UuDecoder()
    default:
      return undefined
  }
}

/** Decodes a whole body; `undefined` for an encoding that nobody knows. */
export function decodeTransfer(bytes: Uint8Array, encoding: string): Uint8Array | undefined {
  const decoder = transferDecoder(encoding)
  if (decoder === undefined) return undefined
  const first = decoder.push(bytes)
  const last = decoder.end()
  return last.length === 0 ? first : Buffer.concat([first, last])
}

/** Skips what is no base64; a padding in the middle ends one run and begins the next, as joined attachments have it. */
class Base64Decoder implements TransferDecoder {
  #left = ''

  push(bytes: Uint8Array): Uint8Array {
    const text =
      this.#left +
      bufferOf(bytes)
        .toString('latin1')
        .replace(/[^A-Za-z0-9+/=]+/g, '')
    if (!text.includes('=')) return this.#whole(text)
    const runs = text.split('=')
    const last = runs.pop() ?? ''
    const decoded = runs.filter((run) => run !== '').map((run) => Buffer.from(run, 'base64'))
    return Buffer.concat([...decoded, this.#whole(last)])
  }

  #whole(text: string): Uint8Array {
    const whole = text.length - (text.length % 4)
    this.#left = text.slice(whole)
    return Buffer.from(text.slice(0, whole), 'base64')
  }

  end(): Uint8Array {
    const last = Buffer.from(this.#left, 'base64')
    this.#left = ''
    return last
  }
}

/** White space at the end of a line longer than this is kept as it is: a bound for what is held back. */
const MAX_HELD = 1_000

class QuotedPrintableDecoder implements TransferDecoder {
  #held: Buffer = Buffer.alloc(0)

  push(bytes: Uint8Array): Uint8Array {
    return this.#decode(this.#held.length === 0 ? bufferOf(bytes) : Buffer.concat([this.#held, bytes]), false)
  }

  end(): Uint8Array {
    return this.#decode(this.#held, true)
  }

  #decode(from: Buffer, last: boolean): Uint8Array {
    const out = Buffer.allocUnsafe(from.length)
    let length = 0
    let at = 0
    this.#held = Buffer.alloc(0)
    while (at < from.length) {
      const byte = from[at] ?? 0
      if (byte !== 61 && byte !== 32 && byte !== 9) {
        out[length++] = byte
        at += 1
        continue
      }
      // `=` or white space: what follows decides
      let next = byte === 61 ? at + 1 : at
      const high = hexValue(from[next])
      const low = hexValue(from[next + 1])
      if (byte === 61 && high >= 0 && low >= 0) {
        out[length++] = high * 16 + low
        at += 3
        continue
      }
      while (next < from.length && (from[next] === 32 || from[next] === 9)) next += 1
      const lineEnd = from[next] === 10 ? 1 : from[next] === 13 && from[next + 1] === 10 ? 2 : 0
      const undecided = lineEnd === 0 && (next >= from.length || (from[next] === 13 && next + 1 >= from.length))
      const halfHex = byte === 61 && high >= 0 && at + 2 >= from.length
      if ((undecided || halfHex) && !last && from.length - at <= MAX_HELD) {
        this.#held = Buffer.from(from.subarray(at))
        break
      }
      if (lineEnd > 0 || (undecided && last && next >= from.length)) {
        // Soft line break, or white space that a relay added (RFC 2045 §6.7 rule 3).
        at = byte === 61 ? next + lineEnd : next
        continue
      }
      // No quoted-printable: it stays as it is.
      const stop = Math.max(next, at + 1)
      from.copy(out, length, at, stop)
      length += stop - at
      at = stop
    }
    return out.subarray(0, length)
  }
}

function hexValue(byte: number | undefined): number {
  if (byte === undefined) return -1
  if (byte >= 48 && byte <= 57) return byte - 48
  if (byte >= 65 && byte <= 70) return byte - 55
  return byte >= 97 && byte <= 102 ? byte - 87 : -1
}

/** A line that is longer than any line of uuencode: dropped. */
const MAX_UU_LINE = 1_000

class UuDecoder implements TransferDecoder {
  #line = ''
  #begun = false
  #ended = false

  push(bytes: Uint8Array): Uint8Array {
    const lines = (this.#line + bufferOf(bytes).toString('latin1')).split('\n')
    this.#line = lines.pop() ?? ''
    if (this.#line.length > MAX_UU_LINE) this.#line = ''
    return Buffer.concat(lines.map((line) => this.#decodeLine(line)))
  }

  end(): Uint8Array {
    return this.#decodeLine(this.#line)
  }

  #decodeLine(line: string): Uint8Array {
    if (this.#ended) return NOTHING
    if (!this.#begun) {
      this.#begun = /^begin [0-7]{3,4} /.test(line)
      return NOTHING
    }
    if (/^end\r?$/.test(line)) {
      this.#ended = true
      return NOTHING
    }
    const size = (line.charCodeAt(0) - 32) & 63
    if (line === '' || line === '\r') return NOTHING
    const out = Buffer.alloc(size)
    for (let i = 0, at = 1; i < size; i += 3, at += 4) {
      const bits =
        (uuValue(line, at) << 18) | (uuValue(line, at + 1) << 12) | (uuValue(line, at + 2) << 6) | uuValue(line, at + 3)
      out[i] = bits >>> 16
      if (i + 1 < size) out[i + 1] = bits >>> 8
      if (i + 2 < size) out[i + 2] = bits
    }
    return out
  }
}

function uuValue(line: string, at: number): number {
  const code = line.charCodeAt(at)
  return code >= 32 && code <= 96 ? (code - 32) & 63 : 0
}
