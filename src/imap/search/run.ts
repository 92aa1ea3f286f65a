/** The search that SEARCH, SORT and THREAD do in the selected mailbox, and ESEARCH in any. @module */
import type { MailboxKey, Uid } from '#mail/ids.ts'
import type { UidRanges } from '#mail/uid-ranges.ts'
import { normaliseUidSet, type UidSet } from '#mail/uid-set.ts'
import { intersectUidSets } from '#mail/uid-set-arithmetic.ts'
import type { AccountKeywords } from '#services/account-keywords.ts'
import { searchRanges } from '#services/mailbox-search.ts'
import type { Criterion } from '#services/search-criterion.ts'
import type { Snapshot } from '#services/snapshot.ts'
import { uidsWithin } from '#services/snapshot-sets.ts'
import type { AccountRef } from '#store/types.ts'
import type { MessageSet, SetNumber } from '#wire/imap/message-set.ts'
import type { SearchKey } from '#wire/imap/search-program.ts'
import type { By, Context } from '../command.ts'
import { limited, messageLimit } from '../message-limit.ts'
import { othersAccount, type Reached } from '../resolve.ts'
import { clipNumbers, criterionOf, type SearchGround } from './criterion.ts'

/** A mailbox as it is searched. */
export interface Searched {
  readonly account: AccountRef
  readonly mailbox: MailboxKey
  readonly snapshot: Snapshot
  readonly ground: SearchGround
}

/** What was found, ascending. */
export interface Found {
  readonly ranges: UidRanges
  /** Of MESSAGELIMIT, `undefined` where all messages were looked at. */
  readonly code: string | undefined
}

/** The selected mailbox. The command must have said how it speaks of messages before. */
export function selectedMailbox({ view, clock }: Context): Searched {
  const ground: SearchGround = {
    keywords: view.keywords,
    others: view.others,
    uidsOf(set, how) {
      if (how === 'uid' || set === '$') return view.among(set, how) ?? []
      // Nor may UID SEARCH tell of expunges when it names messages by number (RFC 7162 §3.2.10.2).
      view.keepNumbers()
      return view.among(clipNumbers(set, view.messages), how) ?? []
    },
    now: clock.now(),
  }
  return { account: view.account, mailbox: view.mailbox, snapshot: view.shown, ground }
}

/** Some other mailbox; its numbers count as if it were selected now, and `$` is not of it. */
export function otherMailbox(
  { clock }: Context,
  box: Reached,
  snapshot: Snapshot,
  keywords: AccountKeywords,
): Searched {
  const uidsOf = (set: MessageSet, by: By): UidSet => setWithin(snapshot, set, by)
  const ground: SearchGround = { keywords, uidsOf, now: clock.now(), others: othersAccount(box) }
  const { account, info } = box
  return { account, mailbox: info.key, snapshot, ground }
}

function setWithin(snapshot: Snapshot, set: MessageSet, by: By): UidSet {
  if (set === '$') return []
  const { lastUid } = snapshot
  const ranges: [number, number][] = []
  const named = by === 'uid' ? set : clipNumbers(set, snapshot.size)
  for (const [a, b] of named === '$' ? [] : named) {
    const value = (end: SetNumber): number | undefined => {
      if (by === 'uid') return end === '*' ? lastUid : end
      return snapshot.uidAt(end === '*' ? snapshot.size : end)
    }
    const [from, to] = [value(a), value(b)]
    if (from !== undefined && to !== undefined && lastUid > 0) ranges.push([Math.min(from, to), Math.max(from, to)])
  }
  return uidsWithin(snapshot, normaliseUidSet(ranges))
}

/** Searches the mailbox for what meets all keys. */
export async function runSearch(context: Context, searched: Searched, keys: readonly SearchKey[]): Promise<Found> {
  const { store, searchIndex: index, signal } = context
  const { criterion, code } = within(context, searched, keys)
  return { ranges: await searchRanges({ store, index, ...searched, criterion, signal }), code }
}

/** Whether one command may not look at all the messages that the keys leave: then nothing can be put in order (RFC 9738 §3.3). */
export function isTooMuch(context: Context, searched: Searched, keys: readonly SearchKey[]): boolean {
  return within(context, searched, keys).code !== undefined
}

/** The keys, and the messages that one command may look at: what they name by UID or number, the highest UIDs of it. */
function within(
  context: Context,
  { snapshot, ground }: Searched,
  keys: readonly SearchKey[],
): { readonly criterion: Criterion; readonly code: string | undefined } {
  const criterion = criterionOf(keys, ground)
  if (snapshot.size <= messageLimit(context)) return { criterion, code: undefined }
  let looked = uidsWithin(snapshot, [[1 as Uid, snapshot.lastUid as Uid]])
  for (const key of keys) {
    const named = criterionOf([key], ground)
    if (named.kind === 'uids') looked = intersectUidSets(looked, named.set)
  }
  const { uids, code } = limited(context, looked)
  return code === undefined
    ? { criterion, code }
    : { criterion: { kind: 'and', all: [{ kind: 'uids', set: uids }, criterion] }, code }
}
