/** One command or response after framing: its text, and its literals apart (RFC 9051 §2.2, §4.3). @module */

/** Stands in {@link Frame.text} for each literal; never a byte, since bytes end at U+00FF. */
export const LITERAL_MARK = '\uE000'

/** Bytes announced by `{n}`, `{n+}` or `~{n}`. */
export interface FrameLiteral {
  readonly size: number
  /** `~{n}`: may hold NUL (RFC 9051 §4.3, RFC 3516 §4.4). */
  readonly binary: boolean
  /** `undefined` when the literal was streamed. */
  readonly bytes: Uint8Array | undefined
}

/**
 * Text as a binary string (one char a byte) without line end; the nth {@link LITERAL_MARK} is `literals[n]`.
 * @example `a LOGIN {5}⏎alice "x"` is `{ text: 'a LOGIN \uE000 "x"', literals: [alice] }`
 */
export interface Frame {
  readonly text: string
  readonly literals: readonly FrameLiteral[]
}

/** A frame without literals, from text (one char a byte, no line end). */
export function textFrame(text: string): Frame {
  return { text, literals: [] }
}
