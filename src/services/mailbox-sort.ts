/**
 * Sorts messages of a mailbox by what is prepared of them (RFC 5256 §3, RFC 5957 §4): by columns of numbers, those of texts
 * being their places in the order of all texts of their kind.
 * @module
 */
import { Turns } from '#lib/turns.ts'
import type { Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import { type ColumnKind, isNumber } from './column-reading.ts'
import { type ColumnGround, columnsOfUids } from './email-columns.ts'
import { type SortKey, sortedByKeys } from './radix-sort.ts'

/** What messages are compared by. */
export type SortBy =
  | 'arrival'
  | 'cc'
  | 'sent'
  | 'display-from'
  | 'display-to'
  | 'from'
  | 'relevance'
  | 'size'
  | 'subject'
  | 'to'

export interface SortOrder {
  readonly by: SortBy
  readonly descending: boolean
}

export interface MailboxSort extends ColumnGround {
  /** Of the snapshot. */
  readonly uids: UidSet
  /** The first counts most. */
  readonly orders: readonly SortOrder[]
  /** More is better; the best come first. */
  readonly relevanceOf: (uid: Uid) => number
}

const COLUMNS: Readonly<Record<Exclude<SortBy, 'relevance'>, ColumnKind>> = {
  arrival: 'internalDate',
  cc: 'cc',
  sent: 'sentAt',
  'display-from': 'display-from',
  'display-to': 'display-to',
  from: 'from',
  size: 'size',
  subject: 'subject',
  to: 'to',
}

/**
 * The UIDs in order; what compares as equal stays in the order of the mailbox.
 * @throws the signal's reason once it is aborted.
 */
export async function sortMailbox(sort: MailboxSort): Promise<Uint32Array> {
  const { orders, relevanceOf, signal } = sort
  const turns = new Turns()
  const kinds = new Set(orders.flatMap(({ by }) => (by === 'relevance' ? [] : [COLUMNS[by]])))
  const columns = await columnsOfUids(sort, sort.uids, [...kinds], turns)
  const { uids, tables } = columns
  const keys: SortKey[] = []
  // a criterion that comes again decides nothing
  for (const { by, descending } of orders.filter((order, at) => orders.findIndex(({ by }) => by === order.by) === at)) {
    if (by === 'relevance') {
      keys.push({ values: Float64Array.from(uids, (uid) => -relevanceOf(uid as Uid)), descending })
      continue
    }
    const values = columns.of(COLUMNS[by])
    if (isNumber(COLUMNS[by])) keys.push({ values, descending })
    else {
      const ranks = await tables.of(COLUMNS[by]).ranks(turns, signal)
      keys.push({ values: Uint32Array.from(values, (number) => ranks[number] ?? 0), descending })
    }
  }
  const order = await sortedByKeys(uids.length, keys, turns, signal)
  return order.map((at) => uids[at] ?? 0)
}
