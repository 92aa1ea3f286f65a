/** Parameters of SELECT and EXAMINE (RFC 7162 §3.1.8, §3.2.5). @module */
import type { Modseq } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'

export interface SelectParams {
  readonly condstore: boolean
  readonly qresync: QresyncParams | undefined
}

/** What the client remembers of the mailbox. */
export interface QresyncParams {
  readonly uidValidity: number
  readonly modseq: Modseq
  /** Sorted and merged. `undefined`: all. */
  readonly knownUids: UidSet | undefined
  /** Message numbers and their UIDs, equally many, ranges as written (RFC 7162 §3.2.5.2). */
  readonly match: { readonly numbers: UidSet; readonly uids: UidSet } | undefined
}
