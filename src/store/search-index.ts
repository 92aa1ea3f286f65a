/** An index of the text of messages, by which searches need not read them. It is derived: it may be lost at any time. @module */
import type { MailboxKey } from '#mail/ids.ts'
import type { AccountRef } from './types.ts'

/** `text` is header or body, `header` any of the message's own fields; the others are the columns of that name. */
export type IndexedPlace = 'text' | 'body' | 'header' | 'subject' | 'from' | 'to' | 'cc'

/** A text that is looked for. */
export interface IndexedText {
  readonly place: IndexedPlace
  /** Folded (`mail/fold.ts`), not empty. */
  readonly text: string
}

/** Which messages of a mailbox have a text: UIDs, ascending; may name some that the asker does not see. */
export interface TextMatches {
  /** These have it. */
  readonly yes: Uint32Array
  /** These may have it and have to be looked at. The rest, as far as it is known at all, does not. */
  readonly maybe: Uint32Array
}

export interface IndexAnswer {
  /** UIDs of which the index knows nothing, ascending: they came in a moment ago, or cannot be read. */
  readonly unknown: Uint32Array
  /** In the order of the texts; `undefined`: the index does not help, all have to be looked at. */
  readonly matches: readonly (TextMatches | undefined)[]
}

export interface SearchIndex {
  /**
   * Looks texts up for one mailbox; every message that was committed before is among the matches, or is unknown, or does
   * not have the text.
   * @returns `undefined` when there is no index of the account, or it cannot be read.
   */
  find(account: AccountRef, mailbox: MailboxKey, texts: readonly IndexedText[]): Promise<IndexAnswer | undefined>
  /** Says that an index of the account would help; it will be made unless there is one. */
  want(account: AccountRef): void
}
