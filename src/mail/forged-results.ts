/** Takes Authentication-Results that claim to be ours out of a message as it comes (RFC 8601 §5). @module */
import { authServIdOf } from './authentication-results.ts'
import { bufferOf } from './bytes.ts'

const NAME = Buffer.from('authentication-results')
const CR = 13
const LF = 10
const SPACE = 32
const TAB = 9

/** A header is gathered up to so many octets before fields of it are given on. */
const GATHER = 65_536

/** One less than the octets of an end of line and the empty line after it. */
const OVERLAP = 3

const NOTHING = Buffer.alloc(0)

/**
 * Fields whose authserv-id is ours and that came from elsewhere are dropped whole; every other octet passes as it came.
 * Lines end in CRLF. Nothing is copied of a message whose header comes in one chunk and has no such field.
 */
export class ForgedResultsFilter {
  readonly #ours: string
  #inHeader = true
  /** Octets of the header that wait, from the beginning of a field on. */
  #held: Buffer = NOTHING
  /** A field is longer than what is gathered: what it is has been decided, its rest is dropped or passes. */
  #rest: 'drop' | 'pass' | undefined
  #removed = 0

  /** @param authServId Our name. */
  constructor(authServId: string) {
    this.#ours = authServId.toLowerCase()
  }

  /** Fields that were dropped so far. */
  get removed(): number {
    return this.#removed
  }

  /** What there is to go on with; it may be part of `chunk`. */
  push(chunk: Uint8Array): Uint8Array {
    if (!this.#inHeader) return chunk
    const bytes = this.#held.length === 0 ? bufferOf(chunk) : Buffer.concat([this.#held, chunk])
    const end = endOfHeader(bytes, this.#rest === undefined)
    if (end === undefined) {
      if (bytes.length < GATHER) {
        // the caller may use its memory again
        this.#held = bytes.length === chunk.length ? Buffer.from(bytes) : bytes
        return NOTHING
      }
      return this.#fields(bytes, false)
    }
    this.#inHeader = false
    this.#held = NOTHING
    const header = bytes.subarray(0, end)
    const kept = this.#fields(header, true)
    return kept === header ? bytes : Buffer.concat([kept, bytes.subarray(end)])
  }

  /** What is left when the message ends within its header. */
  end(): Uint8Array {
    if (!this.#inHeader) return NOTHING
    this.#inHeader = false
    return this.#fields(this.#held, true)
  }

  /** The fields to keep. @param final No more octets of the header come: else the last field may go on, and waits. */
  #fields(bytes: Buffer, final: boolean): Buffer {
    const kept: Buffer[] = []
    let keptFrom = 0
    let at = 0
    while (at < bytes.length) {
      const next = endOfField(bytes, at)
      const open = next === undefined && !final
      if (open && at > 0) break
      const end = next ?? bytes.length
      const drop = this.#rest === undefined ? this.#isForged(bytes.subarray(at, end)) : this.#rest === 'drop'
      if (drop) {
        if (this.#rest === undefined) this.#removed += 1
        if (at > keptFrom) kept.push(bytes.subarray(keptFrom, at))
        keptFrom = end
      }
      this.#rest = undefined
      at = end
      if (open) {
        // Three octets stay: they show where the field ends, and whether the header ends there too.
        const tail = bytes.length - OVERLAP
        this.#held = Buffer.from(bytes.subarray(tail))
        this.#rest = drop ? 'drop' : 'pass'
        return drop ? NOTHING : bytes.subarray(0, tail)
      }
    }
    if (!final) this.#held = Buffer.from(bytes.subarray(at))
    if (keptFrom === 0 && at === bytes.length) return bytes
    if (at > keptFrom) kept.push(bytes.subarray(keptFrom, at))
    return Buffer.concat(kept)
  }

  #isForged(field: Buffer): boolean {
    const colon = colonOf(field)
    return colon > 0 && authServIdOf(field.subarray(colon + 1)) === this.#ours
  }
}

/** Where the colon of an Authentication-Results field stands; 0: it is another field. */
function colonOf(field: Buffer): number {
  for (const [index, expected] of NAME.entries()) {
    const byte = field[index] ?? 0
    if ((byte | 32) !== expected && byte !== expected) return 0
  }
  // obs-optional = field-name *WSP ":" (RFC 5322 §4.5.8), which some readers take folded
  for (let at = NAME.length; at < field.length; at += 1) {
    const byte = field[at]
    if (byte === 58) return at
    if (byte !== SPACE && byte !== TAB && byte !== CR && byte !== LF) return 0
  }
  return 0
}

/** Where the line after this field begins; `undefined`: that is not seen yet. */
function endOfField(bytes: Buffer, from: number): number | undefined {
  for (let lf = bytes.indexOf(LF, from); lf >= 0; lf = bytes.indexOf(LF, lf + 1)) {
    const next = bytes[lf + 1]
    if (next === undefined) return undefined
    if (next !== SPACE && next !== TAB) return lf + 1
  }
  return undefined
}

/** Where the empty line begins that ends the header. */
function endOfHeader(bytes: Buffer, fromStart: boolean): number | undefined {
  if (fromStart && bytes[0] === CR && bytes[1] === LF) return 0
  const found = bytes.indexOf('\r\n\r\n')
  return found < 0 ? undefined : found + 2
}
