/** What one pass over a message finds (design §7): offsets are octets from the start of the message. @module */
import type { Parameters } from './body-structure.ts'
import type { Envelope } from './envelope.ts'

/** The Content-* fields of one part, defaults filled in (RFC 2045 §5.2); binary strings (one char a byte). */
export interface ContentFacts {
  /** Media type as written, `TEXT` where missing or unreadable. */
  readonly type: string
  readonly subtype: string
  /** RFC 2231 continuations joined; `name*` keeps its charset and percent encoding. */
  readonly parameters: Parameters
  readonly id: string | undefined
  readonly description: string | undefined
  /** Content-Transfer-Encoding as written, `7BIT` where missing. */
  readonly encoding: string
  readonly md5: string | undefined
  readonly disposition: { readonly type: string; readonly parameters: Parameters } | undefined
  readonly language: readonly string[] | undefined
  readonly location: string | undefined
}

/**
 * One node of the MIME tree, or the root of a message (whose header is then the message's header).
 * `headerStart ≤ bodyStart ≤ bodyEnd`; the blank line belongs to the header, the line end before a boundary to neither.
 */
export interface ScannedPart {
  readonly kind: 'text' | 'message' | 'basic' | 'multipart'
  readonly headerStart: number
  readonly bodyStart: number
  readonly bodyEnd: number
  /** LF octets in the body. */
  readonly lines: number
  readonly content: ContentFacts
  /** Of `multipart`: its parts, at least one. Of `message`: exactly one, the root of the message inside. Else none. */
  readonly children: readonly ScannedPart[]
  /** Only on the root of a message: the outermost one and each one inside a `message` part. */
  readonly envelope: Envelope | undefined
}

/** A message, scanned whole. */
export interface ScannedMessage {
  readonly size: number
  /** LF octets in the whole message. */
  readonly lines: number
  readonly hasNul: boolean
  readonly has8Bit: boolean
  /** Whether every LF follows a CR; true where there is none. */
  readonly allCrlf: boolean
  /** The header block with its blank line, cut at `limits.ts` `messageHeaderBytes`. */
  readonly header: Uint8Array
  readonly root: ScannedPart
  /** The beginnings of the first text parts, for PREVIEW. */
  readonly beginnings: readonly TextBeginning[]
}

/** The first octets of a text part that is no attachment, still transfer-encoded. */
export interface TextBeginning {
  readonly content: ContentFacts
  readonly bytes: Uint8Array
}
