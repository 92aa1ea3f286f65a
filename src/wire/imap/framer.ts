/**
 * Bytes to frames, without I/O: push what arrived, pull events until there are none.
 * A literal that needs a decision stops the framer until `buffer`, `stream` or `refuse` is called.
 * Every byte is looked at once and copied at most once on its way into a string or a literal; between commands
 * nothing is held. @module
 */
import { latin1 } from './characters.ts'
import { type Frame, type FrameLiteral, LITERAL_MARK } from './frame.ts'
import { COMMAND_LIMITS, type FramerLimits, RESPONSE_LIMITS } from './limits.ts'

/** A whole command (or response, on the client side). An empty line is a frame with empty text. */
export interface WholeFrame {
  readonly kind: 'frame'
  readonly frame: Frame
}

/** A literal is announced; call exactly one of `buffer`, `stream`, `refuse` before the next `next`. */
export interface LiteralAnnounced {
  readonly kind: 'literal'
  readonly size: number
  /** The peer waits: send `+ …` after `buffer` or `stream`, nothing after `refuse`. Never set on the client side. */
  readonly synchronising: boolean
  /** `~{n}`. */
  readonly binary: boolean
  /** The command so far, the mark of this literal (whose bytes are not there yet) at its end. */
  readonly frame: Frame
  /** Bytes of the literals buffered so far in this command and of this one. */
  readonly bufferedBytes: number
}

/** Bytes of a streamed literal, not copied. The last one has `last`, and may be empty. */
export interface LiteralChunk {
  readonly kind: 'chunk'
  readonly bytes: Uint8Array
  readonly last: boolean
}

/** One line asked for by `expectLine`, without line end, uninterpreted. */
export interface RawLine {
  readonly kind: 'line'
  readonly text: string
}

/** A refused command is over: answer it now (RFC 7888 §4). `frame` is what was read before the refusal. */
export interface Refused {
  readonly kind: 'refused'
  readonly frame: Frame
  readonly size: number
}

export type FrameFaultReason = 'line-too-long' | 'nul' | 'too-many-literals' | 'too-much-to-discard'

/**
 * A command that cannot be read; it was dropped to its end (its literals too) and the next event is the next command,
 * except after `too-much-to-discard`: nothing more comes, the session says BYE and closes.
 */
export interface FrameFault {
  readonly kind: 'fault'
  readonly reason: FrameFaultReason
  /** Beginning of the command, enough for its tag. */
  readonly text: string
}

export type FrameEvent = WholeFrame | LiteralAnnounced | LiteralChunk | RawLine | Refused | FrameFault

type State = 'line' | 'decide' | 'buffer' | 'stream' | 'discard' | 'dead'

const LF = 10
const EMPTY: Buffer = Buffer.alloc(0)
/** How much of a bad command a fault shows. */
const SHOWN_CHARS = 128
/** The longest announcement worth looking for at the end of a dropped line: `~{`, 20 digits, `+}`, CR. */
const TAIL_CHARS = 26

/** Frames what a client sends. Holds no buffer between commands. */
export class CommandFramer {
  readonly #limits: FramerLimits
  readonly #peerWaits: boolean
  #state: State = 'line'

  // What was pushed and not used: #chunks from #first on, the first of them from #at on.
  #chunks: Buffer[] = []
  #first = 0
  #at = 0
  #pending = 0

  // The command so far.
  #text = ''
  #literals: FrameLiteral[] = []
  #lineBytes = 0
  #bufferedBytes = 0
  // Beginning of a line whose end has not come.
  #partial: Buffer | undefined
  #partialLength = 0

  #announced: LiteralAnnounced | undefined
  #target: Buffer | undefined
  /** Bytes of the current literal not seen yet. */
  #left = 0
  /** Set while the rest of a command is dropped: the event that tells of it at its end. */
  #dropping: Refused | FrameFault | undefined
  #tail = ''
  #raw = false

  constructor(limits: FramerLimits = COMMAND_LIMITS, peerWaits = true) {
    this.#limits = limits
    this.#peerWaits = peerWaits
  }

  /** Gives bytes; they must not change until pulled. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0 || this.#state === 'dead') return
    this.#chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    this.#pending += chunk.length
  }

  /** The next event, or `undefined` when more bytes are needed (or a literal awaits its decision). */
  next(): FrameEvent | undefined {
    for (;;) {
      switch (this.#state) {
        case 'line': {
          const event = this.#dropping === undefined ? this.#readLine() : this.#dropLine()
          if (event !== 'again') return event
          break
        }
        case 'buffer':
          if (!this.#fill()) return undefined
          break
        case 'stream':
          return this.#chunk()
        case 'discard':
          if (!this.#discard()) return undefined
          break
        case 'decide':
        case 'dead':
          return undefined
      }
    }
  }

  /** Bytes pushed and not yet used: the measure for back pressure. */
  get pendingBytes(): number {
    return this.#pending
  }

  /** Whether a command has begun (its line or a literal is incomplete). */
  get midCommand(): boolean {
    return this.#state !== 'line' || this.#text !== '' || this.#partialLength > 0 || this.#dropping !== undefined
  }

  /** Keeps the announced literal in memory; it will be in the frame. */
  buffer(): void {
    const { size, binary } = this.#decided()
    const target = size === 0 ? EMPTY : Buffer.allocUnsafeSlow(size)
    this.#literals.push({ size, binary, bytes: target })
    this.#bufferedBytes += size
    this.#target = target
    this.#left = size
    this.#state = 'buffer'
  }

  /** Hands the announced literal out as `chunk` events; the rest of the command follows as usual. */
  stream(): void {
    const { size, binary } = this.#decided()
    this.#literals.push({ size, binary, bytes: undefined })
    this.#left = size
    this.#state = 'stream'
  }

  /**
   * Drops the announced literal, or what is left of the one being streamed, and the rest of the command;
   * a `refused` event says when the next command can be read.
   */
  refuse(): void {
    if (this.#announced === undefined) {
      const literal = this.#literals.at(-1)
      if (literal === undefined) throw new Error('No literal awaits a decision')
      this.#dropping = { kind: 'refused', frame: { text: this.#text, literals: this.#literals }, size: literal.size }
      if (this.#left > 0) this.#state = 'discard'
      else {
        this.#state = 'line'
        this.#tail = this.#partialText().slice(-TAIL_CHARS)
        this.#partial = undefined
        this.#partialLength = 0
      }
      return
    }
    const { frame, size, synchronising } = this.#decided()
    this.#dropping = { kind: 'refused', frame, size }
    if (synchronising) {
      // The client sees NO instead of `+` and sends nothing more of this command (RFC 9051 §4.3).
      this.#state = 'line'
      this.#tail = 'over'
    } else this.#discardLiteral(size)
  }

  /** Makes the next line come as a `line` event: SASL answers, DONE. Once per call. */
  expectLine(): void {
    this.#raw = true
  }

  /** Takes away what was pushed and not used, for STARTTLS: bytes here were sent before TLS (RFC 9051 §6.2.1). */
  takeRest(): Uint8Array {
    const rest = [this.#partial?.subarray(0, this.#partialLength) ?? EMPTY, ...this.#chunks.slice(this.#first)]
    if (rest[1] !== undefined) rest[1] = rest[1].subarray(this.#at)
    const bytes = Buffer.concat(rest)
    this.#chunks = []
    this.#first = 0
    this.#at = 0
    this.#pending = 0
    this.#reset()
    return bytes
  }

  #decided(): LiteralAnnounced {
    const announced = this.#announced
    if (announced === undefined) throw new Error('No literal awaits a decision')
    this.#announced = undefined
    return announced
  }

  #reset(): void {
    this.#state = 'line'
    this.#text = ''
    if (this.#literals.length > 0) this.#literals = []
    this.#lineBytes = 0
    this.#bufferedBytes = 0
    this.#partial = undefined
    this.#partialLength = 0
    this.#announced = undefined
    this.#target = undefined
    this.#dropping = undefined
    this.#tail = ''
    this.#raw = false
  }

  /** Up to `most` bytes of what was pushed, from one chunk, without copying. */
  #take(most: number): Buffer | undefined {
    const chunk = this.#chunks[this.#first]
    if (chunk === undefined) return undefined
    const bytes = chunk.subarray(this.#at, this.#at + most)
    this.#at += bytes.length
    this.#pending -= bytes.length
    if (this.#at === chunk.length) {
      this.#at = 0
      this.#first += 1
      if (this.#first === this.#chunks.length) {
        this.#chunks.length = 0
        this.#first = 0
      } else if (this.#first >= 64 && this.#first * 2 > this.#chunks.length) {
        this.#chunks.splice(0, this.#first)
        this.#first = 0
      }
    }
    return bytes
  }

  /** Bytes up to and with the next LF of the first chunk, or all of that chunk. */
  #takeToLineEnd(): { readonly bytes: Buffer; readonly whole: boolean } | undefined {
    const chunk = this.#chunks[this.#first]
    if (chunk === undefined) return undefined
    const lineEnd = chunk.indexOf(LF, this.#at)
    const bytes = this.#take(lineEnd < 0 ? chunk.length : lineEnd + 1 - this.#at)
    return bytes === undefined ? undefined : { bytes, whole: lineEnd >= 0 }
  }

  #readLine(): FrameEvent | undefined | 'again' {
    const taken = this.#takeToLineEnd()
    if (taken === undefined) return undefined
    const { bytes, whole } = taken
    const length = this.#partialLength + bytes.length
    if (this.#lineBytes + length > this.#limits.lineBytes) {
      const line = this.#partialText() + latin1(bytes, 0, SHOWN_CHARS)
      this.#drop('line-too-long', this.#text + line)
      const end = this.#partialText().slice(-TAIL_CHARS) + latin1(bytes, Math.max(0, bytes.length - TAIL_CHARS))
      this.#partial = undefined
      this.#partialLength = 0
      this.#tail = end.slice(-TAIL_CHARS)
      return whole ? this.#droppedLine() : 'again'
    }
    if (!whole) {
      this.#keep(bytes)
      return 'again'
    }
    let line = latin1(bytes, 0, bytes.length - 1)
    if (this.#partialLength > 0) line = this.#partialText() + line
    this.#partial = undefined
    this.#partialLength = 0
    this.#lineBytes += length
    // Bare LF ends a line too: see quirks.ts.
    if (line.endsWith('\r')) line = line.slice(0, -1)
    return this.#line(line)
  }

  #line(line: string): FrameEvent | undefined | 'again' {
    if (line.includes('\0')) {
      this.#drop('nul', this.#text + line.slice(0, SHOWN_CHARS))
      this.#tail = line.slice(-TAIL_CHARS)
      return this.#droppedLine()
    }
    if (this.#raw) {
      this.#reset()
      return { kind: 'line', text: line }
    }
    const literal = announcement(line)
    if (literal === undefined) {
      const frame = { text: this.#text + line, literals: this.#literals }
      this.#reset()
      return { kind: 'frame', frame }
    }
    if (this.#literals.length >= this.#limits.literals) {
      this.#drop('too-many-literals', this.#text)
      this.#tail = line.slice(-TAIL_CHARS)
      return this.#droppedLine()
    }
    this.#text += line.slice(0, line.length - literal.length) + LITERAL_MARK
    this.#state = 'decide'
    const { size, binary } = literal
    this.#announced = {
      kind: 'literal',
      size,
      synchronising: this.#peerWaits && !literal.plus,
      binary,
      frame: { text: this.#text, literals: [...this.#literals, { size, binary, bytes: undefined }] },
      bufferedBytes: this.#bufferedBytes + size,
    }
    if (size > this.#limits.autoBufferBytes || this.#bufferedBytes + size > this.#limits.lineBytes)
      return this.#announced
    this.buffer()
    return 'again'
  }

  #partialText(): string {
    return this.#partial === undefined ? '' : latin1(this.#partial, 0, this.#partialLength)
  }

  #keep(bytes: Buffer): void {
    const needed = this.#partialLength + bytes.length
    if (this.#partial === undefined || this.#partial.length < needed) {
      const larger = Buffer.allocUnsafeSlow(Math.max(256, 2 ** Math.ceil(Math.log2(needed))))
      this.#partial?.copy(larger, 0, 0, this.#partialLength)
      this.#partial = larger
    }
    bytes.copy(this.#partial, this.#partialLength)
    this.#partialLength = needed
  }

  /** Fills the literal that is buffered; true when it is whole. */
  #fill(): boolean {
    while (this.#left > 0) {
      const bytes = this.#take(this.#left)
      if (bytes === undefined || this.#target === undefined) return false
      this.#target.set(bytes, this.#target.length - this.#left)
      this.#left -= bytes.length
    }
    this.#target = undefined
    this.#state = 'line'
    return true
  }

  #chunk(): LiteralChunk | undefined {
    const bytes = this.#left === 0 ? EMPTY : this.#take(this.#left)
    if (bytes === undefined) return undefined
    this.#left -= bytes.length
    if (this.#left === 0) this.#state = 'line'
    return { kind: 'chunk', bytes, last: this.#left === 0 }
  }

  #drop(reason: FrameFaultReason, text: string): void {
    this.#dropping = { kind: 'fault', reason, text: text.slice(0, SHOWN_CHARS) }
    this.#state = 'line'
    this.#text = ''
    this.#literals = []
  }

  #discardLiteral(size: number): void {
    this.#left = size
    this.#state = 'discard'
    if (size <= this.#limits.discardBytes) return
    const shown = this.#dropping?.kind === 'refused' ? this.#dropping.frame.text : (this.#dropping?.text ?? '')
    this.#drop('too-much-to-discard', shown)
    this.#tail = 'over'
  }

  #discard(): boolean {
    while (this.#left > 0) {
      const bytes = this.#take(this.#left)
      if (bytes === undefined) return false
      this.#left -= bytes.length
    }
    this.#tail = ''
    this.#state = 'line'
    return true
  }

  /** Reads on through the line of a command that is being dropped. */
  #dropLine(): FrameEvent | undefined | 'again' {
    if (this.#tail === 'over') return this.#dropped()
    const taken = this.#takeToLineEnd()
    if (taken === undefined) return undefined
    const { bytes, whole } = taken
    this.#tail = (this.#tail + latin1(bytes, Math.max(0, bytes.length - TAIL_CHARS))).slice(-TAIL_CHARS)
    return whole ? this.#droppedLine() : 'again'
  }

  /** A line was dropped whole. A literal without `+` comes in any case and is dropped too (RFC 7888 §4). */
  #droppedLine(): FrameEvent | undefined | 'again' {
    const literal = this.#raw ? undefined : announcement(this.#tail.replace(/\r?\n$|\r$/, ''))
    this.#tail = ''
    if (literal === undefined || (this.#peerWaits && !literal.plus)) return this.#dropped()
    this.#discardLiteral(literal.size)
    return 'again'
  }

  #dropped(): FrameEvent | undefined {
    const event = this.#dropping
    this.#reset()
    if (event?.kind === 'fault' && event.reason === 'too-much-to-discard') {
      this.#state = 'dead'
      this.#chunks = []
      this.#pending = 0
    }
    return event
  }
}

/** Frames what a server sends; `synchronising` is always false. Small literals are buffered without asking. */
export class ResponseFramer extends CommandFramer {
  constructor(limits: FramerLimits = RESPONSE_LIMITS) {
    super(limits, false)
  }
}

interface Announcement {
  readonly size: number
  readonly plus: boolean
  readonly binary: boolean
  /** Of the announcement itself. */
  readonly length: number
}

// literal = "{" number64 ["+"] "}" CRLF *CHAR8; literal8 = "~{" number64 "}" CRLF *OCTET
function announcement(line: string): Announcement | undefined {
  if (!line.endsWith('}')) return undefined
  const match = /(~?)\{(\d{1,20})(\+?)\}$/.exec(line.slice(-TAIL_CHARS))
  if (match === null) return undefined
  const [whole, tilde, digits, plus] = match
  const size = Math.min(Number(digits), Number.MAX_SAFE_INTEGER)
  return { size, plus: plus === '+', binary: tilde === '~', length: whole.length }
}
