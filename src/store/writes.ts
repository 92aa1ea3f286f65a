/**
 * Writes are requests as data, each decided and executed wholly by the writer of the account's shard.
 * When the answer comes, the change is on disk and visible to every reader of this process (design §4).
 * @module
 */
import type { AccountId, MailboxKey, Modseq, Uid } from '#mail/ids.ts'
import type { PreparedEmail } from '#mail/prepare.ts'
import type { UidSet } from '#mail/uid-set.ts'
import type { Flags } from './flags.ts'
import type { AccountImage, ImageRows, RestoredEmail } from './image.ts'
import type {
  AccountRef,
  ChangedFlags,
  ImprintPart,
  MailboxInfo,
  NewMessage,
  QuotaLimits,
  SpecialUse,
  StagedBody,
} from './types.ts'

/** Every request says whose account and who asks (`by` comes back in {@link Change.by}, and is kept in the history). */
export interface Asked {
  readonly account: AccountRef
  /** As `formatActor` writes it. */
  readonly by: string
}

/** Every answer carries the account's MODSEQ as committed; a view that has reached it shows the change. */
export interface Committed {
  readonly modseq: Modseq
}

/** The store cannot write now (`moving`: not to this account); nothing of the request was kept. */
export interface Unavailable {
  readonly kind: 'unavailable'
  readonly reason: 'full' | 'read-only' | 'failed' | 'closing' | 'moving'
}
export interface NoSuchAccount {
  readonly kind: 'no-such-account'
}
export interface NoSuchMailbox {
  readonly kind: 'no-such-mailbox'
}
export interface MailboxExists {
  readonly kind: 'mailbox-exists'
}
/** `name` breaks a limit: empty level, over 255 octets a level, over 1,000 octets, over 50 levels, a control character, not NFC. */
export interface BadName {
  readonly kind: 'bad-name'
  readonly why: 'empty-level' | 'too-long' | 'too-deep' | 'bad-character'
}
export interface TooManyMailboxes {
  readonly kind: 'too-many-mailboxes'
  readonly limit: number
}
export interface OverQuota {
  readonly kind: 'over-quota'
  readonly resource: 'storage' | 'message'
  /** Octets or messages. */
  readonly limit: number
}
/** More keywords on a message, longer ones, or more distinct sets in the account than the store takes. */
export interface TooManyKeywords {
  readonly kind: 'too-many-keywords'
  readonly limit: number
}
export interface IsInbox {
  readonly kind: 'is-inbox'
}
export interface SpecialUseTaken {
  readonly kind: 'special-use-taken'
  readonly by: string
}
export interface UidlTaken {
  readonly kind: 'uidl-taken'
  readonly uidl: string
}
/** It was expunged, or never was. */
export interface NoSuchMessage {
  readonly kind: 'no-such-message'
}
/** The mailbox has no messages left for UIDs (RFC 9051 §2.3.1.1: 2^32 - 1 is the end). */
export interface UidsExhausted {
  readonly kind: 'uids-exhausted'
}

export interface MailboxPlan {
  readonly name: string
  readonly specialUse: SpecialUse | undefined
  readonly subscribed: boolean
}

/** Makes the account if it is not there yet, with its mailboxes (INBOX always); changes nothing that exists. */
export interface OpenAccountRequest extends Asked {
  readonly mailboxes: readonly MailboxPlan[]
  readonly limits: QuotaLimits
}

export interface SetLimitsRequest extends Asked {
  readonly limits: QuotaLimits
}

/**
 * Somebody who is not the owner. `\Seen` is then their own, and of all other flags only those come about or change that
 * their rights allow: `t` `\Deleted`, `s` their `\Seen`, `w` the rest (RFC 4314 §4).
 */
export interface Guest {
  readonly user: AccountId
  /** In the mailbox that the messages come into, or are in. */
  readonly rights: string
}

/** All messages or none (RFC 3502 §6.3.11). */
export interface AppendRequest extends Asked {
  readonly guest?: Guest | undefined
  readonly mailbox: MailboxKey
  readonly messages: readonly NewMessage[]
}
export interface Appended extends Committed {
  readonly uidValidity: number
  /** In the order of the request. */
  readonly uids: readonly Uid[]
}

export interface Recipient {
  readonly account: AccountRef
  /** By name; where it does not exist, or `-anyone` has `p` there (RFC 4314 §2.1), INBOX. */
  readonly mailbox: string
  readonly trace: Uint8Array
  readonly flags: Flags
  readonly internalDate: number
  readonly internalZone: number
}
/** One message for several recipients of one shard, who share its body. Each is decided alone. */
export interface DeliverRequest {
  readonly shard: number
  readonly by: string
  readonly body: StagedBody
  readonly email: PreparedEmail
  readonly recipients: readonly Recipient[]
}
export interface Delivered extends Committed {
  readonly mailbox: MailboxKey
  readonly uidValidity: number
  readonly uid: Uid
}
export type DeliverRefusal = NoSuchAccount | OverQuota | Unavailable | UidsExhausted

/** STORE: system bits and keywords are added, removed, or put in place of all. */
export interface ChangeFlagsRequest extends Asked {
  readonly guest?: Guest | undefined
  readonly mailbox: MailboxKey
  readonly uids: UidSet
  readonly action: 'add' | 'remove' | 'replace'
  readonly flags: Flags
  /** Messages with a higher MODSEQ are left alone and named in `modified` (RFC 7162 §3.1.3). */
  readonly unchangedSince: Modseq | undefined
}
export interface FlagsChanged extends Committed {
  /** Only messages whose flags are different now; they carry MODSEQs up to `modseq`. */
  readonly changed: ChangedFlags
  /** Refused by `unchangedSince`. */
  readonly modified: UidSet
  /** Asked for, but expunged meanwhile (or never there). */
  readonly gone: UidSet
}

/** COPY and MOVE inside one account: flags and INTERNALDATE are kept, new UIDs ascend in the order of the old. All or nothing. */
export interface TransferRequest extends Asked {
  /** With the rights in the target. What others than the guest have seen, they have seen there. */
  readonly guest?: Guest | undefined
  readonly mailbox: MailboxKey
  readonly uids: UidSet
  readonly target: MailboxKey
}
export interface Transferred extends Committed {
  /** UIDVALIDITY of the target. */
  readonly uidValidity: number
  /** Those that were still there; the nth of `from` became the nth of `to`. */
  readonly from: UidSet
  readonly to: UidSet
}

/**
 * REPLACE (RFC 8508): `message` comes into `target`, and the one of `uid` leaves `mailbox` as EXPUNGE would take it, in
 * one commit. Only what it takes more counts against the quota (§3.4).
 */
export interface ReplaceRequest extends Asked {
  /** With the rights in the target. */
  readonly guest?: Guest | undefined
  readonly mailbox: MailboxKey
  readonly uid: Uid
  readonly target: MailboxKey
  readonly message: Omit<NewMessage, 'uidl'>
}
export interface Replaced extends Committed {
  /** Of the target. */
  readonly uidValidity: number
  /** The new message's. */
  readonly uid: Uid
}

export interface ExpungeRequest extends Asked {
  readonly mailbox: MailboxKey
  /** `undefined`: all. */
  readonly uids: UidSet | undefined
  /** `deleted`: only those with `\Deleted` (EXPUNGE); `any`: all named (a POP3 maildrop at QUIT). */
  readonly which: 'deleted' | 'any'
}
export interface Expunged extends Committed {
  readonly expunged: UidSet
}

/** What a POP3 session leaves behind at QUIT: downloads are remembered, then `\Seen` is set, then messages go. */
export interface ApplyMaildropRequest extends Asked {
  readonly mailbox: MailboxKey
  /** Downloaded: the first time counts, later ones change nothing. A copy of a message counts anew. */
  readonly downloaded: UidSet
  /** What the history calls downloaded, where that is more: what is removed at once needs no note of its own. */
  readonly fetched?: UidSet
  /** Set `\Seen` on them. */
  readonly markSeen: boolean
  /** Expunged, whatever their flags. */
  readonly removed: UidSet
}

/**
 * Brings deleted mail back, all that may come or nothing: under new UIDs (and thus new UIDLs), ascending in the order of
 * the old, with the flags it had but `\\Deleted`, INTERNALDATE and EMAILID. A message comes back once: asking again changes
 * nothing. Ask for a few hundred at a time, so that neighbours are served between.
 */
export interface UndeleteRequest extends Asked {
  /** The mailbox that they left; it may be gone, and is then made again under its name, with its special use if that is free. */
  readonly mailbox: MailboxKey
  /** The UIDs they had. None: only the mailbox comes back. */
  readonly uids: UidSet
  /** Name of a mailbox that they come into instead; made where it does not exist. */
  readonly into: string | undefined
  /** Also those whose email another mailbox of the account still holds. */
  readonly copies: boolean
}
export interface Undeleted extends Committed {
  /** Where they are now; `undefined` when nothing came back and there is no such mailbox. */
  readonly mailbox: MailboxKey | undefined
  readonly name: string
  /** The mailbox was made. */
  readonly made: boolean
  /** The nth of `from` became the nth of `to`. */
  readonly from: UidSet
  readonly to: UidSet
  /** Left, because another mailbox holds the same email. */
  readonly kept: UidSet
}

/** Superior levels are created with it (RFC 9051 §6.3.4). */
export interface CreateMailboxRequest extends Asked {
  readonly name: string
  readonly specialUse: SpecialUse | undefined
}
/** Inferiors stay; their missing superior is shown as `\NonExistent`. Its messages become deleted mail. */
export interface DeleteMailboxRequest extends Asked {
  readonly mailbox: MailboxKey
}
/** Inferiors go along; superiors of the new name are created; INBOX instead moves its messages (RFC 9051 §6.3.6). */
export interface RenameMailboxRequest extends Asked {
  readonly from: string
  readonly to: string
}
export interface SubscribeRequest extends Asked {
  /** Need not exist (RFC 9051 §6.3.7). */
  readonly name: string
  readonly subscribed: boolean
}

/** SETMETADATA (RFC 5464 §4.3): all entries or none. */
export interface SetMetadataRequest extends Asked {
  /** `undefined`: annotations of the account itself. */
  readonly mailbox: MailboxKey | undefined
  /** Whose own the entries under `/private/` are. */
  readonly user: AccountId
  /** Names as in {@link MetadataEntry}; a value of `undefined` removes the entry. Of two with one name, the last counts. */
  readonly entries: readonly { readonly name: string; readonly value: Uint8Array | undefined }[]
}
/** One value is larger than `limit` octets. */
export interface MetadataTooLarge {
  readonly kind: 'metadata-too-large'
  readonly limit: number
}
/** More annotations than one place, or all of the account, may have. */
export interface TooMuchMetadata {
  readonly kind: 'too-much-metadata'
}

/**
 * Keeps one part of a mailbox's imprint in place of the one before, until the mailbox goes. It changes nothing that
 * anybody is told of, and the store may lose it at any time.
 */
export interface KeepImprintRequest extends Asked {
  readonly mailbox: MailboxKey
  readonly imprint: ImprintPart
}

/** SETACL and DELETEACL (RFC 4314 §3.1, §3.2). An entry without rights is forgotten. */
export interface SetAclRequest extends Asked {
  readonly mailbox: MailboxKey
  /** See `AclEntry`. */
  readonly identifier: string
  readonly mode: 'replace' | 'add' | 'remove'
  /** In the order of `RIGHTS`. */
  readonly rights: string
}
export interface TooManyAclEntries {
  readonly kind: 'too-many-acl-entries'
  readonly limit: number
}

/** As many mailboxes of the account are for `anyone` as may be; a new one inherits no such entry then. */
export interface TooManyForAnyone {
  readonly kind: 'too-many-for-anyone'
  readonly limit: number
}

/**
 * Takes people out of every list of rights of a shard: whoever has their address next has nothing of theirs.
 * Of `account` only the shard counts.
 */
export interface ForgetPeopleRequest extends Asked {
  /** Canonical. */
  readonly addresses: readonly string[]
}

/**
 * An account comes back in four steps: `beginRestore`, then emails, then messages in slices, then `endRestore`. Nobody sees
 * anything of it before the end; what was begun before of the same account, or by a process that died, is dropped.
 */
export interface RestoreEmailsRequest extends Asked {
  readonly emails: readonly RestoredEmail[]
}
export interface RestoreMessagesRequest extends Asked {
  readonly rows: ImageRows
}
export interface EndRestoreRequest extends Asked {
  /** Without what has come already. Messages whose email has not come are left out. */
  readonly image: Omit<AccountImage, keyof ImageRows>
  /**
   * `new`: there must be no such account. `replace`: the one that is there goes, and no client sees a number go backward:
   * UIDs and UIDVALIDITYs stay where they mean the same, everything has a MODSEQ above all that there was. `hold`: stays
   * out of sight until `settleRestore`, also over a restart.
   */
  readonly how: 'new' | 'replace' | 'hold'
}
export interface SettleRestoreRequest extends Asked {
  /** `false`: it is dropped. */
  readonly keep: boolean
}
/** Refuses every write to the account until it is said otherwise or the account is removed, also over a restart. */
export interface FreezeRequest extends Asked {
  readonly frozen: boolean
}
/** Nothing of the kind was begun (any more). */
export interface NoSuchRestore {
  readonly kind: 'no-such-restore'
}
export interface AccountExists {
  readonly kind: 'account-exists'
}

/** Each kind of write: what is asked, what is answered, what is refused. */
export interface Writes {
  openAccount: { request: OpenAccountRequest; value: Committed; refusal: BadName | Unavailable }
  removeAccount: { request: Asked; value: Committed; refusal: NoSuchAccount | Unavailable }
  setLimits: { request: SetLimitsRequest; value: Committed; refusal: NoSuchAccount | Unavailable }
  append: {
    request: AppendRequest
    value: Appended
    refusal: NoSuchAccount | NoSuchMailbox | OverQuota | TooManyKeywords | UidlTaken | UidsExhausted | Unavailable
  }
  changeFlags: {
    request: ChangeFlagsRequest
    value: FlagsChanged
    refusal: NoSuchAccount | NoSuchMailbox | TooManyKeywords | Unavailable
  }
  copy: {
    request: TransferRequest
    value: Transferred
    refusal: NoSuchAccount | NoSuchMailbox | OverQuota | UidsExhausted | Unavailable
  }
  move: {
    request: TransferRequest
    value: Transferred
    refusal: NoSuchAccount | NoSuchMailbox | UidsExhausted | Unavailable
  }
  replace: {
    request: ReplaceRequest
    value: Replaced
    refusal: NoSuchAccount | NoSuchMailbox | NoSuchMessage | OverQuota | TooManyKeywords | UidsExhausted | Unavailable
  }
  expunge: { request: ExpungeRequest; value: Expunged; refusal: NoSuchAccount | NoSuchMailbox | Unavailable }
  applyMaildrop: {
    request: ApplyMaildropRequest
    /** Those of `removed` that were still there. */
    value: Expunged
    refusal: NoSuchAccount | NoSuchMailbox | Unavailable
  }
  undelete: {
    request: UndeleteRequest
    value: Undeleted
    refusal: NoSuchAccount | NoSuchMailbox | BadName | TooManyMailboxes | OverQuota | UidsExhausted | Unavailable
  }
  createMailbox: {
    request: CreateMailboxRequest
    value: Committed & { readonly mailbox: MailboxInfo }
    refusal: NoSuchAccount | MailboxExists | BadName | TooManyMailboxes | SpecialUseTaken | Unavailable
  }
  deleteMailbox: {
    request: DeleteMailboxRequest
    value: Committed
    refusal: NoSuchAccount | NoSuchMailbox | IsInbox | Unavailable
  }
  renameMailbox: {
    request: RenameMailboxRequest
    value: Committed
    refusal: NoSuchAccount | NoSuchMailbox | MailboxExists | BadName | TooManyMailboxes | IsInbox | Unavailable
  }
  subscribe: {
    request: SubscribeRequest
    value: Committed
    refusal: NoSuchAccount | BadName | TooManyMailboxes | Unavailable
  }
  setAcl: {
    request: SetAclRequest
    value: Committed
    refusal: NoSuchAccount | NoSuchMailbox | TooManyAclEntries | TooManyForAnyone | Unavailable
  }
  forgetPeople: {
    request: ForgetPeopleRequest
    /** Entries that there were. */
    value: { readonly entries: number }
    refusal: Unavailable
  }
  setMetadata: {
    request: SetMetadataRequest
    value: Committed
    refusal: NoSuchAccount | NoSuchMailbox | MetadataTooLarge | TooMuchMetadata | Unavailable
  }
  keepImprint: { request: KeepImprintRequest; value: Committed; refusal: NoSuchAccount | NoSuchMailbox | Unavailable }
  freeze: { request: FreezeRequest; value: Committed; refusal: NoSuchAccount | Unavailable }
  beginRestore: { request: Asked; value: Committed; refusal: Unavailable }
  restoreEmails: { request: RestoreEmailsRequest; value: Committed; refusal: NoSuchRestore | Unavailable }
  restoreMessages: { request: RestoreMessagesRequest; value: Committed; refusal: NoSuchRestore | Unavailable }
  endRestore: { request: EndRestoreRequest; value: Committed; refusal: NoSuchRestore | AccountExists | Unavailable }
  /** Of one on hold. */
  settleRestore: {
    request: SettleRestoreRequest
    value: Committed
    refusal: NoSuchRestore | AccountExists | Unavailable
  }
}
export type WriteKind = keyof Writes
/** Those that bring whole accounts; no session asks for them. */
export type RestoreKind =
  | 'freeze'
  | 'beginRestore'
  | 'restoreEmails'
  | 'restoreMessages'
  | 'endRestore'
  | 'settleRestore'
