/** Columns of many messages. All values of a column in a slice come as one text that `JSON.parse` reads. @module */
import type { MailboxKey } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import type { ColumnSlice, NumberColumn, TextColumn } from '#store/columns.ts'
import { boundOf } from './email-reads.ts'
import type { Sql } from './sql.ts'

/** What is asked of which mailbox. */
export interface ColumnSource {
  readonly sql: Sql
  readonly slot: number
  readonly mailbox: MailboxKey
  readonly numbers: readonly NumberColumn[]
  readonly texts: readonly TextColumn[]
}

type Table = 'message' | 'deleted'

const NUMBERS: Readonly<Record<NumberColumn, string>> = {
  internalDate: 'e.internal_date',
  internalLocal: 'e.internal_date + e.internal_zone * 60000',
  savedAt: 'm.saved_at',
  sentAt: 'coalesce(e.sent_at, e.internal_date)',
  sentDay: "coalesce(e.sent_day, 'null')",
  size: 'e.size',
}
const TEXTS: Readonly<Record<TextColumn, string>> = {
  subject: 'e.subject',
  baseSubject: 'e.base_subject',
  from: 'e.sender',
  to: 'e.recipients',
  cc: 'e.cc',
  messageId: 'e.message_id',
}

/** Up to `limit` messages of a range of UIDs, expunged ones among them; and where to go on. */
export function columnsOf(
  source: ColumnSource,
  [first, last]: UidSet[number],
  limit: number,
): { readonly slice: ColumnSlice; readonly next: number } {
  // A message that is expunged between two statements would be in neither.
  return source.sql.snapshot(() => {
    const to = boundOf(source, 'message', first, last, limit)
    const here = slice(source, 'message', first, to)
    if (here.uids.length === to - first + 1) return { slice: here, next: to + 1 }
    const end = boundOf(source, 'deleted', first, to, limit)
    const gone = slice(source, 'deleted', first, end)
    if (gone.uids.length === 0) return { slice: here, next: to + 1 }
    return { slice: merged(here, gone, end), next: end + 1 }
  })
}

function slice(
  { sql, slot, mailbox, numbers, texts }: ColumnSource,
  table: Table,
  first: number,
  last: number,
): ColumnSlice {
  const lists = sql.get(query(table, numbers, texts), slot, mailbox, first, last) ?? []
  const [uids = [], ...values] = lists.map((list) => JSON.parse((list as string | null) ?? '[]') as readonly unknown[])
  const page = {
    uids: Uint32Array.from(uids as readonly number[]),
    numbers: numbers.map((_, at) => floats(values[at] as readonly (number | null)[])),
    texts: texts.map((_, at) => values[numbers.length + at] as readonly (string | null)[]),
  }
  for (let at = 1; at < page.uids.length; at += 1)
    if ((page.uids[at] ?? 0) <= (page.uids[at - 1] ?? 0))
      throw new Error('Messages came in another order than that of their UIDs')
  return page
}

function floats(values: readonly (number | null)[]): Float64Array {
  const all = new Float64Array(values.length)
  for (let at = 0; at < values.length; at += 1) all[at] = values[at] ?? Number.NaN
  return all
}

const queries = new Map<string, string>()

function query(table: Table, numbers: readonly NumberColumn[], texts: readonly TextColumn[]): string {
  const key = `${table} ${numbers.join()} ${texts.join()}`
  let text = queries.get(key)
  if (text === undefined) {
    const columns = [...numbers.map((name) => NUMBERS[name]), ...texts.map((name) => TEXTS[name])]
    const lists = [
      `'[' || group_concat(uid) || ']'`,
      ...numbers.map((_, at) => `'[' || group_concat(c${at}) || ']'`),
      ...texts.map((_, at) => `json_group_array(c${numbers.length + at})`),
    ]
    // the join is made in the order in which it stands, so that rows come in that of their UIDs
    text = `SELECT ${lists.join()} FROM (
      SELECT ${['m.uid AS uid', ...columns.map((column, at) => `${column} AS c${at}`)].join()}
      FROM ${table} m CROSS JOIN email e ON e.id = m.email_id
      WHERE m.account = ?1 AND m.mailbox = ?2 AND m.uid BETWEEN ?3 AND ?4 ORDER BY m.uid)`
    queries.set(key, text)
  }
  return text
}

/** Messages of both up to a UID. */
function merged(a: ColumnSlice, b: ColumnSlice, last: number): ColumnSlice {
  const places = [
    ...Array.from(a.uids, (uid, at) => ({ uid, from: a, at })),
    ...Array.from(b.uids, (uid, at) => ({ uid, from: b, at })),
  ]
    .filter(({ uid }) => uid <= last)
    .sort((x, y) => x.uid - y.uid)
  return {
    uids: Uint32Array.from(places, ({ uid }) => uid),
    numbers: a.numbers.map((_, column) => Float64Array.from(places, ({ from, at }) => from.numbers[column]?.[at] ?? 0)),
    texts: a.texts.map((_, column) => places.map(({ from, at }) => from.texts[column]?.[at] ?? null)),
  }
}
