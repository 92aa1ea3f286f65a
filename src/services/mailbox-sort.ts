/**
 * Sorts messages of a mailbox by what is prepared of them (RFC 5256 §3, RFC 5957 §4). Of each message one key per
 * criterion is held, numbers in a typed array, texts shared where they are the same.
 * @module
 */
import { Turns } from '#lib/turns.ts'
import { collationKey } from '#mail/collation.ts'
import { displayOf, firstAddress } from '#mail/first-addresses.ts'
import type { MailboxKey, Uid } from '#mail/ids.ts'
import { type UidSet, uidSetSize } from '#mail/uid-set.ts'
import type { MailStore } from '#store/mail-store.ts'
import { type AccountRef, type EmailFields, type EmailRow, ENVELOPE, NARROW } from '#store/types.ts'
import { sortedIndexes } from './index-sort.ts'

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

export interface MailboxSort {
  readonly store: MailStore
  readonly account: AccountRef
  readonly mailbox: MailboxKey
  readonly uids: UidSet
  /** The first counts most. */
  readonly orders: readonly SortOrder[]
  /** More is better; the best come first. */
  readonly relevanceOf: (uid: Uid) => number
  readonly signal: AbortSignal
}

interface Column {
  readonly of: (row: EmailRow) => number | string
  readonly fields: EmailFields
  readonly numbers: Float64Array | undefined
  readonly texts: string[] | undefined
  readonly sign: 1 | -1
}

/**
 * The UIDs in order; what compares as equal stays in the order of the mailbox.
 * @throws the signal's reason once it is aborted.
 */
export async function sortMailbox(sort: MailboxSort): Promise<Uint32Array> {
  const { store, account, mailbox, uids, signal } = sort
  const most = uidSetSize(uids)
  const columns = columnsOf(sort, most)
  const found = new Uint32Array(most)
  const fields = columns.reduce((all, column) => all | column.fields, 0)
  const shared = new Map<string, string>()
  const turns = new Turns()
  let count = 0
  for await (const rows of store.emails(account, mailbox, uids, fields)) {
    for (const row of rows) {
      found[count] = row.uid
      for (const { of, numbers, texts } of columns) {
        const value = of(row)
        if (typeof value === 'number') {
          if (numbers !== undefined) numbers[count] = value
        } else texts?.push(share(shared, value))
      }
      count += 1
      if (turns.over) {
        await turns.share()
        signal.throwIfAborted()
      }
    }
    signal.throwIfAborted()
  }
  shared.clear()
  const indexes = await sortedIndexes(count, (a, b) => compare(columns, a, b), turns, signal)
  return indexes.map((index) => found[index] ?? 0)
}

function share(shared: Map<string, string>, text: string): string {
  const same = shared.get(text)
  if (same !== undefined) return same
  shared.set(text, text)
  return text
}

function compare(columns: readonly Column[], a: number, b: number): number {
  for (const { numbers, texts, sign } of columns) {
    if (numbers !== undefined) {
      const difference = (numbers[a] ?? 0) - (numbers[b] ?? 0)
      if (difference !== 0) return difference * sign
    } else if (texts !== undefined) {
      const [left, right] = [texts[a] ?? '', texts[b] ?? '']
      if (left !== right) return left < right ? -sign : sign
    }
  }
  return 0
}

const NUMERIC: ReadonlySet<SortBy> = new Set<SortBy>(['arrival', 'relevance', 'sent', 'size'])

/** A criterion that comes again decides nothing. */
function columnsOf({ orders, relevanceOf }: MailboxSort, most: number): readonly Column[] {
  const seen = new Set<SortBy>()
  return orders.flatMap(({ by, descending }) => {
    if (seen.has(by)) return []
    seen.add(by)
    const numeric = NUMERIC.has(by)
    const column: Column = {
      ...valueOf(by, relevanceOf),
      numbers: numeric ? new Float64Array(most) : undefined,
      texts: numeric ? undefined : [],
      sign: descending ? -1 : 1,
    }
    return [column]
  })
}

function valueOf(by: SortBy, relevanceOf: MailboxSort['relevanceOf']): Pick<Column, 'of' | 'fields'> {
  switch (by) {
    case 'arrival':
      return { fields: 0, of: (row) => row.internalDate }
    case 'sent':
      return { fields: NARROW, of: sentDate }
    case 'size':
      return { fields: 0, of: (row) => row.size }
    case 'subject':
      return { fields: NARROW, of: (row) => collationKey(row.narrow?.baseSubject ?? '') }
    case 'relevance':
      return { fields: 0, of: (row) => -relevanceOf(row.uid) }
    case 'from':
    case 'to':
    case 'cc':
      return { fields: ENVELOPE, of: (row) => collationKey(address(row, by)?.mailbox ?? '') }
    case 'display-from':
      return { fields: ENVELOPE, of: (row) => display(row, 'from') }
    case 'display-to':
      return { fields: ENVELOPE, of: (row) => display(row, 'to') }
  }
}

/** The Date field, else when the message came (RFC 5256 §2.2). */
export function sentDate({ narrow, internalDate }: EmailRow): number {
  return narrow?.sentAt ?? internalDate
}

function address({ envelope }: EmailRow, list: 'from' | 'to' | 'cc'): ReturnType<typeof firstAddress> {
  return envelope === undefined ? undefined : firstAddress(envelope, list)
}

function display(row: EmailRow, list: 'from' | 'to'): string {
  const first = address(row, list)
  return first === undefined ? '' : collationKey(displayOf(first))
}
