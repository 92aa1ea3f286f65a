/** Deleted mail as a store tells of it, and the history of messages. @module */
import type { AccountId, EmailKey, MailboxKey, Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import type { PackedFlags } from './flags.ts'
import type { SpecialUse } from './types.ts'

/**
 * How a message left its mailbox: EXPUNGE, the end of a POP3 session, the mailbox itself was deleted, REPLACE (RFC 8508),
 * or it moved to another mailbox. The order is that of the numbers stored.
 */
export const CAUSES = ['expunge', 'maildrop', 'mailbox', 'replace', 'move'] as const
export type Cause = (typeof CAUSES)[number]

/** One message that left a mailbox and is kept. */
export interface DeletedMessage {
  /** The mailbox that it was in, which may be gone, too. */
  readonly mailbox: MailboxKey
  readonly uid: Uid
  readonly email: EmailKey
  /** As they were when it left. */
  readonly flags: PackedFlags
  readonly size: number
  /** When it came into the mailbox and when it left, milliseconds since 1970. */
  readonly savedAt: number
  readonly deletedAt: number
  readonly cause: Cause
  /** It was brought back from here: not a second time. */
  readonly restored: boolean
  /** Another mailbox of the account has the same email now. */
  readonly kept: boolean
}

/** An email and whose it is. */
export interface OwnedEmail {
  readonly account: AccountId
  readonly email: EmailKey
}

/** Where a slice of deleted mail goes on: behind this message. */
export type DeletedCursor = Pick<DeletedMessage, 'deletedAt' | 'mailbox' | 'uid'>

/** A mailbox that was deleted, until the last of its mail is gone for good. */
export interface GoneMailbox {
  readonly key: MailboxKey
  readonly name: string
  readonly specialUse: SpecialUse | undefined
  readonly createdAt: number
  readonly deletedAt: number
  /** The mailbox that it was restored as. */
  readonly restoredAs: MailboxKey | undefined
}

/** One place where an email is, or was and is kept. */
export interface EmailPlace {
  readonly email: EmailKey
  readonly mailbox: MailboxKey
  readonly uid: Uid
  readonly savedAt: number
  /** `undefined` while it is there. */
  readonly deletedAt: number | undefined
}

/** What happens to messages, in the order of the numbers stored. Deliveries need no event: the email itself tells of them. */
export const EVENT_KINDS = [
  'appended',
  'copied',
  'moved',
  'flags',
  'expunged',
  'fetched',
  'replaced',
  'mailbox-deleted',
  'restored',
] as const
export type EventKind = (typeof EVENT_KINDS)[number]

/** One event: what one request did to messages of one mailbox. */
export interface MessageEvent {
  /** Ascending and unique in the account. */
  readonly sequence: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly kind: EventKind
  /** Of the request; see `actor.ts`. */
  readonly by: string
  readonly mailbox: MailboxKey
  readonly uids: UidSet
  /** Of `copied`, `moved`, `replaced` and `restored`: where to; the nth of `uids` became `first` + n. */
  readonly to: { readonly mailbox: MailboxKey; readonly first: Uid } | undefined
  /** Of `flags`: `+`, `-` or `=`, then flags separated by spaces. */
  readonly detail: string | undefined
}
