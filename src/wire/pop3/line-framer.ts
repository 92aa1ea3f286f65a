import { AUTH_LINE_OCTETS, TOLERATED_COMMAND_OCTETS, TOLERATED_RESPONSE_OCTETS } from './limits.ts'

/** One line, or the place where one was that is longer than allowed and was dropped. */
export type LineEvent =
  | {
      readonly kind: 'line'
      /** One character an octet, without line end. */
      readonly text: string
      /** It ended in LF alone (quirk `bare-lf`). */
      readonly bareLf: boolean
    }
  | { readonly kind: 'too-long' }

const LF = 10
const CR = 13

/**
 * Bytes to lines, without I/O: push what arrived, pull lines until there are none. Holds one incomplete line at most;
 * each octet is looked at once, however it is cut.
 */
export class LineFramer {
  readonly #limitOctets: number
  readonly #queue: Buffer[] = []
  /** The chunk at hand; those before it are used up. */
  #first = 0
  /** Octets of it that are used up. */
  #at = 0
  #queued = 0
  /** Beginning of the line at hand, `#partialLength` octets of it; grows by doubling. */
  #partial: Buffer = EMPTY
  #partialLength = 0
  #discarding = false
  #authLine = false

  /** @param limitOctets Longest line with its end; AUTH lines may have {@link AUTH_LINE_OCTETS}. */
  constructor(limitOctets: number) {
    this.#limitOctets = limitOctets
  }

  /** For what a client sends. */
  static forCommands(): LineFramer {
    return new LineFramer(TOLERATED_COMMAND_OCTETS)
  }

  /** For what a server sends. */
  static forResponses(): LineFramer {
    return new LineFramer(TOLERATED_RESPONSE_OCTETS)
  }

  /** Gives bytes; they must not change until pulled. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#queue.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))
    this.#queued += chunk.length
  }

  /** The next line; `undefined` when more bytes are needed. */
  next(): LineEvent | undefined {
    for (let chunk = this.#queue[this.#first]; chunk !== undefined; chunk = this.#queue[this.#first]) {
      const end = chunk.indexOf(LF, this.#at)
      if (end >= 0) {
        const event = this.#line(chunk, end)
        this.#use(chunk, end + 1)
        return event
      }
      this.#keep(chunk, chunk.length)
      this.#use(chunk, chunk.length)
    }
    return undefined
  }

  /** Makes the next line one of a SASL exchange: it may have {@link AUTH_LINE_OCTETS}. */
  expectAuthLine(): void {
    this.#authLine = true
  }

  /** Bytes pushed and not yet given out: the measure for back pressure. */
  get pendingBytes(): number {
    return this.#queued + this.#partialLength
  }

  /**
   * Takes away what was not given out: to drop it when TLS begins (bytes here were sent before TLS, RFC 2595 §4),
   * or to read it as the body of a multi-line response.
   */
  takeRest(): Uint8Array {
    const pieces = [this.#partial.subarray(0, this.#partialLength)]
    for (let index = this.#first; index < this.#queue.length; index += 1) {
      pieces.push((this.#queue[index] ?? EMPTY).subarray(index === this.#first ? this.#at : 0))
    }
    this.#queue.length = 0
    this.#first = 0
    this.#at = 0
    this.#queued = 0
    this.#endLine()
    return Buffer.concat(pieces)
  }

  #line(chunk: Buffer, end: number): LineEvent {
    if (this.#discarding || this.#partialLength > 0) {
      this.#keep(chunk, end)
      const event = this.#discarding ? TOO_LONG : lineOf(this.#partial, 0, this.#partialLength)
      this.#endLine()
      return event
    }
    const length = end - this.#at + 1
    const tooLong = length > this.#limitOctets && length > this.#limit(chunk, this.#at)
    this.#endLine()
    return tooLong ? TOO_LONG : lineOf(chunk, this.#at, end)
  }

  /** Copies what there is of the line until `end`, or begins to drop it. */
  #keep(chunk: Buffer, end: number): void {
    if (this.#discarding) return
    const length = this.#partialLength + end - this.#at
    if (length + 1 > this.#limitOctets && length + 1 > this.#limit(chunk, this.#at)) {
      this.#partial = EMPTY
      this.#partialLength = 0
      this.#discarding = true
      return
    }
    if (length > this.#partial.length) {
      const wider = Buffer.allocUnsafeSlow(Math.max(256, 2 * length))
      this.#partial.copy(wider, 0, 0, this.#partialLength)
      this.#partial = wider
    }
    chunk.copy(this.#partial, this.#partialLength, this.#at, end)
    this.#partialLength = length
  }

  /** Of the line at hand, which goes on in the chunk at `start`. */
  #limit(chunk: Buffer, start: number): number {
    const kept = this.#partial.toString('latin1', 0, Math.min(5, this.#partialLength))
    const head = kept + chunk.toString('latin1', start, start + 5 - kept.length)
    return this.#authLine || /^AUTH /i.test(head) ? Math.max(AUTH_LINE_OCTETS, this.#limitOctets) : this.#limitOctets
  }

  #use(chunk: Buffer, to: number): void {
    this.#queued -= to - this.#at
    if (to < chunk.length) {
      this.#at = to
      return
    }
    this.#at = 0
    this.#first += 1
    if (this.#first < this.#queue.length) return
    this.#queue.length = 0
    this.#first = 0
  }

  #endLine(): void {
    this.#partial = EMPTY
    this.#partialLength = 0
    this.#discarding = false
    this.#authLine = false
  }
}

const EMPTY: Buffer = Buffer.alloc(0)
const TOO_LONG: LineEvent = { kind: 'too-long' }

function lineOf(bytes: Buffer, start: number, end: number): LineEvent {
  const crlf = end > start && bytes[end - 1] === CR
  return { kind: 'line', text: bytes.toString('latin1', start, crlf ? end - 1 : end), bareLf: !crlf }
}
