/** What a server tells unasked. @module */
import type { Modseq, Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import type { StatusValues } from '#wire/imap/responses.ts'
import type { ListedMailbox } from './listed-mailbox.ts'

/** What happened to the selected mailbox, to others, or to the connection. */
export type MailboxEvent =
  /** There are so many messages now, `added` of them new at the end. */
  | { readonly kind: 'exists'; readonly exists: number; readonly added: number }
  /** The message of this number is gone; `uid` where it is known. */
  | { readonly kind: 'expunged'; readonly number: number; readonly uid: Uid | undefined }
  /** These are gone (RFC 7162 §3.2.10). `earlier`: it was told when the mailbox was taken up again. */
  | { readonly kind: 'vanished'; readonly uids: UidSet; readonly earlier: boolean }
  | {
      readonly kind: 'flags'
      readonly number: number
      readonly uid: Uid | undefined
      readonly flags: readonly string[]
      readonly modseq: Modseq | undefined
    }
  /** Figures of a mailbox that is not selected (NOTIFY, or a poll). */
  | { readonly kind: 'status'; readonly mailbox: string; readonly values: StatusValues }
  /** A mailbox was made, renamed, removed or subscribed to (NOTIFY). */
  | { readonly kind: 'mailbox'; readonly mailbox: ListedMailbox }
  /** The server wants a person to read this (RFC 9051 §7.1). */
  | { readonly kind: 'alert'; readonly text: string }
  /** The connection is gone; another one is being made. */
  | { readonly kind: 'lost'; readonly error: Error }
  /**
   * It is there again, and what changed meanwhile was told before this. `counted`: nothing was known to compare with,
   * so that only the number of messages is told.
   */
  | { readonly kind: 'resumed'; readonly how: 'qresync' | 'condstore' | 'compared' | 'counted' }
  /** The mailbox was made anew: UIDs known before mean nothing. */
  | { readonly kind: 'reset'; readonly mailbox: string; readonly uidValidity: number }
  /** More happened than was kept for a slow reader, or than the server could tell: look again. */
  | { readonly kind: 'overflow' }
