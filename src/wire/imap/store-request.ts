/** Everything after the message set of STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3). @module */
import type { Modseq } from '#mail/ids.ts'

export interface StoreRequest {
  /** UNCHANGEDSINCE; 0 is allowed. */
  readonly unchangedSince: Modseq | undefined
  readonly mode: 'replace' | 'add' | 'remove'
  readonly silent: boolean
  readonly flags: readonly string[]
}
