/**
 * Subjects and addresses as searches compare them, kept for the next search in the same mailbox: what an email is never
 * changes, so only those of messages that have come since are read.
 * @module
 */
import type { Turns } from '#lib/turns.ts'
import { fold } from '#mail/fold.ts'
import { UidCollector, type UidSet } from '#mail/uid-set.ts'
import type { TextColumn } from '#store/columns.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { ColumnGround } from './email-columns.ts'
import type { Snapshot } from './snapshot.ts'
import { SnapshotWalk } from './snapshot-walk.ts'

/** Mailboxes with more messages are read each time: they have an index soon. */
const MOST_MESSAGES = 10_000
/** Octets of texts that a thread keeps. */
const KEPT_OCTETS = 4 * 1024 * 1024
/** What a text takes beside its letters. */
const ENTRY_OCTETS = 56
/** They go when nobody has asked for so long. */
const IDLE_MS = 60_000

/** Folded texts of a column, by UID. */
type FoldedTexts = Map<number, string>

/** Texts of one mailbox. */
class MailboxTexts {
  readonly columns = new Map<TextColumn, FoldedTexts>()
  octets = 0

  of(column: TextColumn): FoldedTexts {
    let texts = this.columns.get(column)
    if (texts === undefined) {
      texts = new Map()
      this.columns.set(column, texts)
    }
    return texts
  }

  /** Forgets those of messages that are gone once they are as many as those that are there. */
  thin(snapshot: Snapshot): void {
    for (const texts of this.columns.values()) {
      if (texts.size <= 2 * snapshot.size) continue
      for (const [uid, text] of texts) {
        if (snapshot.has(uid)) continue
        texts.delete(uid)
        this.octets -= octetsOf(text)
      }
    }
  }
}

/** Texts of a thread, the mailbox that was asked longest ago first. */
class KeptTexts {
  /** By where snapshots come from: a mailbox that was read anew, perhaps restored, begins anew. */
  readonly #mailboxes = new Map<object, MailboxTexts>()
  #idle: NodeJS.Timeout | undefined

  of(snapshot: Snapshot): MailboxTexts {
    const found = this.#mailboxes.get(snapshot.origin) ?? new MailboxTexts()
    this.#mailboxes.delete(snapshot.origin)
    this.#mailboxes.set(snapshot.origin, found)
    return found
  }

  settle(): void {
    let octets = 0
    for (const mailbox of this.#mailboxes.values()) octets += mailbox.octets
    for (const [origin, mailbox] of this.#mailboxes) {
      if (octets <= KEPT_OCTETS) break
      octets -= mailbox.octets
      this.#mailboxes.delete(origin)
    }
    this.#idle ??= setTimeout(() => {
      this.#idle = undefined
      this.#mailboxes.clear()
    }, IDLE_MS).unref()
    this.#idle.refresh()
  }
}

const ofStore = new WeakMap<MailStore, KeptTexts>()

function keptOf(store: MailStore): KeptTexts {
  let kept = ofStore.get(store)
  if (kept === undefined) {
    kept = new KeptTexts()
    ofStore.set(store, kept)
  }
  return kept
}

/** Gives the folded texts of these messages, in the order of their UIDs; those that the store has no more are left out. */
export async function* foldedTexts(
  ground: ColumnGround,
  uids: UidSet,
  columns: readonly TextColumn[],
  turns: Turns,
): AsyncGenerator<FoldedSlice, void, void> {
  const { store, account, mailbox, snapshot, signal } = ground
  if (snapshot.size > MOST_MESSAGES) {
    for await (const slice of store.columns(account, mailbox, uids, [], columns))
      yield { uids: slice.uids, text: (column, at) => fold(slice.texts[columns.indexOf(column)]?.[at] ?? '') }
    return
  }
  const kept = keptOf(store)
  const own = kept.of(snapshot)
  const known = columns.map((column) => own.of(column))
  const wanted: number[] = []
  const missing = new UidCollector()
  for (const walk = new SnapshotWalk(snapshot, uids); walk.next(); ) {
    wanted.push(walk.uid)
    if (!known.every((texts) => texts.has(walk.uid))) missing.add(walk.uid)
  }
  if (missing.set.length > 0)
    for await (const slice of store.columns(account, mailbox, missing.set, [], columns)) {
      signal.throwIfAborted()
      for (const [at, uid] of slice.uids.entries()) {
        for (const [index, texts] of known.entries()) {
          if (texts.has(uid)) continue
          const text = fold(slice.texts[index]?.[at] ?? '')
          texts.set(uid, text)
          own.octets += octetsOf(text)
        }
        if (turns.over) await turns.share()
      }
    }
  own.thin(snapshot)
  kept.settle()
  const here = wanted.filter((uid) => known.every((texts) => texts.has(uid)))
  yield { uids: here, text: (column, at) => own.of(column).get(here[at] ?? 0) ?? '' }
}

function octetsOf(text: string): number {
  return ENTRY_OCTETS + text.length
}

export interface FoldedSlice {
  readonly uids: ArrayLike<number>
  /** Of the message at that place of `uids`. */
  readonly text: (column: TextColumn, at: number) => string
}
