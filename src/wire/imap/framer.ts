/**
 * Bytes to frames, without I/O: push what arrived, pull events until there are none.
 * A literal that needs a decision stops the framer until `buffer`, `stream` or `refuse` is called.
 * Every byte is looked at once and copied at most once on its way into a string or a literal; between commands
 * nothing is held. @module
 */
import { ByteQueue } from './byte-queue.ts'
import { latin1 } from './characters.ts'
import { type FrameLiteral, LITERAL_MARK } from './frame.ts'
import type {
  FrameEvent,
  FrameFault,
  FrameFaultReason,
  LiteralAnnounced,
  LiteralChunk,
  Refused,
} from './frame-events.ts'
import { COMMAND_LIMITS, type FramerLimits, RESPONSE_LIMITS } from './limits.ts'

export type * from './frame-events.ts'

type State = 'line' | 'decide' | 'buffer' | 'stream' | 'discard' | 'dead'

const EMPTY: Buffer = Buffer.alloc(0)
/** Of a frame that has none: the framer's own list goes on to the next command. */
const NO_LITERALS: readonly FrameLiteral[] = Object.freeze([])
/** How much of a bad command a fault shows. */
const SHOWN_CHARS = 128
/** The longest announcement worth looking for at the end of a dropped line: `~{`, 20 digits, `+}`, CR. */
const TAIL_CHARS = 26

/** Frames what a client sends. Holds no buffer between commands. */
export class CommandFramer {
  /** How long a line may be; to be changed between commands only. */
  lineBytes: number
  readonly #limits: FramerLimits
  readonly #peerWaits: boolean
  #state: State = 'line'

  /** What was pushed and not used. */
  readonly #input = new ByteQueue()

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
  /** End of the line that is dropped: it may announce a literal. */
  #tail = ''
  /** Nothing more of the dropped command will come. */
  #over = false
  #raw = false

  constructor(limits: FramerLimits = COMMAND_LIMITS, peerWaits = true) {
    this.#limits = limits
    this.lineBytes = limits.lineBytes
    this.#peerWaits = peerWaits
  }

  /** Gives bytes; they must not change until pulled. */
  push(chunk: Uint8Array): void {
    if (this.#state !== 'dead') this.#input.push(chunk)
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
    return this.#input.size
  }

  /** Whether a command has begun (its line or a literal is incomplete). */
  get midCommand(): boolean {
    return this.#state !== 'line' || this.#text !== '' || this.#partialLength > 0 || this.#dropping !== undefined
  }

  /** Whether a command that cannot be read is being dropped: its fault is told at its end, which may never come. */
  get dropping(): boolean {
    return this.#dropping?.kind === 'fault'
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
      this.#over = true
    } else this.#discardLiteral(size)
  }

  /** Makes the next line come as a `line` event: SASL answers, DONE. Once per call. */
  expectLine(): void {
    this.#raw = true
  }

  /** Takes away what was pushed and not used, for STARTTLS: bytes here were sent before TLS (RFC 9051 §6.2.1). */
  takeRest(): Uint8Array {
    const bytes = Buffer.concat([this.#partial?.subarray(0, this.#partialLength) ?? EMPTY, ...this.#input.takeAll()])
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
    this.#over = false
    this.#raw = false
  }

  #readLine(): FrameEvent | undefined | 'again' {
    const taken = this.#input.takeLine()
    if (taken === undefined) return undefined
    const { bytes, whole } = taken
    const length = this.#partialLength + bytes.length
    if (this.#lineBytes + length > this.lineBytes) {
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
      const literals = this.#literals.length === 0 ? NO_LITERALS : this.#literals
      const frame = { text: this.#text + line, literals }
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
    const small = size <= this.#limits.autoBufferBytes && this.#announced.bufferedBytes <= this.lineBytes
    if (this.#peerWaits || !small) return this.#announced
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
      const bytes = this.#input.take(this.#left)
      if (bytes === undefined || this.#target === undefined) return false
      this.#target.set(bytes, this.#target.length - this.#left)
      this.#left -= bytes.length
    }
    this.#target = undefined
    this.#state = 'line'
    return true
  }

  #chunk(): LiteralChunk | undefined {
    const bytes = this.#left === 0 ? EMPTY : this.#input.take(this.#left)
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
    this.#over = true
  }

  #discard(): boolean {
    while (this.#left > 0) {
      const bytes = this.#input.take(this.#left)
      if (bytes === undefined) return false
      this.#left -= bytes.length
    }
    this.#tail = ''
    this.#state = 'line'
    return true
  }

  /** Reads on through the line of a command that is being dropped. */
  #dropLine(): FrameEvent | undefined | 'again' {
    if (this.#over) return this.#dropped()
    const taken = this.#input.takeLine()
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
      this.#input.takeAll()
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
