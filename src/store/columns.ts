/** Columns of many messages at once, for what compares all of a mailbox; see `MailStore.columns`. @module */

/**
 * Numbers of a message: INTERNALDATE, the same as its zone's clocks show it, the moment it came into the mailbox, the Date
 * field (INTERNALDATE where it has none), all in milliseconds; the day of the Date field (NaN where it has none); octets.
 */
export type NumberColumn = 'internalDate' | 'internalLocal' | 'savedAt' | 'sentAt' | 'sentDay' | 'size'

/** Texts of a message, those of `NarrowColumns` in `types.ts`; `null` where it has none. */
export type TextColumn = 'subject' | 'baseSubject' | 'from' | 'to' | 'cc' | 'messageId'

/** One slice, ascending by UID; all arrays have one length. */
export interface ColumnSlice {
  readonly uids: Uint32Array
  /** In the order in which they were asked for. */
  readonly numbers: readonly Float64Array[]
  /** Likewise. */
  readonly texts: readonly (readonly (string | null)[])[]
}
