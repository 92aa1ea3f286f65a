/**
 * A whole account as data: what a backup keeps of it, and what brings it back with UIDs, UIDVALIDITYs, UIDLs, flags and
 * MODSEQs as they were. Bodies and what is prepared from them are not in it: emails come in slices of their own.
 * @module
 */
import type { AccountId, EmailKey, MailboxKey, Modseq, ThreadKey, Uid } from '#mail/ids.ts'
import type { PreparedEmail } from '#mail/prepare.ts'
import type { AclEntry } from './acl.ts'
import type { Flags } from './flags.ts'
import type { GoneMailbox, MessageEvent } from './gone.ts'
import type { BodyPlace, QuotaLimits, SpecialUse, StagedBody } from './types.ts'

/** An account at one moment. */
export interface AccountImage {
  /** With the id, tells an account from one that was made anew. Milliseconds since 1970. */
  readonly createdAt: number
  readonly modseq: Modseq
  readonly limits: QuotaLimits
  /** Days that its deleted mail is kept; `undefined`: as configured for all. */
  readonly retentionDays: number | undefined
  /** Octets of deleted mail that it may keep, likewise. */
  readonly goneLimitBytes: number | undefined
  /** What new ones will get: none of these was ever given. */
  readonly next: { readonly mailbox: number; readonly email: number; readonly thread: number }
  readonly lastUidValidity: number
  readonly mailboxes: readonly MailboxImage[]
  /** Deleted mailboxes of which there is deleted mail. */
  readonly goneMailboxes: readonly GoneMailbox[]
  /** Names that mailboxes had: one that takes such a name needs a larger UIDVALIDITY. */
  readonly formerNames: readonly { readonly name: string; readonly mailbox: MailboxKey; readonly uidValidity: number }[]
  readonly subscriptions: readonly string[]
  /** Annotations of the account itself. */
  readonly metadata: readonly MetadataImage[]
  /** From set 1 on, without gaps: set 0 is the empty one. */
  readonly keywordSets: readonly (readonly string[])[]
  readonly tombstones: readonly TombstoneImage[]
  readonly seen: readonly SeenImage[]
  /** Ascending by mailbox and UID. */
  readonly messages: MessageColumns
  /** Deleted mail, ascending by mailbox and UID. */
  readonly deleted: DeletedColumns
  /** What happened to messages, ascending by sequence. */
  readonly events: readonly MessageEvent[]
}

/** What comes back in slices before the rest of an image. */
export type ImageRows = Pick<AccountImage, 'messages' | 'deleted' | 'events'>

/** None of them. */
export const NO_ROWS: ImageRows = {
  messages: { mailboxes: [], uids: [], modseqs: [], flags: [], savedAt: [], emails: [], uidls: [], downloaded: [] },
  deleted: {
    mailboxes: [],
    uids: [],
    modseqs: [],
    flags: [],
    savedAt: [],
    emails: [],
    deletedAt: [],
    moved: [],
    causes: [],
  },
  events: [],
}

export interface MailboxImage {
  readonly key: MailboxKey
  readonly name: string
  readonly uidValidity: number
  readonly uidNext: Uid
  readonly highestModseq: Modseq
  readonly vanishedFloor: Modseq
  readonly specialUse: SpecialUse | undefined
  readonly createdAt: number
  readonly acl: readonly AclEntry[]
  readonly metadata: readonly MetadataImage[]
}

/** One annotation (RFC 5464). */
export interface MetadataImage {
  /** Whose own it is; 0: everybody's. */
  readonly user: AccountId | 0
  readonly name: string
  readonly value: Uint8Array
}

/** UIDs that went at a MODSEQ. */
export interface TombstoneImage {
  readonly mailbox: MailboxKey
  readonly modseq: Modseq
  readonly first: Uid
  readonly last: Uid
}

/** What somebody who is not the owner has seen, or has not any more. */
export interface SeenImage {
  readonly mailbox: MailboxKey
  readonly user: AccountId
  readonly uid: Uid
  readonly modseq: Modseq
  readonly seen: boolean
}

/** Messages in columns of equal length. */
export interface MessageColumns {
  readonly mailboxes: readonly number[]
  readonly uids: readonly number[]
  readonly modseqs: readonly number[]
  /** `PackedFlags`, by the keyword sets of the image. */
  readonly flags: readonly number[]
  readonly savedAt: readonly number[]
  /** {@link EmailKey} each. */
  readonly emails: readonly number[]
  /** Kept from a migration; `null` where UIDVALIDITY and UID make it. */
  readonly uidls: readonly (string | null)[]
  /** First download over POP3; 0: never. */
  readonly downloaded: readonly number[]
}

/** Messages that left their mailbox. */
export interface DeletedColumns {
  readonly mailboxes: readonly number[]
  readonly uids: readonly number[]
  readonly modseqs: readonly number[]
  readonly flags: readonly number[]
  readonly savedAt: readonly number[]
  readonly emails: readonly number[]
  readonly deletedAt: readonly number[]
  /** 0: is only there. 1: lives on in another mailbox. 2: was restored from there. */
  readonly moved: readonly number[]
  /** Indices into `CAUSES`. */
  readonly causes: readonly number[]
}

/** An email, immutable but for its place, which compaction changes. */
export interface EmailImage {
  readonly key: EmailKey
  readonly thread: ThreadKey
  readonly internalDate: number
  readonly internalZone: number
  readonly trace: Uint8Array
  readonly place: BodyPlace
}

/** An email on its way back. */
export interface RestoredEmail {
  readonly key: EmailKey
  readonly thread: ThreadKey
  readonly internalDate: number
  readonly internalZone: number
  readonly trace: Uint8Array
  readonly body: StagedBody
  readonly email: PreparedEmail
  /** The first place it is in: what the store notes beside the body, for the case that it loses all else. */
  readonly at: {
    readonly mailbox: MailboxKey
    readonly mailboxName: string
    readonly uid: Uid
    readonly flags: Flags
  }
}
