/** Appends responses into buffers for a socket; made for the hot path of FETCH. @module */
import { NUMBER_OCTETS, putDigits, putNumbers, putRanges } from './digits.ts'
import { ElementWriter } from './element-writer.ts'
import { QUOTED_BYTES } from './limits.ts'

export interface ResponseWriterOptions {
  readonly utf8?: boolean
}

/** Text collected as a string up to here, then written in one go: far cheaper than a write per piece. */
const TEXT_CHARS = 8_192
const FIRST_SLAB = 4_096
const SLAB = 65_536
/** Bytes from this size on are sent from where they are. */
const UNCOPIED_BYTES = 8_192
const BY_HAND = 64
const LARGEST_ANY = 16
const QUOTE = 34
const BACKSLASH = 92
const LARGEST_ASCII = 0x7f

/**
 * Text is ASCII or a binary string (one char a byte). Holds nothing after `take`.
 * @example new ResponseWriter().text('* ').number(3).text(' EXISTS\r\n').take()
 */
export class ResponseWriter extends ElementWriter {
  #text = ''
  #slab: Buffer | undefined
  #from = 0
  #to = 0
  #done: Uint8Array[] = []
  #doneBytes = 0

  constructor(options: ResponseWriterOptions = {}) {
    super(options.utf8)
  }

  /** Bytes not taken yet: the measure for back pressure. */
  get size(): number {
    return this.#doneBytes + (this.#to - this.#from) + this.#text.length
  }

  text(text: string): this {
    this.#text += text
    if (this.#text.length >= TEXT_CHARS) this.#flushText()
    return this
  }

  /** Bytes as they are; from 8 KB on they are not copied and must not change until sent. */
  raw(bytes: Uint8Array): this {
    this.#flushText()
    if (bytes.length >= UNCOPIED_BYTES) {
      this.#closeRegion()
      this.#done.push(bytes)
      this.#doneBytes += bytes.length
    } else this.#put(bytes, 0, bytes.length)
    return this
  }

  /** A part of bytes, copied. */
  part(bytes: Uint8Array, start: number, end: number): this {
    this.#flushText()
    this.#put(bytes, start, end)
    return this
  }

  /** Short text among bytes, of which {@link text} would make a string first. */
  ascii(text: string): this {
    this.#flushText()
    const slab = this.#room(text.length)
    const to = this.#to
    for (let at = 0; at < text.length; at += 1) slab[to + at] = text.charCodeAt(at)
    this.#to = to + text.length
    return this
  }

  /** A number among bytes. */
  digits(value: number): this {
    this.#flushText()
    const slab = this.#room(LARGEST_ANY)
    this.#to = putDigits(slab, this.#to, value)
    return this
  }

  /** A space and a number for each of the values from `from` to before `to`; with many, a part at a time. */
  numbers(values: Uint32Array, from: number, to: number): this {
    this.#flushText()
    const slab = this.#room(NUMBER_OCTETS * (to - from))
    this.#to = putNumbers(slab, this.#to, values, from, to)
    return this
  }

  /**
   * Ranges, `2:4,7`, from that of index `from` to before `to`, all but the very first with a comma before it.
   * @param bounds First and last of each.
   */
  ranges(bounds: Uint32Array, from: number, to: number): this {
    this.#flushText()
    const slab = this.#room(2 * NUMBER_OCTETS * (to - from))
    this.#to = putRanges(slab, this.#to, bounds, from, to)
    return this
  }

  /** UTF-8 as a string, which where all of it may be quoted is written as it is. */
  utf8Bytes(bytes: Uint8Array): this {
    if (bytes.length > QUOTED_BYTES || !this.#quote(bytes)) this.string(Buffer.from(bytes).toString('latin1'))
    return this
  }

  /** Writes a quoted string, or nothing where some byte needs more than quotes. */
  #quote(bytes: Uint8Array): boolean {
    this.#flushText()
    const slab = this.#room(bytes.length + 2)
    let to = this.#to
    slab[to] = QUOTE
    to += 1
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at] ?? 0
      if (byte > LARGEST_ASCII || byte === QUOTE || byte === BACKSLASH || byte === 13 || byte === 10 || byte === 0)
        return false
      slab[to] = byte
      to += 1
    }
    slab[to] = QUOTE
    this.#to = to + 1
    return true
  }

  /** `{n}` and the bytes; a server never writes `+` (RFC 9051 §9 literal). */
  literal(bytes: Uint8Array, binary = false): this {
    return this.literalHeader(bytes.length, binary).raw(bytes)
  }

  /** `{n}` alone, when the bytes follow by `raw`. */
  literalHeader(size: number, binary = false): this {
    return this.text(binary ? `~{${size}}\r\n` : `{${size}}\r\n`)
  }

  /** One line of Unicode as UTF-8; controls become spaces, so that no text ends a line early. */
  line(text: string): this {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the point
    const safe = text.replace(/[\0-\x1f\x7f]/g, ' ')
    return this.text(`${/[^\0-\x7f]/.test(safe) ? Buffer.from(safe, 'utf8').toString('latin1') : safe}\r\n`)
  }

  /** Takes what was written, to be sent in this order. */
  take(): Uint8Array[] {
    if (this.#slab === undefined && this.#text !== '') {
      // Only a little text: Node's pool has room for it.
      const text = Buffer.from(this.#text, 'latin1')
      this.#text = ''
      this.#done.push(text)
    } else {
      this.#flushText()
      this.#closeRegion()
    }
    const done = this.#done
    this.#done = []
    this.#doneBytes = 0
    this.#slab = undefined
    this.#from = 0
    this.#to = 0
    return done
  }

  /** Memory to write a great deal into. */
  protected slab(bytes: number): Buffer {
    return Buffer.allocUnsafe(bytes)
  }

  /** Few bytes are copied faster one by one than by a call. */
  #put(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (length === 0) return
    const slab = this.#room(length)
    const to = this.#to
    if (length > BY_HAND) slab.set(length === bytes.length ? bytes : bytes.subarray(start, end), to)
    else for (let at = 0; at < length; at += 1) slab[to + at] = bytes[start + at] ?? 0
    this.#to = to + length
  }

  #flushText(): void {
    if (this.#text === '') return
    // The room first: it may begin a new slab, and with it #to.
    const slab = this.#room(this.#text.length)
    this.#to += slab.write(this.#text, this.#to, 'latin1')
    this.#text = ''
  }

  /** The slab, with room for so many bytes from #to on. */
  #room(bytes: number): Buffer {
    if (this.#slab !== undefined && this.#slab.length - this.#to >= bytes) return this.#slab
    const first = this.#slab === undefined
    this.#closeRegion()
    this.#slab = first || bytes > SLAB ? Buffer.allocUnsafe(Math.max(bytes, FIRST_SLAB)) : this.slab(SLAB)
    this.#from = 0
    this.#to = 0
    return this.#slab
  }

  /** Puts what was written into the slab among what is done. */
  #closeRegion(): void {
    if (this.#slab === undefined || this.#to === this.#from) return
    this.#done.push(this.#slab.subarray(this.#from, this.#to))
    this.#doneBytes += this.#to - this.#from
    this.#from = this.#to
  }
}
