/**
 * Imprints of mailboxes: what a snapshot was when it was made, kept in the store, so that the next thread or server to
 * open the mailbox reads a few blocks and what changed since, instead of every message. They change with no flag and no
 * delivery: one that has become old costs reading more changes, until it is made anew.
 *
 * Whether an imprint is right never depends on when it was made: it is the mailbox at a MODSEQ, and `changes` since then
 * leads to the mailbox now, or says that it cannot.
 * @module
 */
import { Turns } from '#lib/turns.ts'
import type { MailboxKey, Uid } from '#mail/ids.ts'
import { formatActor } from '#store/actor.ts'
import type { MailStore } from '#store/mail-store.ts'
import { type AccountRef, IMPRINT_MESSAGES, type MessagePage } from '#store/types.ts'
import { cut, type Page, Snapshot } from './snapshot.ts'

/** An imprint is worth making when so many messages had to be read one by one, and so large a share of all. */
const WORTH_MESSAGES = 2_000
const WORTH_SHARE = 1 / 16
/** A client that has just opened the mailbox has its answers by then. */
const DELAY_MS = 200
/** Parts in one commit: the writer has others to serve. */
const PARTS_AT_ONCE = 8
const BY = formatActor({ service: 'imprint' })

/**
 * The mailbox as its imprint has it.
 * @param learn Told the flags that it has.
 * @returns `undefined` where there is none, or where the store does not remember all that went since.
 */
export async function readImprint(
  store: MailStore,
  account: AccountRef,
  mailbox: MailboxKey,
  learn: (flags: Uint32Array) => Promise<void>,
): Promise<Snapshot | undefined> {
  const first = await store.imprint(account, mailbox, 0)
  if (first === undefined) return undefined
  const info = await store.mailbox(account, mailbox)
  if (info === undefined || first.modseq < info.vanishedFloor) return undefined
  const turns = new Turns()
  const pages: Page[] = []
  let last = 0
  for (let part = 0; part < first.parts; part += 1) {
    const next = part === 0 ? first : await store.imprint(account, mailbox, part)
    // Another imprint is being written over this one, or has been begun and not finished.
    if (next?.modseq !== first.modseq || (next.uids[0] ?? 0) <= last) return undefined
    await learn(next.flags)
    for (const page of cut(next)) pages.push(page)
    last = next.uids.at(-1) ?? last
    if (turns.overNow) await turns.share()
  }
  return Snapshot.of(pages, first.modseq, (last + 1) as Uid)
}

/** Whether an imprint should be made of a mailbox of which so many messages were read one by one. */
export function isWorthAnImprint(size: number, read: number): boolean {
  return size >= WORTH_MESSAGES && read >= Math.max(WORTH_MESSAGES, size * WORTH_SHARE)
}

/** Has the store keep an imprint, in a moment; if it cannot, nothing is lost. */
export function keepImprintSoon(store: MailStore, account: AccountRef, mailbox: MailboxKey, snapshot: Snapshot): void {
  setTimeout(() => {
    keepImprint(store, account, mailbox, snapshot).catch(() => undefined)
  }, DELAY_MS).unref()
}

/** The same now. @returns whether the store took all of it. */
export async function keepImprint(
  store: MailStore,
  account: AccountRef,
  mailbox: MailboxKey,
  snapshot: Snapshot,
): Promise<boolean> {
  const parts = Math.ceil(snapshot.size / IMPRINT_MESSAGES)
  for (let first = 0; first < parts; first += PARTS_AT_ONCE) {
    const some = Array.from({ length: Math.min(PARTS_AT_ONCE, parts - first) }, (_, index) => {
      const part = first + index
      const messages = messagesOf(snapshot, part * IMPRINT_MESSAGES)
      const imprint = { modseq: snapshot.modseq, part, parts, ...messages }
      return store.write('keepImprint', { account, by: BY, mailbox, imprint })
    })
    for (const answer of await Promise.all(some)) if (!answer.ok) return false
  }
  return true
}

/** The messages of a part, the first of which has so many before it. */
function messagesOf(snapshot: Snapshot, before: number): MessagePage {
  const size = Math.min(IMPRINT_MESSAGES, snapshot.size - before)
  const uids = new Uint32Array(size)
  const flags = new Uint32Array(size)
  const modseqs = new Float64Array(size)
  let { page, at } = snapshot.seek(snapshot.uidAt(before + 1) ?? 0)
  for (let length = 0; length < size; page += 1) {
    const from = snapshot.pages[page]
    if (from === undefined) throw new Error('The snapshot ends before its size')
    const end = at + size - length
    uids.set(from.uids.subarray(at, end), length)
    flags.set(from.flags.subarray(at, end), length)
    modseqs.set(from.modseqs.subarray(at, end), length)
    length += Math.min(end, from.uids.length) - at
    at = 0
  }
  return { uids, flags, modseqs }
}
