/** What the memory store remembers: plain objects, changed only inside a write. @module */
import type { Clock } from '#lib/clock.ts'
import type { AccountId, EmailKey, MailboxKey, Modseq, ThreadKey, Uid } from '#mail/ids.ts'
import type { PreparedEmail } from '#mail/prepare.ts'
import { DELETED, keywordSetId, type PackedFlags, SEEN } from '#store/flags.ts'
import type { Cause, MessageEvent } from '#store/gone.ts'
import { MAX_KEYWORD_SETS } from '#store/limits.ts'
import type { BodyPlace, ImprintPart, MailboxInfo, QuotaLimits, SpecialUse, UidSet } from '#store/types.ts'

/** Immutable content and what was prepared of it; copies share it. */
export interface Email {
  readonly key: EmailKey
  readonly thread: ThreadKey
  readonly prepared: PreparedEmail
  readonly place: BodyPlace
  readonly trace: Uint8Array
  readonly size: number
  readonly internalDate: number
  readonly internalZone: number
}

/** An email in a mailbox. */
export interface Row {
  readonly uid: Uid
  readonly email: Email
  readonly savedAt: number
  readonly uidl: string | undefined
  flags: PackedFlags
  modseq: Modseq
  /** When it was expunged, `undefined` while it is there. */
  goneAt: number | undefined
  /** How it was. */
  cause: Cause | undefined
  /** It was brought back from here. */
  restored: boolean
  /** By POP3, the first time; 0: never. */
  downloadedAt: number
}

/** Annotations by whose they are (0: everybody's) and their name. */
export type Metadata = Map<number, Map<string, Uint8Array>>

export interface Mailbox {
  readonly key: MailboxKey
  readonly createdAt: number
  name: string
  uidValidity: number
  uidNext: number
  highestModseq: Modseq
  vanishedFloor: Modseq
  messages: number
  unseen: number
  deleted: number
  size: number
  specialUse: SpecialUse | undefined
  /** Ascending by UID; gone ones stay in their place until their time is over. */
  rows: Row[]
  /** Rights by identifier. */
  acl: Map<string, string>
  metadata: Metadata
  /** What those who are not the owner have seen, by user and UID. */
  seenBy: Map<number, Map<number, { readonly seen: boolean; readonly modseq: Modseq }>>
  /** When it was deleted, and what it was restored as. */
  goneAt: number | undefined
  restoredAs: MailboxKey | undefined
  /** Ascending by MODSEQ. */
  tombstones: { readonly uids: UidSet; readonly modseq: Modseq }[]
  readonly imprint: Map<number, ImprintPart>
}

export interface Account {
  readonly id: AccountId
  createdAt: number
  /** It takes no writes. */
  frozen: boolean
  modseq: Modseq
  limits: QuotaLimits
  storageBytes: number
  messages: number
  readonly byName: Map<string, Mailbox>
  readonly byKey: Map<MailboxKey, Mailbox>
  /** Deleted mailboxes, for sessions that still show them. */
  readonly goneMailboxes: Map<MailboxKey, Mailbox>
  /** Last mailbox that had a name and has not any more, so that no name shows a UIDVALIDITY twice. */
  readonly formerNames: Map<string, { readonly key: MailboxKey; readonly uidValidity: number }>
  readonly subscriptions: Set<string>
  readonly events: MessageEvent[]
  readonly metadata: Metadata
  readonly keywordSets: (readonly string[])[]
  readonly keywordSetIds: Map<string, number>
  /** First spelling seen of each keyword. */
  readonly spellings: Map<string, string>
  /** Threads by message id. */
  readonly threads: Map<string, ThreadKey>
  lastUidValidity: number
  lastKey: number
}

/** Knobs that only tests turn. */
export interface Knobs {
  readonly clock: Clock
  /** Rows in one slice of changes. */
  readonly sliceRows: number
  /** Tombstones (not UIDs) kept per mailbox. */
  readonly maxTombstones: number
  /** How long gone messages can be read. */
  readonly retentionMs: number
  /** Mailboxes of an account that may be for `anyone`. */
  readonly mostForAnyone: number
  /** Last UID given. */
  readonly largestUid: number
}

/** An account without mailboxes. */
export function newAccount(id: AccountId, limits: QuotaLimits, now: number): Account {
  return {
    id,
    createdAt: now,
    frozen: false,
    modseq: 0 as Modseq,
    limits,
    storageBytes: 0,
    messages: 0,
    byName: new Map(),
    byKey: new Map(),
    goneMailboxes: new Map(),
    formerNames: new Map(),
    subscriptions: new Set(),
    events: [],
    metadata: new Map(),
    keywordSets: [[]],
    keywordSetIds: new Map([['', 0]]),
    spellings: new Map(),
    threads: new Map(),
    lastUidValidity: 0,
    lastKey: 0,
  }
}

/** A number that no other object of the account has or had. */
export function nextKey(account: Account): number {
  account.lastKey += 1
  return account.lastKey
}

/** A UIDVALIDITY above all others of the account (RFC 9051 §2.3.1.1). */
export function nextUidValidity(account: Account, now: number): number {
  account.lastUidValidity = Math.max(account.lastUidValidity + 1, Math.floor(now / 1000))
  return account.lastUidValidity
}

/** Adds the row to the mailbox's and account's counters, or takes it out. */
export function count(account: Account, mailbox: Mailbox, row: Row, sign: 1 | -1): void {
  mailbox.messages += sign
  mailbox.size += sign * row.email.size
  if ((row.flags & SEEN) === 0) mailbox.unseen += sign
  if ((row.flags & DELETED) !== 0) mailbox.deleted += sign
  account.messages += sign
  account.storageBytes += sign * row.email.size
}

/** Index of the first row whose UID is at least `uid`. */
export function firstRowFrom(rows: readonly Row[], uid: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((rows[middle]?.uid ?? 0) < uid) low = middle + 1
    else high = middle
  }
  return low
}

/** Rows of the set, gone ones too, ascending. */
export function* rowsIn(mailbox: Mailbox, uids: UidSet): Generator<Row, void, void> {
  for (const [first, last] of uids) {
    for (let at = firstRowFrom(mailbox.rows, first); at < mailbox.rows.length; at += 1) {
      const row = mailbox.rows[at]
      if (row === undefined || row.uid > last) break
      yield row
    }
  }
}

/** Keywords of packed flags. */
export function keywordsOf(account: Account, flags: PackedFlags): readonly string[] {
  return account.keywordSets[keywordSetId(flags)] ?? []
}

/** What one name of a keyword set is, whatever order and case it is written in. */
export function keywordSetName(keywords: readonly string[]): string {
  return [...new Set(keywords.map((keyword) => keyword.toLowerCase()))].sort().join(' ')
}

/** Id of a keyword set, made where it is new; `undefined` when the account has too many. */
export function internKeywords(account: Account, keywords: readonly string[]): number | undefined {
  const name = keywordSetName(keywords)
  const known = account.keywordSetIds.get(name)
  if (known !== undefined) return known
  if (account.keywordSets.length >= MAX_KEYWORD_SETS) return undefined
  for (const keyword of keywords) {
    const lower = keyword.toLowerCase()
    if (!account.spellings.has(lower)) account.spellings.set(lower, keyword)
  }
  const id = account.keywordSets.length
  account.keywordSets.push(name.split(' ').map((lower) => account.spellings.get(lower) ?? lower))
  account.keywordSetIds.set(name, id)
  return id
}

/** The mailbox as readers see it. */
export function infoOf(mailbox: Mailbox): MailboxInfo {
  const { key, name, uidValidity, highestModseq, vanishedFloor, messages, unseen, deleted, size } = mailbox
  const { specialUse, createdAt } = mailbox
  const uidNext = mailbox.uidNext as Uid
  return {
    key,
    name,
    uidValidity,
    uidNext,
    highestModseq,
    vanishedFloor,
    messages,
    unseen,
    deleted,
    size,
    specialUse,
    createdAt,
  }
}
