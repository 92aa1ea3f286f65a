/** What a store keeps and answers: accounts, mailboxes, messages and changes, never SQL. @module */
import type { AccountId, EmailKey, MailboxKey, Modseq, ThreadKey, Uid } from '#mail/ids.ts'
import type { PreparedEmail } from '#mail/prepare.ts'
import type { UidSet } from '#mail/uid-set.ts'
import type { Flags } from './flags.ts'

/** An account and where it lives; the directory records both. Stores without shards ignore `shard`. */
export interface AccountRef {
  readonly id: AccountId
  /** From 0. */
  readonly shard: number
}

/** Special uses (RFC 6154 §2, RFC 8457), without the backslash. */
export type SpecialUse = 'All' | 'Archive' | 'Drafts' | 'Flagged' | 'Important' | 'Junk' | 'Sent' | 'Trash'

/** A mailbox with its counters, exact as of the read. */
export interface MailboxInfo {
  readonly key: MailboxKey
  /** Unicode NFC, levels separated by `/`; the inbox is `INBOX`. */
  readonly name: string
  readonly uidValidity: number
  readonly uidNext: Uid
  readonly highestModseq: Modseq
  /** Below this MODSEQ, tombstones are incomplete (RFC 7162 §5.3). */
  readonly vanishedFloor: Modseq
  readonly messages: number
  /** Messages without `\Seen`. */
  readonly unseen: number
  /** Messages with `\Deleted`. */
  readonly deleted: number
  /** Octets of all messages, trace lines included. */
  readonly size: number
  readonly specialUse: SpecialUse | undefined
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/** Limits of an account; `undefined` is none. */
export interface QuotaLimits {
  readonly storageBytes: number | undefined
  readonly messages: number | undefined
}

/** An account as its store knows it. */
export interface AccountState {
  /** The latest MODSEQ committed. */
  readonly modseq: Modseq
  readonly limits: QuotaLimits
  readonly usage: { readonly storageBytes: number; readonly messages: number; readonly mailboxes: number }
  /** No email has a key above this one. */
  readonly lastEmail: EmailKey | 0
}

/** Messages of a mailbox in columns, ascending by UID; the arrays have equal lengths. */
export interface MessagePage {
  readonly uids: Uint32Array
  /** `PackedFlags` each. */
  readonly flags: Uint32Array
  /** {@link Modseq} each. */
  readonly modseqs: Float64Array
}

/** One slice of what changed in a mailbox after a MODSEQ. */
export interface MailboxChanges {
  /** Messages added or with changed flags, in ascending UID order within the slice. */
  readonly changed: MessagePage
  /** UIDs that went, whole in the last slice, empty in others. May name UIDs the asker never saw. */
  readonly vanished: UidSet
  /** `false` when the MODSEQ asked from lies below the mailbox's `vanishedFloor`: then `vanished` is incomplete. */
  readonly complete: boolean
  /** Everything up to here is in this slice and those before it. */
  readonly modseq: Modseq
  /** Pass it to the next call; `undefined` when this was the last slice. */
  readonly next: ChangesCursor | undefined
  /** UIDNEXT as of the slice; `undefined` when the mailbox no longer exists. */
  readonly uidNext: Uid | undefined
  /** How many messages there are, as of the slice. */
  readonly messages: number
}

/** Messages of one part of an imprint; the last may have fewer. */
export const IMPRINT_MESSAGES = 8_192

/**
 * A mailbox as it was at a MODSEQ, kept so that it need not be read message by message again. Its parts have
 * {@link IMPRINT_MESSAGES} messages each, so that two imprints of one MODSEQ are the same, whoever made them.
 */
export interface ImprintPart extends MessagePage {
  /** Of the account: everything up to here is in, nothing after. */
  readonly modseq: Modseq
  /** From 0. */
  readonly part: number
  /** How many parts there are. */
  readonly parts: number
}

/** Opaque place between two slices of changes. */
export interface ChangesCursor {
  readonly modseq: Modseq
  readonly uid: Uid
}

/** Where an email's bytes are in its shard; opaque to all but the adapter, cloneable. */
export type BodyPlace =
  | { readonly kind: 'segment'; readonly segment: number; readonly offset: number; readonly length: number }
  | { readonly kind: 'big'; readonly id: string; readonly length: number }

/** Groups of columns of an email, to be or-ed; the base of {@link EmailRow} comes unless {@link LEAN} is asked for. */
export const ENVELOPE = 1
export const STRUCTURE = 2
export const PARTS = 4
export const HEADER = 8
export const PREVIEW = 16
/** Decoded header texts and days, for SEARCH and SORT. */
export const NARROW = 32
/** Leaves the base out but for `uid` and `gone`, and `trace` where no group looks into the header: cheaper for many. */
export const LEAN = 64
/** With {@link LEAN} and {@link HEADER}: leaves out `trace` and `headerSize`, too. A header of fewer than 4,096 octets is whole. */
export const UNTRACED = 128
export type EmailFields = number

/** One message with what was prepared of its email. Fields that were not asked for are `undefined`. */
export interface EmailRow {
  readonly uid: Uid
  readonly email: EmailKey
  readonly thread: ThreadKey
  /** Octets as FETCH RFC822.SIZE and POP3 LIST say: trace lines and body. */
  readonly size: number
  /** Milliseconds since 1970, whole seconds. */
  readonly internalDate: number
  /** Offset of the zone in which INTERNALDATE was given, minutes east of UTC. */
  readonly internalZone: number
  /** When the message came into this mailbox (RFC 8514), milliseconds since 1970. */
  readonly savedAt: number
  /** This recipient's own lines (Return-Path, Delivered-To, Received), CRLF each, often empty; they stand before the body. */
  readonly trace: Uint8Array
  readonly place: BodyPlace
  /** `true` when the message has been expunged and is only kept for sessions that still show it. */
  readonly gone: boolean
  /** {@link ENVELOPE} */
  readonly envelope: Uint8Array | undefined
  /** {@link STRUCTURE} */
  readonly bodyStructure: Uint8Array | undefined
  /** {@link PARTS}: offsets count from the start of the body, without trace. */
  readonly parts: Uint8Array | undefined
  /** {@link HEADER}: the first 4,096 octets of the body's header at most, without trace. */
  readonly header: Uint8Array | undefined
  /** {@link HEADER} */
  readonly fields: Uint8Array | undefined
  /** {@link HEADER} and {@link PARTS}: octets of the body's header with its blank line, without trace. */
  readonly headerSize: number | undefined
  /** {@link PREVIEW}: UTF-8. */
  readonly preview: Uint8Array | undefined
  /** {@link NARROW} */
  readonly narrow: NarrowColumns | undefined
}

/** See {@link PreparedEmail} for each. */
export interface NarrowColumns {
  readonly subject: string
  readonly from: string
  readonly to: string
  readonly cc: string
  readonly sentAt: number | undefined
  readonly sentDay: number | undefined
  readonly baseSubject: string
  readonly messageId: string | undefined
  readonly hasAttachment: boolean
}

/** What a search index takes of an email. */
export interface IndexableEmail {
  readonly key: EmailKey
  /** Milliseconds since 1970, whole seconds. */
  readonly internalDate: number
  readonly trace: Uint8Array
  readonly place: BodyPlace
  /** Offsets count from the start of the body, without trace. */
  readonly parts: Uint8Array
  readonly columns: Pick<NarrowColumns, 'subject' | 'from' | 'to' | 'cc'>
}

/** A slice of a POP3 maildrop, ascending by UID. */
export interface MaildropPage {
  readonly uids: Uint32Array
  /** Octets of each message. */
  readonly sizes: Float64Array
  /** UIDL kept from a migration, `undefined` where UIDVALIDITY and UID make it. */
  readonly uidls: readonly (string | undefined)[]
  /** When it was first downloaded over POP3, milliseconds since 1970; 0: never. */
  readonly downloaded: Float64Array
}

/** A body that is safe to be named in a request: small ones in memory, large ones synced in a file of their own. Cloneable. */
export type StagedBody =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'big'
      readonly id: string
      readonly shard: number
      readonly size: number
      readonly checksum: number
    }

/** Where the octets of a staged body can be read, from any thread: in memory, or in part of a file. Cloneable. */
export type StagedBytes =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly path: string; readonly offset: number; readonly size: number }

/** A message about to enter a mailbox. */
export interface NewMessage {
  readonly body: StagedBody
  readonly email: PreparedEmail
  /** See {@link EmailRow.trace}. */
  readonly trace: Uint8Array
  readonly flags: Flags
  readonly internalDate: number
  readonly internalZone: number
  /** Only from a migration; unique in the mailbox. */
  readonly uidl: string | undefined
}

/** Messages whose flags a request changed, ascending by UID. */
export interface ChangedFlags {
  readonly uids: Uint32Array
  readonly flags: Uint32Array
  /** Of each: a request in slices has one a slice. */
  readonly modseqs: Float64Array
}

/** A mailbox that others than its owner have rights to. */
export interface SharedMailbox {
  readonly account: AccountRef
  readonly mailbox: MailboxKey
  readonly name: string
  /** Of the person asked for: letters of `RIGHTS` in `acl.ts`, in their order, at least one. */
  readonly rights: string
}

/** One annotation of a mailbox or an account (RFC 5464 §3). */
export interface MetadataEntry {
  /** Lower case; begins with `/shared/`, or `/private/` where it is one person's own. */
  readonly name: string
  readonly value: Uint8Array
}

/** Announced after a commit, in commit order; hints may be merged or lost, the MODSEQ never lies. */
export interface Change {
  readonly account: AccountId
  /** `undefined`: the tree of mailboxes, subscriptions or limits changed. */
  readonly mailbox: MailboxKey | undefined
  readonly modseq: Modseq
  readonly kind: 'messages' | 'mailboxes' | 'account-removed'
  /** Whose rights changed, an identifier of `AclEntry`; only of SETACL. */
  readonly rightsOf?: string
  /** The session or service that asked for it. */
  readonly by: string
}

export type { Flags, PreparedEmail, UidSet }
