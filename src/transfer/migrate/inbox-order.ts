/** The INBOX as a client of POP3 sees it afterwards: its unique-ids and their order. @module */

import { uidSetOf } from '#mail/uid-set.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef } from '#store/types.ts'
import type { MessagePair } from '../sync/state.ts'
import type { InboxMessage } from './inbox-listing.ts'
import { BY, StoreUnavailable } from './store-mailbox.ts'

/** The unique-ids of the source beside those here. */
export interface UniqueIdReport {
  /** Listed at the source, and not taken away here since. */
  readonly compared: number
  /** Of these, not here under it. */
  readonly missing: number
  readonly inOrder: boolean
}

/**
 * Messages that came here directly go behind those of the source, so that a maildrop reads as if it had never moved.
 * One that somebody has downloaded over POP3 already stays, as it would be downloaded again.
 * @returns How many.
 */
export async function putBehind(store: MailStore, account: AccountRef, pairs: readonly MessagePair[]): Promise<number> {
  const inbox = await store.mailboxByName(account, 'INBOX')
  if (inbox === undefined) return 0
  const ours = new Set(pairs.map(({ right }) => Number(right)))
  let last = 0
  for (const uid of ours) last = Math.max(last, uid)
  const early: number[] = []
  for await (const { uids, uidls, downloaded } of store.maildrop(account, inbox.key)) {
    for (const [n, uid] of uids.entries())
      if (uid < last && !ours.has(uid) && uidls[n] === undefined && downloaded[n] === 0) early.push(uid)
  }
  if (early.length === 0) return 0
  const request = { account, by: BY, mailbox: inbox.key, uids: uidSetOf(early), target: inbox.key }
  const answer = await store.write('move', request)
  if (!answer.ok) throw new StoreUnavailable(answer.error.kind)
  return early.length
}

/** See {@link UniqueIdReport}. */
export async function compareUniqueIds(
  store: MailStore,
  account: AccountRef,
  listed: readonly InboxMessage[],
  pairs: readonly MessagePair[],
): Promise<UniqueIdReport> {
  const inbox = await store.mailboxByName(account, 'INBOX')
  const places = new Map<string, number>()
  const here = new Set<number>()
  for await (const { uids, uidls } of inbox === undefined ? [] : store.maildrop(account, inbox.key)) {
    for (const [n, uid] of uids.entries()) {
      here.add(uid)
      const uidl = uidls[n]
      if (uidl !== undefined) places.set(uidl, uid)
    }
  }
  const paired = new Map(pairs.map(({ left, right }) => [left, Number(right)]))
  let compared = 0
  let missing = 0
  let last = 0
  let inOrder = true
  for (const { key, entry } of listed) {
    const uid = paired.get(key)
    if (entry?.uidl === undefined) continue
    // somebody took it away, or moved it, here
    if (uid !== undefined && !here.has(uid)) continue
    compared += 1
    const place = places.get(entry.uidl)
    // somebody else's may be known by the same
    if (place === undefined || (uid !== undefined && place !== uid)) missing += 1
    else {
      if (place < last) inOrder = false
      last = place
    }
  }
  return { compared, missing, inOrder }
}
