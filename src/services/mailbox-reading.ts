import { Turns } from '#lib/turns.ts'
import type { AccountId, MailboxKey } from '#mail/ids.ts'
import { keywordSetId } from '#store/flags.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef } from '#store/types.ts'
import type { AccountKeywords } from './account-keywords.ts'
import { isWorthAnImprint, keepImprintSoon, readImprint } from './mailbox-imprint.ts'
import { cut, type Page, Snapshot } from './snapshot.ts'

/** Messages read at once: some four milliseconds where it is done for the first time. */
const SLICE = 2_000

/** What changes led to. */
interface Followed {
  readonly snapshot: Snapshot
  /** Changes that were read for it. */
  readonly read: number
  /** Whether it has as many messages as the mailbox counts. */
  readonly counted: boolean
}

/** Makes snapshots of one mailbox out of what its store says. The methods give `undefined` when it does not exist. */
export class MailboxReading {
  readonly #store: MailStore
  readonly #ref: AccountRef
  readonly #guest: AccountId | undefined
  readonly #keywords: AccountKeywords
  readonly #key: MailboxKey

  /** @param of.guest Somebody who is not the owner, and whose view it is. */
  constructor(
    store: MailStore,
    of: { readonly ref: AccountRef; readonly guest: AccountId | undefined; readonly keywords: AccountKeywords },
    key: MailboxKey,
  ) {
    this.#store = store
    this.#ref = of.ref
    this.#guest = of.guest
    this.#keywords = of.keywords
    this.#key = key
  }

  /** The mailbox as it is now: by its imprint, where there is one, else message by message. */
  async load(): Promise<Snapshot | undefined> {
    const imprint = await this.#imprint()
    const followed = imprint === undefined ? undefined : await this.#changesSince(imprint)
    if (followed === 'gone') return undefined
    if (followed === undefined || followed === 'unknown' || !followed.counted) return this.#loadMessages()
    this.#keep(followed.snapshot, followed.read)
    return followed.snapshot
  }

  /** Applies what happened since; loads anew where the store does not remember all of it. */
  async follow(from: Snapshot): Promise<Snapshot | undefined> {
    const followed = await this.#changesSince(from)
    if (followed === 'gone') return undefined
    return followed === 'unknown' ? this.load() : followed.snapshot
  }

  async #changesSince(from: Snapshot): Promise<Followed | 'gone' | 'unknown'> {
    const turns = new Turns()
    let snapshot = from
    let read = 0
    let cursor: Parameters<MailStore['changes']>[3]
    for (;;) {
      const slice = await this.#store.changes(this.#ref, this.#key, from.modseq, cursor, this.#guest)
      if (slice.uidNext === undefined) return 'gone'
      if (!slice.complete) return 'unknown'
      await this.#learn(slice.changed.flags)
      snapshot = snapshot.apply(slice.changed, slice.vanished, slice.modseq, slice.uidNext)
      read += slice.changed.uids.length
      if (slice.next === undefined) return { snapshot, read, counted: snapshot.size === slice.messages }
      cursor = slice.next
      if (turns.overNow) await turns.share()
    }
  }

  async #loadMessages(): Promise<Snapshot | undefined> {
    const turns = new Turns()
    const state = await this.#store.state(this.#ref)
    const info = await this.#store.mailbox(this.#ref, this.#key)
    if (state === undefined || info === undefined) return undefined
    const pages: Page[] = []
    let after: Parameters<MailStore['messages']>[2] = 0
    for (;;) {
      const slice = await this.#store.messages(this.#ref, this.#key, after, SLICE, this.#guest)
      await this.#learn(slice.flags)
      for (const page of cut(slice)) pages.push(page)
      const last = slice.uids.at(-1)
      if (last === undefined || slice.uids.length < SLICE) break
      after = last as typeof after
      if (turns.overNow) await turns.share()
    }
    // The slices are of different moments: what happened since the first brings them to one.
    const snapshot = await this.follow(Snapshot.of(pages, state.modseq, info.uidNext))
    if (snapshot !== undefined) this.#keep(snapshot, snapshot.size)
    return snapshot
  }

  /** The mailbox as it was once. Guests have none: their `\Seen` is their own. */
  async #imprint(): Promise<Snapshot | undefined> {
    if (this.#guest !== undefined) return undefined
    return readImprint(this.#store, this.#ref, this.#key, (flags) => this.#learn(flags))
  }

  /** @param read How many messages had to be read one by one. */
  #keep(snapshot: Snapshot, read: number): void {
    if (this.#guest === undefined && isWorthAnImprint(snapshot.size, read))
      keepImprintSoon(this.#store, this.#ref, this.#key, snapshot)
  }

  /** Flags must be shown without waiting: their keywords are read before the snapshot is. */
  async #learn(flags: Uint32Array): Promise<void> {
    // The set is in the upper bits: the largest flags have the newest.
    let largest = 0
    for (let at = 0; at < flags.length; at += 1) largest = Math.max(largest, flags[at] ?? 0)
    const newest = keywordSetId(largest)
    if (newest < this.#keywords.sets) return
    await this.#keywords.load(this.#store, this.#ref)
    if (newest >= this.#keywords.sets) throw new Error(`There is no keyword set ${newest}`)
  }
}
