/** LIST and its extensions (RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154). @module */
import type { StatusItem } from './status-items.ts'

/** Options before the reference: which mailboxes. */
export interface ListSelection {
  readonly subscribed: boolean
  readonly remote: boolean
  /** Only together with another one. */
  readonly recursiveMatch: boolean
  readonly specialUse: boolean
}

/** Options after RETURN: what to say about them. */
export interface ListReturn {
  readonly subscribed: boolean
  readonly children: boolean
  readonly specialUse: boolean
  /** STATUS answers to send along (RFC 5819). */
  readonly status: readonly StatusItem[] | undefined
}

/** Everything after LIST. */
export interface ListRequest {
  /** Any of the extended forms was used: `""` as pattern then has no special meaning (RFC 5258 §3). */
  readonly extended: boolean
  readonly selection: ListSelection
  /** Decoded to Unicode. */
  readonly reference: string
  /** Decoded to Unicode, with `*` and `%`; at least one. */
  readonly patterns: readonly string[]
  readonly returns: ListReturn
}
