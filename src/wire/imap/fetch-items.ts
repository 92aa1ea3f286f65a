/** What FETCH asks for (RFC 9051 §6.4.5, RFC 3516, RFC 7162 §3.1.4, RFC 8474 §5.3, RFC 8514 §4.4, RFC 8970 §3). @module */
import type { Modseq } from '#mail/ids.ts'

/** What stands between the brackets of `BODY[…]`. */
export interface Section {
  /** `[1, 2]` for part 1.2; empty for the message itself. */
  readonly part: readonly number[]
  readonly text: 'HEADER' | 'TEXT' | 'MIME' | 'HEADER.FIELDS' | 'HEADER.FIELDS.NOT' | undefined
  /** Field names as written; empty unless `text` is HEADER.FIELDS or HEADER.FIELDS.NOT. */
  readonly fields: readonly string[]
}

/** `<offset.length>`, octets; `length` is at least 1. */
export interface Partial {
  readonly offset: number
  readonly length: number
}

/** Items without arguments. BODY is BODYSTRUCTURE without its extensions. */
export type PlainFetchItem =
  | 'BODY'
  | 'BODYSTRUCTURE'
  | 'EMAILID'
  | 'ENVELOPE'
  | 'FLAGS'
  | 'INTERNALDATE'
  | 'MODSEQ'
  | 'RFC822'
  | 'RFC822.HEADER'
  | 'RFC822.SIZE'
  | 'RFC822.TEXT'
  | 'SAVEDATE'
  | 'THREADID'
  | 'UID'

export type FetchItem =
  | { readonly kind: PlainFetchItem }
  /** With LAZY the server may answer NIL rather than compute (RFC 8970 §3.1). */
  | { readonly kind: 'PREVIEW'; readonly lazy: boolean }
  | {
      readonly kind: 'BODY[]'
      readonly section: Section
      readonly peek: boolean
      readonly partial: Partial | undefined
    }
  | {
      readonly kind: 'BINARY[]'
      readonly part: readonly number[]
      readonly peek: boolean
      readonly partial: Partial | undefined
    }
  | { readonly kind: 'BINARY.SIZE[]'; readonly part: readonly number[] }

/** Everything after the message set of FETCH; macros are expanded. */
export interface FetchRequest {
  readonly items: readonly FetchItem[]
  /** CHANGEDSINCE (RFC 7162 §3.1.4.1). */
  readonly changedSince: Modseq | undefined
  /** VANISHED, only with `changedSince` (RFC 7162 §3.2.6). */
  readonly vanished: boolean
}
