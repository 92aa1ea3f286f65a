/** Every bound of the IMAP grammar in one place. @module */

/** What a framer holds at most; bytes unless named otherwise. */
export interface FramerLimits {
  /** Text of one command or response without its literals, all its lines together. */
  readonly lineBytes: number
  /** Literals one command or response may have. */
  readonly literals: number
  /** A refused literal that needs no `+` is read and dropped up to this size; above it the session must close. */
  readonly discardBytes: number
  /** Literals up to this size are buffered without asking; only in what a server sends. */
  readonly autoBufferBytes: number
}

/** For bytes that a client sends. */
export const COMMAND_LIMITS: FramerLimits = {
  lineBytes: 65_536,
  literals: 1_000,
  discardBytes: 64 * 1024 * 1024,
  autoBufferBytes: 0,
}

/** For bytes that a server sends: FETCH and SEARCH lines of big mailboxes are long. */
export const RESPONSE_LIMITS: FramerLimits = {
  lineBytes: 16 * 1024 * 1024,
  literals: 10_000,
  discardBytes: Number.MAX_SAFE_INTEGER,
  autoBufferBytes: 1024 * 1024,
}

/** Literals as arguments of commands other than APPEND, all of one command together. */
export const ARGUMENT_LITERAL_BYTES = 65_536

/** Largest literal without `+` under LITERAL- (RFC 7888 §5). */
export const LITERAL_MINUS_BYTES = 4_096

/** How deep search keys may be nested; `OR a OR b …` nests once per OR. */
export const SEARCH_DEPTH = 500

/** Keys of one search program. */
export const SEARCH_KEYS = 10_000

/** Criteria of one SORT. */
export const SORT_CRITERIA = 32

/** Items of one FETCH, fields of one header list, patterns of one LIST, and other lists of a command. */
export const LIST_ITEMS = 4_096

/** Groups of events of one NOTIFY. */
export const NOTIFY_GROUPS = 100

/** Chars of the name of an annotation (RFC 5464). */
export const METADATA_NAME = 255

/** Numbers in a section part such as `1.2.3`. */
export const SECTION_DEPTH = 100

/** Nesting of BODYSTRUCTURE and of unknown parenthesised values in responses. */
export const RESPONSE_DEPTH = 200

/** Strings longer than this go out as literals although they could be quoted. */
export const QUOTED_BYTES = 1_024
