/**
 * What clients were told, so that it can be compared with what is there after a crash.
 *
 * Each message has a token that names its owner: only that client stores, copies, moves or expunges it, in whichever
 * mailbox. So at most one command without an answer is about a message, and each may have happened or not. @module
 */

import { deserialize, serialize } from 'node:v8'

/** Clients that share the messages of an account: IMAP, IMAP and POP3. */
export const OWNERS = 3
export const POP3_OWNER = 2

export function ownerOf(token: number): number {
  return token % OWNERS
}

/** A message in a mailbox, known by its UID. */
export interface Entry {
  readonly token: number
  /** What its flags may be: one value, or two while a STORE has no answer. */
  flags: readonly string[]
  /** Of the last change, where it was told. */
  modseq: number | undefined
  /** An EXPUNGE, MOVE or QUIT has no answer. */
  mayBeGone: boolean
}

/** A message without a UID yet: delivered, or appended without an answer. */
export interface Arrival {
  readonly flags: string
  /** Acknowledged. */
  must: boolean
}

/** A command about several messages that happens wholly or not at all. */
export interface Whole {
  readonly kind: 'copy' | 'move' | 'quit'
  readonly from: string
  /** Not for `quit`. */
  readonly to: string
  /** Source UIDs (none for `quit`) and what comes of them. */
  readonly members: readonly { readonly uid: number; readonly token: number; readonly flags: string }[]
}

/** One mailbox as its clients know it. */
export class MailboxJournal {
  readonly name: string
  uidValidity = 0
  /** Highest values any client was told. */
  uidNext = 1
  modseq = 1
  readonly entries: Map<number, Entry> = new Map()
  /** By token. */
  readonly arrivals: Map<number, Arrival> = new Map()
  /** Every UID ever seen, with its token. */
  readonly tokens: Map<number, number> = new Map()
  /** What a client that resynchronises knew at the last verification: UIDs and flags, and the MODSEQ of that. */
  picture: Map<number, string> = new Map()
  pictureModseq = 0
  /** POP3 (INBOX only): the UIDL of each UID. */
  readonly uidls: Map<number, string> = new Map()

  constructor(name: string) {
    this.name = name
  }

  /** A client was told that the message is there. */
  arrived(uid: number, token: number, flags: string, modseq?: number): Entry {
    const entry: Entry = { token, flags: [flags], modseq, mayBeGone: false }
    this.entries.set(uid, entry)
    this.sawUid(uid, token)
    this.arrivals.delete(token)
    return entry
  }

  sawUid(uid: number, token: number): void {
    const before = this.tokens.get(uid)
    if (before !== undefined && before !== token) {
      throw new Error(`${this.name}: UID ${uid} was message ${before} and is now message ${token}`)
    }
    this.tokens.set(uid, token)
    this.uidNext = Math.max(this.uidNext, uid + 1)
  }

  sawModseq(modseq: number | undefined): void {
    if (modseq !== undefined) this.modseq = Math.max(this.modseq, modseq)
  }

  /** UIDs of an owner, those in doubt left out. */
  owned(owner: number): number[] {
    const uids: number[] = []
    for (const [uid, { token, mayBeGone, flags }] of this.entries) {
      if (ownerOf(token) === owner && !mayBeGone && flags.length === 1) uids.push(uid)
    }
    return uids
  }
}

/** One account as its clients know it. */
export class AccountJournal {
  readonly address: string
  readonly password: string
  readonly mailboxes: Map<string, MailboxJournal> = new Map()
  /** Commands without an answer. */
  readonly open: Set<Whole> = new Set()
  /** Trace lines by token: what stands before a delivered message never changes. */
  readonly traces: Map<number, string> = new Map()

  constructor(address: string, password: string) {
    this.address = address
    this.password = password
  }

  mailbox(name: string): MailboxJournal {
    const found = this.mailboxes.get(name)
    if (found !== undefined) return found
    const made = new MailboxJournal(name)
    this.mailboxes.set(name, made)
    return made
  }
}

/** A journal without its methods. */
interface Plain {
  readonly accounts: readonly AccountJournal[]
  readonly acknowledged: ReadonlyMap<string, number>
  readonly tokens: number
}

/** All accounts, and what has been counted. */
export class Journal {
  readonly accounts: readonly AccountJournal[]
  /** Acknowledged, by kind of operation. */
  readonly acknowledged: Map<string, number> = new Map()
  #tokens = 0

  constructor(accounts: readonly AccountJournal[]) {
    this.accounts = accounts
  }

  get total(): number {
    let total = 0
    for (const count of this.acknowledged.values()) total += count
    return total
  }

  count(kind: string, times = 1): void {
    this.acknowledged.set(kind, (this.acknowledged.get(kind) ?? 0) + times)
  }

  /** All of it at this moment, to be read by {@link Journal.read}. */
  snapshot(): Uint8Array {
    return serialize({ accounts: this.accounts, acknowledged: this.acknowledged, tokens: this.#tokens })
  }

  /** Reads what {@link snapshot} wrote. */
  static read(snapshot: Uint8Array): Journal {
    const { accounts, acknowledged, tokens } = deserialize(snapshot) as Plain
    const journal = new Journal(
      accounts.map((plain) => {
        const account = Object.assign(new AccountJournal(plain.address, plain.password), plain)
        for (const [name, mailbox] of plain.mailboxes)
          account.mailboxes.set(name, Object.assign(new MailboxJournal(name), mailbox))
        return account
      }),
    )
    for (const [kind, count] of acknowledged) journal.count(kind, count)
    journal.#tokens = tokens
    return journal
  }

  /** A new token, of an owner or of anyone. */
  token(owner?: number): number {
    this.#tokens += 1
    while (owner !== undefined && ownerOf(this.#tokens) !== owner) this.#tokens += 1
    return this.#tokens
  }
}
