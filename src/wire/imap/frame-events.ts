/** What a framer tells (framer.ts). @module */
import type { Frame } from './frame.ts'

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
