/** Appends responses into buffers for a socket; made for the hot path of FETCH. @module */
import { ElementWriter } from './element-writer.ts'

export interface ResponseWriterOptions {
  readonly utf8?: boolean
}

/** Text collected as a string up to here, then written in one go: far cheaper than a write per piece. */
const TEXT_CHARS = 8_192
const FIRST_SLAB = 4_096
const SLAB = 65_536
/** Bytes from this size on are sent from where they are. */
const UNCOPIED_BYTES = 8_192

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
    } else if (bytes.length > 0) {
      this.#room(bytes.length).set(bytes, this.#to)
      this.#to += bytes.length
    }
    return this
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
    this.#slab = Buffer.allocUnsafe(Math.max(bytes, first ? FIRST_SLAB : SLAB))
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
