/**
 * Bytes to frames, without I/O: push what arrived, pull events until there are none.
 * A literal that needs a decision stops the framer until `buffer`, `stream` or `refuse` is called. @module
 */
import type { Frame } from './frame.ts'
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

/** Frames what a client sends. Holds no buffer between commands. */
export class CommandFramer {
  constructor(_limits: FramerLimits = COMMAND_LIMITS) {}

  /** Gives bytes; they must not change until pulled. */
  push(_chunk: Uint8Array): void {
    throw new Error('not yet')
  }

  /** The next event, or `undefined` when more bytes are needed (or a literal awaits its decision). */
  next(): FrameEvent | undefined {
    throw new Error('not yet')
  }

  /** Bytes pushed and not yet used: the measure for back pressure. */
  get pendingBytes(): number {
    throw new Error('not yet')
  }

  /** Whether a command has begun (its line or a literal is incomplete). */
  get midCommand(): boolean {
    throw new Error('not yet')
  }

  /** Keeps the announced literal in memory; it will be in the frame. */
  buffer(): void {
    throw new Error('not yet')
  }

  /** Hands the announced literal out as `chunk` events; the rest of the command follows as usual. */
  stream(): void {
    throw new Error('not yet')
  }

  /**
   * Drops the announced literal, or what is left of the one being streamed, and the rest of the command;
   * a `refused` event says when the next command can be read.
   */
  refuse(): void {
    throw new Error('not yet')
  }

  /** Makes the next line come as a `line` event: SASL answers, DONE. Once per call. */
  expectLine(): void {
    throw new Error('not yet')
  }

  /** Takes away what was pushed and not used, for STARTTLS: bytes here were sent before TLS (RFC 9051 §6.2.1). */
  takeRest(): Uint8Array {
    throw new Error('not yet')
  }
}

/** Frames what a server sends; `synchronising` is always false. */
export class ResponseFramer extends CommandFramer {
  constructor(limits: FramerLimits = RESPONSE_LIMITS) {
    super(limits)
  }
}
