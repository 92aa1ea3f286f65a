/**
 * A mailbox at one moment: UIDs, flags and MODSEQs in pages that snapshots share (design §4 "Views").
 * Nothing here ever changes: a change makes a new snapshot with new pages where it touched some, and the old ones where
 * it did not, so that a hundred sessions on a hundred thousand messages hold them once.
 * @module
 */
import type { Modseq, Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import { type PackedFlags, SEEN } from '#store/flags.ts'
import type { MessagePage } from '#store/types.ts'

/** Messages of one page at most. */
export const PAGE_MESSAGES = 512

/** So many changes are put in one by one. */
const FEW = 4

/** Never empty. */
export interface Page extends MessagePage {
  /** The highest MODSEQ in it. */
  readonly highest: number
  /** Whether all of it has `\Seen`. */
  readonly seen: boolean
}

/** No messages. */
const NO_MESSAGES: MessagePage = {
  uids: new Uint32Array(0),
  flags: new Uint32Array(0),
  modseqs: new Float64Array(0),
}

/** See the module. Numbers count from 1, as clients do. */
export class Snapshot {
  readonly pages: readonly Page[]
  /** Everything committed in the account up to here is in. */
  readonly modseq: Modseq
  /** Above every UID. */
  readonly uidNext: Uid
  /** How many messages. */
  readonly size: number
  /** The same for all that came of one by changes; another for a mailbox that was read anew. */
  readonly origin: object
  /** Messages before each page, and all of them at the end. */
  readonly #before: Uint32Array

  private constructor(pages: readonly Page[], before: Uint32Array, modseq: Modseq, uidNext: Uid, origin: object) {
    this.pages = pages
    this.modseq = modseq
    this.uidNext = uidNext
    this.#before = before
    this.size = before.at(-1) ?? 0
    this.origin = origin
  }

  /** @param pages Ascending by UID. @param origin Of the one that it came of. */
  static of(pages: readonly Page[], modseq: Modseq, uidNext: Uid, origin: object = {}): Snapshot {
    const before = new Uint32Array(pages.length + 1)
    let total = 0
    for (const [index, page] of pages.entries()) before[index + 1] = total += page.uids.length
    return new Snapshot(pages, before, modseq, uidNext, origin)
  }

  /** A mailbox without messages. */
  static empty(modseq: Modseq, uidNext: Uid): Snapshot {
    return Snapshot.of([], modseq, uidNext)
  }

  /** UID of the last message, 0 when there is none. */
  get lastUid(): Uid | 0 {
    return (this.pages.at(-1)?.uids.at(-1) ?? 0) as Uid | 0
  }

  /** The highest MODSEQ of the messages that are there, 0 when there is none. */
  get highest(): number {
    let highest = 0
    for (const page of this.pages) if (page.highest > highest) highest = page.highest
    return highest
  }

  /** Messages before the page. */
  before(page: number): number {
    return this.#before[page] ?? this.size
  }

  /** UID of the message of that number, `undefined` when there is none. */
  uidAt(number: number): Uid | undefined {
    if (number < 1 || number > this.size) return undefined
    const page = lastAtMost(this.#before, this.pages.length, number - 1)
    return this.pages[page]?.uids[number - 1 - this.before(page)] as Uid | undefined
  }

  /** How many messages have a UID of at most `uid`: the number of the message with it, if there is one. */
  countUpTo(uid: number): number {
    const page = this.#pageOf(uid)
    const uids = this.pages[page]?.uids
    return uids === undefined ? 0 : this.before(page) + firstAbove(uids, uid)
  }

  /** Number of the message, `undefined` when it is not there. */
  numberOf(uid: number): number | undefined {
    const number = this.countUpTo(uid)
    return number > 0 && this.uidAt(number) === uid ? number : undefined
  }

  /** The lowest number without `\Seen`, `undefined` when all have it. */
  firstUnseen(): number | undefined {
    const index = this.pages.findIndex(({ seen }) => !seen)
    const at = this.pages[index]?.flags.findIndex((flags) => (flags & SEEN) === 0)
    return at === undefined ? undefined : this.before(index) + at + 1
  }

  has(uid: number): boolean {
    return this.numberOf(uid) !== undefined
  }

  /** Flags of the message of that number. */
  flagsAt(number: number): PackedFlags {
    const page = lastAtMost(this.#before, this.pages.length, number - 1)
    return (this.pages[page]?.flags[number - 1 - this.before(page)] ?? 0) as PackedFlags
  }

  /** Index of the page in which the UID is or would be. */
  #pageOf(uid: number): number {
    let low = 0
    let high = this.pages.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.pages[middle]?.uids[0] ?? 0) <= uid) low = middle
      else high = middle - 1
    }
    return low
  }

  /** Place of the first message whose UID is at least `uid`, for {@link SnapshotWalk}. */
  seek(uid: number): { readonly page: number; readonly at: number } {
    const page = this.#pageOf(uid)
    const uids = this.pages[page]?.uids
    if (uids === undefined) return { page, at: 0 }
    const at = firstAbove(uids, uid - 1)
    return at < uids.length ? { page, at } : { page: page + 1, at: 0 }
  }

  /**
   * The mailbox after a change. Messages that are not there yet are put where their UID belongs.
   * @param changed Messages added or with other flags, ascending by UID.
   * @param vanished UIDs that went; they need not be there.
   */
  apply(changed: MessagePage, vanished: UidSet, modseq: Modseq, uidNext: Uid): Snapshot {
    if (changed.uids.length === 0 && (vanished.length === 0 || this.size === 0)) {
      if (modseq === this.modseq && uidNext === this.uidNext) return this
      return new Snapshot(this.pages, this.#before, modseq, uidNext, this.origin)
    }
    const reflagged =
      vanished.length === 0 && changed.uids.length <= FEW ? this.#reflagged(changed, modseq, uidNext) : undefined
    if (reflagged !== undefined) return reflagged
    const pages: Page[] = []
    let fresh = false
    let from = 0
    let range = 0
    for (let index = 0; index < Math.max(1, this.pages.length); index += 1) {
      const page = this.pages[index]
      const bound = this.pages[index + 1]?.uids[0] ?? Number.POSITIVE_INFINITY
      const to = bound === Number.POSITIVE_INFINITY ? changed.uids.length : firstAbove(changed.uids, bound - 1, from)
      const first = page?.uids[0] ?? 0
      while ((vanished[range]?.[1] ?? bound) < first) range += 1
      const touched = from < to || (vanished[range]?.[0] ?? Number.POSITIVE_INFINITY) <= (page?.uids.at(-1) ?? -1)
      if (!touched) {
        if (page !== undefined) fresh = push(pages, page, fresh, false)
        continue
      }
      for (const part of cut(merge(page ?? NO_MESSAGES, changed, from, to, vanished, range)))
        fresh = push(pages, part, fresh, true)
      from = to
    }
    return Snapshot.of(pages, modseq, uidNext, this.origin)
  }

  /** The same messages, some with other flags; `undefined` when one of these is not there. */
  #reflagged(changed: MessagePage, modseq: Modseq, uidNext: Uid): Snapshot | undefined {
    const pages = [...this.pages]
    for (const [index, uid] of changed.uids.entries()) {
      const { page, at } = this.seek(uid)
      const old = pages[page]
      if (old?.uids[at] !== uid) return undefined
      const flags = old.flags.slice()
      const modseqs = old.modseqs.slice()
      flags[at] = changed.flags[index] ?? 0
      modseqs[at] = changed.modseqs[index] ?? 0
      pages[page] = pageOf({ uids: old.uids, flags, modseqs })
    }
    return new Snapshot(pages, this.#before, modseq, uidNext, this.origin)
  }
}

/** Index of the last of the first `count` values that is at most `value`; they ascend and begin with 0. */
function lastAtMost(values: Uint32Array, count: number, value: number): number {
  let low = 0
  let high = count - 1
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if ((values[middle] ?? 0) <= value) low = middle
    else high = middle - 1
  }
  return low
}

/** Index of the first value above `value`. */
function firstAbove(values: Uint32Array, value: number, from = 0): number {
  let low = from
  let high = values.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((values[middle] ?? 0) <= value) low = middle + 1
    else high = middle
  }
  return low
}

/** A page of messages, with what is to be known of all of them. */
function pageOf({ uids, flags, modseqs }: MessagePage): Page {
  let highest = 0
  let common = SEEN
  for (let at = 0; at < uids.length; at += 1) {
    const modseq = modseqs[at] ?? 0
    if (modseq > highest) highest = modseq
    common &= flags[at] ?? 0
  }
  return { uids, flags, modseqs, highest, seen: common !== 0 }
}

/** Messages in pages of the usual size. They share the memory of these, all of which stays as long as one of them. */
export function cut(messages: MessagePage): Page[] {
  const { uids, flags, modseqs } = messages
  if (uids.length === 0) return []
  if (uids.length <= PAGE_MESSAGES) return [pageOf(messages)]
  const pages: Page[] = []
  for (let at = 0; at < uids.length; at += PAGE_MESSAGES) {
    const end = at + PAGE_MESSAGES
    pages.push(
      pageOf({ uids: uids.subarray(at, end), flags: flags.subarray(at, end), modseqs: modseqs.subarray(at, end) }),
    )
  }
  return pages
}

/** Adds a page, joined with the one before where both fit into one and one of them is new anyway. */
function push(pages: Page[], page: Page, previousIsNew: boolean, isNew: boolean): boolean {
  const previous = pages.at(-1)
  if (previous === undefined || !(previousIsNew || isNew)) {
    pages.push(page)
    return isNew
  }
  if (previous.uids.length + page.uids.length > PAGE_MESSAGES) {
    pages.push(page)
    return isNew
  }
  const uids = new Uint32Array(previous.uids.length + page.uids.length)
  const flags = new Uint32Array(uids.length)
  const modseqs = new Float64Array(uids.length)
  uids.set(previous.uids)
  uids.set(page.uids, previous.uids.length)
  flags.set(previous.flags)
  flags.set(page.flags, previous.uids.length)
  modseqs.set(previous.modseqs)
  modseqs.set(page.modseqs, previous.uids.length)
  const highest = Math.max(previous.highest, page.highest)
  pages[pages.length - 1] = { uids, flags, modseqs, highest, seen: previous.seen && page.seen }
  return true
}

/** The messages of a page with those from `from` to `to` of `changed` in them, and without those that vanished. */
function merge(
  page: MessagePage,
  changed: MessagePage,
  from: number,
  to: number,
  vanished: UidSet,
  firstRange: number,
): MessagePage {
  const most = page.uids.length + to - from
  const uids = new Uint32Array(most)
  const flags = new Uint32Array(most)
  const modseqs = new Float64Array(most)
  let length = 0
  let range = firstRange
  let a = 0
  let b = from
  while (a < page.uids.length || b < to) {
    const old = page.uids[a] ?? Number.POSITIVE_INFINITY
    const neu = b < to ? (changed.uids[b] ?? 0) : Number.POSITIVE_INFINITY
    const uid = Math.min(old, neu)
    const source = neu <= old ? changed : page
    const at = neu <= old ? b : a
    if (old === uid) a += 1
    if (neu === uid) b += 1
    while ((vanished[range]?.[1] ?? Number.POSITIVE_INFINITY) < uid) range += 1
    if ((vanished[range]?.[0] ?? Number.POSITIVE_INFINITY) <= uid) continue
    uids[length] = uid
    flags[length] = source.flags[at] ?? 0
    modseqs[length] = source.modseqs[at] ?? 0
    length += 1
  }
  // No message came or went: the UIDs stay shared.
  const same = length === page.uids.length && length === most - (to - from) && sameUids(uids, page.uids, length)
  if (same) return { uids: page.uids, flags: flags.slice(0, length), modseqs: modseqs.slice(0, length) }
  if (length === most) return { uids, flags, modseqs }
  return { uids: uids.slice(0, length), flags: flags.slice(0, length), modseqs: modseqs.slice(0, length) }
}

function sameUids(a: Uint32Array, b: Uint32Array, length: number): boolean {
  for (let at = 0; at < length; at += 1) if (a[at] !== b[at]) return false
  return true
}
