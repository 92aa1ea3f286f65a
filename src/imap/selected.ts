import type { AccountId, MailboxKey, Modseq, Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import type { AccountRef } from '#store/types.ts'
import type { Guest } from '#store/writes.ts'
import type { Output } from './output.ts'
import type { Reached } from './resolve.ts'

/** What the session itself needs of the view of its selected mailbox; commands on messages know the whole `View`. */
export interface SelectedView {
  /** Whose mailbox it is. */
  readonly account: AccountRef
  readonly mailbox: MailboxKey
  /** EXAMINE, not SELECT. */
  readonly readOnly: boolean
  /** Whose mailbox it is where it is not the person's own. */
  readonly others: AccountId | undefined
  /** As whom the store writes here: `undefined` for the owner. */
  readonly guest: Guest | undefined
  /** How many messages the client knows of: its largest message number. */
  readonly messages: number
  /** The view shows every change up to here; SELECT says it as HIGHESTMODSEQ. */
  readonly modseq: Modseq
  /** Above every UID of the view. */
  readonly uidNext: Uid
  /** Whether it is a view of that mailbox. */
  isOf(mailbox: Pick<Reached, 'account' | 'info'>): boolean
  /** Whether the person has the right here. */
  may(right: string): boolean
  /** Flags that the person may change for good, as PERMANENTFLAGS lists them (RFC 4314 §5.1.1). */
  permanentFlags(keywords: Iterable<string>): string
  /** Keywords that the person may know of: the owner those of the account, others those of the mailbox. */
  keywordNames(): Iterable<string>
  /** Those of the set that the view has. */
  present(set: UidSet): UidSet
  /** The client's number of a message, `undefined` when its view does not have it. */
  numberOf(uid: Uid): number | undefined
  /** The lowest number without `\Seen`, `undefined` when all have it. */
  firstUnseen(): number | undefined
  /**
   * A write of this session was committed at `modseq`: the next {@link sync} reaches it.
   * @param own Messages that it made here, or expunged.
   */
  expect(modseq: Modseq | 0, own?: UidSet): void
  /**
   * Writes what changed since (EXISTS, EXPUNGE or VANISHED, FETCH) and brings the view up to it; cheap when nothing is
   * known to have changed. The session calls it before every tagged answer and while it idles.
   * @param how `holdExpunge`: message numbers must not change now (RFC 9051 §7.5.1).
   * @returns `false` when the mailbox no longer exists.
   */
  sync(out: Output, how: { readonly holdExpunge: boolean }): Promise<boolean>
  /**
   * Messages of the view whose MODSEQ is above `since` and whose UID `among` has, as
   * `* n FETCH (UID … FLAGS … MODSEQ …)`, in ascending order (RFC 7162 §3.2.5.1).
   */
  writeChangedSince(out: Output, since: Modseq, among: (uid: Uid) => boolean): Promise<void>
  /** Calls `wake` whenever there may be something to sync, until told otherwise; one at a time. */
  whenChanged(wake: (() => void) | undefined): void
  /** Lets go of everything shared. */
  close(): void
}
