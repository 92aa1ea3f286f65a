/** Snapshots of mailboxes, one of each in a thread, shared by all its sessions (design §4 "Views"). @module */
import type { AccountId, MailboxKey, Modseq } from '#mail/ids.ts'
import { keywordSetId } from '#store/flags.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef, Change, ChangedFlags } from '#store/types.ts'
import { AccountKeywords } from './account-keywords.ts'
import { MailboxReading } from './mailbox-reading.ts'
import type { Snapshot } from './snapshot.ts'

/** Messages of snapshots that nobody holds and that are kept for who comes back; 16 octets each. The last one stays. */
const KEPT_MESSAGES = 2_000_000
/** And their number. */
const KEPT_SNAPSHOTS = 2_000
/** Announcements may be late or lost: what was read this long ago is looked at again when someone asks. */
const TRUSTED_MS = 1_000
/** Reads after which a MODSEQ that was committed must have been seen. */
const MOST_READS = 1_000

/** One session's hold on a mailbox. */
export interface SnapshotHandle {
  readonly keywords: AccountKeywords
  /**
   * The mailbox as it is now: at least as of `modseq` and of everything announced. Reads only what is not known yet, once
   * for all who ask at the same time.
   * @param since `performance.now()` of a question: what other threads had committed by then must show, even if their
   *   announcement is still on its way. Without, what was announced and what is a second old does.
   * @returns `undefined` when the mailbox no longer exists.
   */
  refresh(modseq: Modseq | 0, since?: number): Promise<Snapshot | undefined>
  /** What `refresh` would give without reading, `undefined` when it would have to. */
  ready(modseq: Modseq | 0, since?: number): Snapshot | undefined
  /**
   * Takes what a write of the owner has just done to flags, in place of reading it, where it shows that nothing else has
   * happened in the account since: each change there has a MODSEQ of its own.
   */
  took(changed: ChangedFlags): void
  /** Calls `listener` whenever there may be something new, until told otherwise. */
  listen(listener: (() => void) | undefined): void
  /** Says that this session needs no snapshot until its next refresh; what nobody needs is dropped. */
  rest(): void
  close(): void
}

/** All snapshots of a thread. */
export class MailboxSnapshots {
  readonly #store: MailStore
  /** By account; what guests see, who have `\Seen` of their own, by account and guest. */
  readonly #accounts = new Map<number | string, AccountSnapshots>()
  /** Mailboxes that nobody holds, the one left longest ago first. */
  readonly #kept = new Set<MailboxSnapshot>()
  #keptMessages = 0

  constructor(store: MailStore) {
    this.#store = store
  }

  /** Mailboxes in memory, and their messages: for tests and metrics. */
  get size(): { readonly mailboxes: number; readonly messages: number } {
    let mailboxes = 0
    let messages = 0
    for (const account of this.#accounts.values())
      for (const mailbox of account.mailboxes.values()) {
        mailboxes += 1
        messages += mailbox.messages
      }
    return { mailboxes, messages }
  }

  /** @param guest Somebody who is not the owner, and whose view it is. */
  open(account: AccountRef, mailbox: MailboxKey, guest?: AccountId): SnapshotHandle {
    const key = keyOf(account.id, guest)
    let of = this.#accounts.get(key)
    // An account that moved is read from where it is now.
    if (of === undefined || of.ref.shard !== account.shard) {
      of = new AccountSnapshots(account, guest)
      this.#accounts.set(key, of)
    }
    let shared = of.mailboxes.get(mailbox)
    if (shared === undefined) {
      shared = new MailboxSnapshot(this.#store, of, mailbox)
      of.mailboxes.set(mailbox, shared)
    }
    if (this.#kept.delete(shared)) this.#keptMessages -= shared.messages
    of.hold(this.#store)
    return new Hold(shared, () => this.#release(shared))
  }

  #release(mailbox: MailboxSnapshot): void {
    const { account } = mailbox
    account.release()
    if (mailbox.held) return
    // Nobody listens for it any more: whoever opens it asks what happened since.
    mailbox.doubt()
    if (mailbox.gone) this.#forget(mailbox)
    else {
      this.#kept.add(mailbox)
      this.#keptMessages += mailbox.messages
    }
    for (const oldest of this.#kept) {
      if (this.#keptMessages <= KEPT_MESSAGES && this.#kept.size <= KEPT_SNAPSHOTS) break
      if (oldest === mailbox) break
      this.#kept.delete(oldest)
      this.#keptMessages -= oldest.messages
      this.#forget(oldest)
    }
  }

  #forget(mailbox: MailboxSnapshot): void {
    const { account } = mailbox
    account.mailboxes.delete(mailbox.key)
    const key = keyOf(account.ref.id, account.guest)
    if (account.mailboxes.size === 0 && this.#accounts.get(key) === account) this.#accounts.delete(key)
  }
}

function keyOf(account: AccountId, guest: AccountId | undefined): number | string {
  return guest === undefined ? account : `${account}/${guest}`
}

const ofStore = new WeakMap<MailStore, MailboxSnapshots>()

/** The snapshots of a thread: those of its store. */
export function snapshotsOf(store: MailStore): MailboxSnapshots {
  let snapshots = ofStore.get(store)
  if (snapshots === undefined) {
    snapshots = new MailboxSnapshots(store)
    ofStore.set(store, snapshots)
  }
  return snapshots
}

class AccountSnapshots {
  readonly ref: AccountRef
  readonly guest: AccountId | undefined
  readonly keywords = new AccountKeywords()
  readonly mailboxes = new Map<MailboxKey, MailboxSnapshot>()
  #holds = 0
  #stop: (() => void) | undefined

  constructor(ref: AccountRef, guest: AccountId | undefined) {
    this.ref = ref
    this.guest = guest
  }

  hold(store: MailStore): void {
    this.#holds += 1
    this.#stop ??= store.watch(this.ref.id, (change) => this.#hear(change))
  }

  release(): void {
    this.#holds -= 1
    if (this.#holds > 0) return
    this.#stop?.()
    this.#stop = undefined
    // What is open elsewhere is held; all others look at the store when they are opened again.
  }

  #hear({ mailbox, modseq }: Change): void {
    if (mailbox !== undefined) this.mailboxes.get(mailbox)?.hear(modseq)
    // The tree changed, or the account went: perhaps one of these with it.
    else for (const each of this.mailboxes.values()) each.hear(undefined)
  }
}

class MailboxSnapshot {
  readonly key: MailboxKey
  readonly account: AccountSnapshots
  readonly #store: MailStore
  readonly #holds = new Set<Hold>()
  #latest: Snapshot | undefined
  #reading: Promise<void> | undefined
  #readAt = 0
  /** What the store counted when the last read began, and what was taken without reading since. */
  #commits: number | undefined
  /** Something may have happened since the last read began that no announced MODSEQ tells of. */
  #doubtful = true
  /** The highest MODSEQ that was announced. */
  #heard = 0
  gone = false

  constructor(store: MailStore, account: AccountSnapshots, key: MailboxKey) {
    this.#store = store
    this.account = account
    this.key = key
  }

  get messages(): number {
    return this.#latest?.size ?? 0
  }

  get held(): boolean {
    return this.#holds.size > 0
  }

  add(hold: Hold): void {
    this.#holds.add(hold)
  }

  remove(hold: Hold): void {
    this.#holds.delete(hold)
  }

  /** @param modseq Of messages; `undefined`: of something else. */
  hear(modseq: Modseq | undefined): void {
    if (modseq === undefined) {
      this.doubt()
      // It may be another account by now, restored in the place of the one before: its MODSEQs begin anew.
      this.#heard = 0
    } else if (modseq > this.#heard) this.#heard = modseq
    for (const hold of this.#holds) hold.listener?.()
  }

  /** Nobody listens, or reading failed: the next to ask looks at the store. */
  doubt(): void {
    this.#doubtful = true
  }

  took({ uids, flags, modseqs }: ChangedFlags): void {
    const latest = this.#latest
    if (latest === undefined || this.#reading !== undefined || uids.length === 0) return
    let modseq: number = latest.modseq
    for (const each of modseqs) {
      if (each !== modseq && each !== modseq + 1) return
      modseq = each
    }
    const { keywords } = this.account
    if (modseqs[0] === latest.modseq || flags.some((packed) => keywordSetId(packed) >= keywords.sets)) return
    this.#latest = latest.apply({ uids, flags, modseqs }, [], modseq as Modseq, latest.uidNext)
    if (this.#commits !== undefined) this.#commits = (this.#commits + modseq - latest.modseq) | 0
  }

  /** Drops the snapshot when nobody needs it; the next one to ask reads the mailbox anew. */
  rest(): void {
    for (const hold of this.#holds) if (!hold.resting) return
    if (this.#reading !== undefined) return
    this.#latest = undefined
  }

  /** @param since The last read must not have begun before. */
  ready(modseq: Modseq | 0, since: number): Snapshot | undefined {
    const latest = this.#latest
    if (latest === undefined || latest.modseq < modseq) return undefined
    // What was announced is being read for somebody else, and is not in yet.
    if (this.#reading !== undefined) return undefined
    if (this.#commits !== undefined && this.#commits === this.#store.commits(this.account.ref)) return latest
    // Where more is committed all the time, what was read after the question does.
    return this.#doubtful || latest.modseq < this.#heard || this.#readAt < since ? undefined : latest
  }

  async refresh(modseq: Modseq | 0, since: number): Promise<Snapshot | undefined> {
    for (let reads = 0; !this.gone; reads += 1) {
      if (reads > MOST_READS) throw new Error(`The store does not show MODSEQ ${modseq}, which it has committed`)
      const ready = this.ready(modseq, since)
      if (ready !== undefined) return ready
      this.#reading ??= this.#read().finally(() => {
        this.#reading = undefined
      })
      await this.#reading
    }
    return undefined
  }

  async #read(): Promise<void> {
    this.#doubtful = false
    this.#readAt = performance.now()
    const commits = this.#store.commits(this.account.ref)
    try {
      const reading = new MailboxReading(this.#store, this.account, this.key)
      const latest = this.#latest === undefined ? await reading.load() : await reading.follow(this.#latest)
      if (latest === undefined) this.gone = true
      this.#latest = latest
      this.#commits = commits
    } catch (error) {
      this.#doubtful = true
      this.#commits = undefined
      throw error
    }
  }
}

class Hold implements SnapshotHandle {
  readonly #mailbox: MailboxSnapshot
  readonly #release: () => void
  #open = true
  listener: (() => void) | undefined
  resting = false

  constructor(mailbox: MailboxSnapshot, release: () => void) {
    this.#mailbox = mailbox
    this.#release = release
    mailbox.add(this)
  }

  get keywords(): AccountKeywords {
    return this.#mailbox.account.keywords
  }

  async refresh(modseq: Modseq | 0, since = trusted()): Promise<Snapshot | undefined> {
    this.resting = false
    return this.#mailbox.refresh(modseq, since)
  }

  ready(modseq: Modseq | 0, since = trusted()): Snapshot | undefined {
    return this.#mailbox.ready(modseq, since)
  }

  took(changed: ChangedFlags): void {
    this.#mailbox.took(changed)
  }

  listen(listener: (() => void) | undefined): void {
    this.listener = listener
  }

  rest(): void {
    this.resting = true
    this.#mailbox.rest()
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.listener = undefined
    this.#mailbox.remove(this)
    this.#release()
  }
}

/** When a read must have begun at the earliest where nobody asks for more. */
function trusted(): number {
  return performance.now() - TRUSTED_MS
}
