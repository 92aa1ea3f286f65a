import type { Result } from '#lib/result.ts'
import type { AccountId, EmailKey, MailboxKey, Modseq, Uid } from '#mail/ids.ts'
import type { AclEntry } from './acl.ts'
import type { ColumnSlice, NumberColumn, TextColumn } from './columns.ts'
import type { DeletedCursor, DeletedMessage, EmailPlace, GoneMailbox, MessageEvent, OwnedEmail } from './gone.ts'
import type { AccountImage, EmailImage } from './image.ts'
import type {
  AccountRef,
  AccountState,
  BodyPlace,
  Change,
  ChangesCursor,
  EmailFields,
  EmailRow,
  ImprintPart,
  IndexableEmail,
  MailboxChanges,
  MailboxInfo,
  MaildropPage,
  MessagePage,
  MetadataEntry,
  SharedMailbox,
  StagedBody,
  StagedBytes,
  UidSet,
} from './types.ts'
import type { Delivered, DeliverRefusal, DeliverRequest, WriteKind, Writes } from './writes.ts'

/**
 * Keeps accounts' mailboxes and messages. Thread-safe by construction: every thread has its own instance.
 * Reads see everything committed before they began. No read holds a transaction across an await: what comes in
 * slices may straddle a commit, and {@link changes} tells what happened since.
 */
export interface MailStore extends AsyncDisposable {
  // --- reading: accounts and mailboxes ---

  /**
   * A number that changes with what is committed in the account, before whoever asked for that is answered: found again, it
   * says that nothing has happened in between. It grows by at least one for each MODSEQ. Free of cost; `undefined`: only
   * reading tells.
   */
  commits(account: AccountRef): number | undefined
  /** `undefined`: no such account in this store. */
  state(account: AccountRef): Promise<AccountState | undefined>
  /** All mailboxes, INBOX first, then by name. Empty when the account does not exist. */
  mailboxes(account: AccountRef): Promise<readonly MailboxInfo[]>
  mailbox(account: AccountRef, key: MailboxKey): Promise<MailboxInfo | undefined>
  mailboxByName(account: AccountRef, name: string): Promise<MailboxInfo | undefined>
  /** Names subscribed to, ascending; they need not exist. */
  subscriptions(account: AccountRef): Promise<readonly string[]>
  /**
   * Keyword sets of the account with ids from `first` on, in order of their ids without gaps.
   * Set 0 (empty) is the first; sets never change, so callers keep them.
   */
  keywordSets(account: AccountRef, first: number): Promise<readonly (readonly string[])[]>

  /**
   * Who but the owner may do what in a mailbox, ascending by identifier. A new mailbox has the list of the nearest one
   * above it; RENAME keeps the list, DELETE forgets it (RFC 4314 §4).
   */
  acl(account: AccountRef, mailbox: MailboxKey): Promise<readonly AclEntry[]>
  /**
   * Every mailbox, of all shards, to which the address has rights by its own entry or that of `anyone`; by account, then
   * by name. What the address may do as an owner is not in it, though its account's mailboxes may be, by `anyone`.
   * @param limit The most entries looked at in each shard, so that sharing with everybody cannot stall a listing.
   */
  sharedWith(address: string, limit?: number): Promise<readonly SharedMailbox[]>
  /**
   * Annotations of a mailbox, or of the account itself (`undefined`): those under `/shared/` and those of `user` under
   * `/private/`, ascending by name. They follow their mailbox in RENAME and go with it in DELETE; RENAME of INBOX copies them.
   */
  metadata(account: AccountRef, mailbox: MailboxKey | undefined, user: AccountId): Promise<readonly MetadataEntry[]>

  // --- reading: what is gone, and what happened ---

  /**
   * One slice of deleted mail: up to `limit` (default 1,000) messages that left their mailbox at `since` or later, in the
   * order of their leaving. Fewer than `limit` means the end.
   */
  deleted(account: AccountRef, since: number, after?: DeletedCursor, limit?: number): Promise<readonly DeletedMessage[]>
  /** Deleted mailboxes whose mail may come back, by name. */
  goneMailboxes(account: AccountRef): Promise<readonly GoneMailbox[]>
  /** Every place where an email is, or was and is kept, in the order in which it came there. */
  places(account: AccountRef, email: EmailKey): Promise<readonly EmailPlace[]>
  /**
   * Emails with this Message-ID, brackets included, deleted ones among them; ascending.
   * @param newest Only so many of the account are looked at, those that came last; else all of them, one after the other.
   */
  emailsByMessageId(account: AccountRef, messageId: string, newest?: number): Promise<readonly EmailKey[]>
  /**
   * Emails in whose trace lines one of these texts stands, of any account, deleted ones among them, that came at `since`
   * or later (ms since 1970). Walks over all mail, a slice at a time.
   */
  emailsByTrace(texts: readonly string[], since: number): Promise<readonly OwnedEmail[]>
  /** One slice of the history: up to `limit` (default 1,000) events behind one with this sequence, in their order. */
  events(account: AccountRef, after: number, limit?: number): Promise<readonly MessageEvent[]>

  // --- reading: messages ---

  /**
   * One slice: up to `limit` (default 5,000) messages with UIDs above `after`. Fewer than `limit` means the end.
   * @param guest Somebody who is not the owner: `\Seen` is theirs, MODSEQ the later one of the message and of it.
   */
  messages(
    account: AccountRef,
    mailbox: MailboxKey,
    after: Uid | 0,
    limit?: number,
    guest?: AccountId,
  ): Promise<MessagePage>
  /** One slice of what changed after `since`; pass `next` of the last answer to go on. `guest` as in {@link messages}. */
  changes(
    account: AccountRef,
    mailbox: MailboxKey,
    since: Modseq | 0,
    cursor?: ChangesCursor,
    guest?: AccountId,
  ): Promise<MailboxChanges>
  /**
   * One part of the mailbox's imprint, if the last `keepImprint` of that part is still there. Parts of different MODSEQs
   * are of different imprints; what happened since theirs comes from {@link changes}.
   */
  imprint(account: AccountRef, mailbox: MailboxKey, part: number): Promise<ImprintPart | undefined>
  /** Messages that somebody who is not the owner has not seen. */
  unseen(account: AccountRef, mailbox: MailboxKey, guest: AccountId): Promise<number>
  /**
   * The named messages ascending by UID, in slices small enough for the loop. UIDs that never were are left out.
   * Expunged ones are found for at least a day, with `gone` set.
   */
  emails(
    account: AccountRef,
    mailbox: MailboxKey,
    uids: UidSet,
    fields: EmailFields,
  ): AsyncIterable<readonly EmailRow[]>
  /** The same messages in columns: a tenth of the work where all messages of a mailbox are compared. */
  columns(
    account: AccountRef,
    mailbox: MailboxKey,
    uids: UidSet,
    numbers: readonly NumberColumn[],
    texts: readonly TextColumn[],
  ): AsyncIterable<ColumnSlice>
  /** Maildrop of POP3 in slices, ascending by UID. */
  maildrop(account: AccountRef, mailbox: MailboxKey): AsyncIterable<MaildropPage>
  /** The bytes of an email, without trace. Opening is free; a body that is missing or damaged throws at read. */
  body(account: AccountRef, place: BodyPlace): StoredBody

  // --- reading: for a search index ---

  /**
   * One slice: up to `limit` emails with keys above `after`, ascending, whatever mailboxes they are in. Fewer than `limit`
   * means the end. What comes in later has larger keys.
   */
  indexable(account: AccountRef, after: EmailKey | 0, limit?: number): Promise<readonly IndexableEmail[]>
  /**
   * UIDs in a mailbox of these emails, both ascending; those of expunged messages that may still be shown among them.
   * A slice that is long is read in turns.
   */
  uidsOfEmails(account: AccountRef, mailbox: MailboxKey, emails: Uint32Array): Promise<Uint32Array<ArrayBuffer>>
  /** The same of all emails with keys above `after`. */
  uidsOfEmailsAfter(account: AccountRef, mailbox: MailboxKey, after: EmailKey | 0): Promise<Uint32Array<ArrayBuffer>>

  // --- reading: whole accounts ---

  /**
   * The whole account but its emails, as of one moment: 100,000 messages take some 100 ms at a stretch, so it is asked for
   * by threads that serve nobody. `undefined`: no such account.
   */
  image(account: AccountRef): Promise<AccountImage | undefined>
  /** One slice: up to `limit` emails with keys above `after`, ascending. Fewer than `limit` means the end. */
  imageEmails(account: AccountRef, after: EmailKey | 0, limit?: number): Promise<readonly EmailImage[]>
  /** Accounts on hold in a shard, see `endRestore`. */
  heldRestores(shard: number): Promise<readonly AccountId[]>
  /** Accounts that take no writes in a shard, see `freeze`. */
  frozenAccounts(shard: number): Promise<readonly AccountId[]>

  // --- writing ---

  /** Takes a body in, before the request that names it. Small ones stay in memory. */
  stage(shard: number): BodyStage
  /** The same body for another shard; small ones are returned as they are. */
  restage(body: StagedBody, shard: number): Promise<StagedBody>
  /** Where to look into a body before a request names it; nothing is copied. */
  stagedBytes(body: StagedBody): StagedBytes
  write<K extends WriteKind>(
    kind: K,
    request: Writes[K]['request'],
  ): Promise<Result<Writes[K]['value'], Writes[K]['refusal']>>
  /** One answer per recipient, in their order; all are on disk when the promise settles. */
  deliver(request: DeliverRequest): Promise<readonly Result<Delivered, DeliverRefusal>[]>

  // --- announcements ---

  /** Calls `listener` after each commit that touches the account; returns the way to stop. */
  watch(account: AccountId, listener: (change: Change) => void): () => void

  /** The same after each commit, whichever account it touches. */
  watchAll(listener: (change: Change) => void): () => void

  /** The same after each commit that gives somebody rights to a mailbox, or takes them away, whoever's it is. */
  watchRights(identifier: string, listener: (change: Change) => void): () => void
}

/** Bytes on disk. */
export interface StoredBody {
  /** Octets. */
  readonly size: number
  /**
   * Octets `start` (inclusive) to `end` (exclusive), at most 1 MiB a call. Given at once where that is cheap.
   * @param room Gives memory to read into; the answer is a part of it, or other memory.
   * @throws {DamagedBody} when they are not there or not what was stored.
   */
  read(start: number, end: number, room?: (octets: number) => Uint8Array): Uint8Array | Promise<Uint8Array>
  /** The same range in chunks of at most 256 KiB, read as they are asked for. */
  stream(start: number, end: number): AsyncIterable<Uint8Array>
}

/** A body on its way in. `write` applies back pressure: await what it returns before the next chunk. */
export interface BodyStage {
  /** @throws {StoreFull} when there is no space left. */
  write(chunk: Uint8Array): Promise<void> | void
  /** Synced where it is large. */
  finish(): Promise<StagedBody>
  /** Drops everything; safe to call at any time, also after `finish` when no request will name the body. */
  abandon(): Promise<void>
}

/** A body that cannot be given: its bytes are missing or fail their checksum. */
export class DamagedBody extends Error {
  override readonly name = 'DamagedBody'
}

/** No space left for a staged body (ENOSPC, EDQUOT). */
export class StoreFull extends Error {
  override readonly name = 'StoreFull'
}
