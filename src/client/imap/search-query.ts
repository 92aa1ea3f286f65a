/** What to look for, as a value (RFC 9051 §6.4.4). @module */
import type { Modseq } from '#mail/ids.ts'
import type { CalendarDate } from '#wire/imap/date-time.ts'
import type { DateSearchKey, SearchKey, TextSearchKey } from '#wire/imap/search-program.ts'
import { messageSet, type Uids } from './message-sets.ts'

/** A day: of a `Date`, the one in UTC. */
export type Day = Date | CalendarDate

/** Everything that is said must hold; nothing said is every message. */
export interface SearchQuery {
  readonly answered?: boolean
  readonly deleted?: boolean
  readonly draft?: boolean
  readonly flagged?: boolean
  readonly seen?: boolean
  readonly keyword?: string | readonly string[]
  readonly withoutKeyword?: string | readonly string[]
  /** Substrings, case aside; of several, all. */
  readonly from?: string | readonly string[]
  readonly to?: string | readonly string[]
  readonly cc?: string | readonly string[]
  readonly bcc?: string | readonly string[]
  readonly subject?: string | readonly string[]
  readonly body?: string | readonly string[]
  /** Header or body. */
  readonly text?: string | readonly string[]
  /** By field name; an empty text: the field is there. */
  readonly header?: Readonly<Record<string, string>>
  /** Arrived before this day, on it, on it or later. */
  readonly before?: Day
  readonly on?: Day
  readonly since?: Day
  /** By the Date field. */
  readonly sentBefore?: Day
  readonly sentOn?: Day
  readonly sentSince?: Day
  /** By when it came into this mailbox (SAVEDATE). */
  readonly savedBefore?: Day
  readonly savedOn?: Day
  readonly savedSince?: Day
  /** Arrived within the last seconds, or before them (WITHIN). */
  readonly younger?: number
  readonly older?: number
  /** Octets. */
  readonly larger?: number
  readonly smaller?: number
  readonly uids?: Uids
  /** Message numbers. */
  readonly numbers?: Uids
  /** Changed at this or later (CONDSTORE). */
  readonly modseq?: Modseq
  readonly emailId?: string
  readonly threadId?: string
  /** None of these. */
  readonly not?: SearchQuery | readonly SearchQuery[]
  /** One of these at least. */
  readonly or?: readonly SearchQuery[]
  /** More or less (SEARCH=FUZZY). */
  readonly fuzzy?: SearchQuery
}

const FLAGS = ['answered', 'deleted', 'draft', 'flagged', 'seen'] as const
const TEXTS = ['from', 'to', 'cc', 'bcc', 'subject', 'body', 'text'] as const
const DATES = [
  ...(['before', 'on', 'since', 'sentBefore', 'sentOn', 'sentSince'] as const),
  ...(['savedBefore', 'savedOn', 'savedSince'] as const),
]

/** Keys of the wire; at least one. */
export function searchKeys(query: SearchQuery): readonly SearchKey[] {
  const keys: SearchKey[] = []
  for (const flag of FLAGS) {
    const wanted = query[flag]
    const name = flag.toUpperCase() as Uppercase<typeof flag>
    if (wanted !== undefined) keys.push({ kind: wanted ? name : `UN${name}` })
  }
  for (const flag of several(query.keyword)) keys.push({ kind: 'KEYWORD', flag })
  for (const flag of several(query.withoutKeyword)) keys.push({ kind: 'UNKEYWORD', flag })
  for (const name of TEXTS) {
    const kind = name.toUpperCase() as TextSearchKey
    for (const text of several(query[name])) keys.push({ kind, text })
  }
  for (const [field, text] of Object.entries(query.header ?? {})) keys.push({ kind: 'HEADER', field, text })
  for (const name of DATES) {
    const day = query[name]
    if (day !== undefined) keys.push({ kind: name.toUpperCase() as DateSearchKey, date: calendarDate(day) })
  }
  keys.push(...numericKeys(query))
  for (const each of several(query.not)) keys.push({ kind: 'NOT', key: oneKey(each) })
  if (query.or !== undefined) keys.push(anyOf(query.or.map(oneKey)))
  if (query.fuzzy !== undefined) keys.push({ kind: 'FUZZY', key: oneKey(query.fuzzy) })
  return keys.length > 0 ? keys : [{ kind: 'ALL' }]
}

/** Whether any text of it needs a charset. */
export function hasUnicode(keys: readonly SearchKey[]): boolean {
  return keys.some((key) => {
    if ('text' in key) return /[^\0-\x7f]/.test(key.text)
    if ('key' in key) return hasUnicode([key.key])
    if ('keys' in key) return hasUnicode(key.keys)
    return 'left' in key && hasUnicode([key.left, key.right])
  })
}

function numericKeys(query: SearchQuery): SearchKey[] {
  const keys: SearchKey[] = []
  const { younger, older, larger, smaller, uids, numbers, modseq, emailId, threadId } = query
  if (younger !== undefined) keys.push({ kind: 'YOUNGER', seconds: younger })
  if (older !== undefined) keys.push({ kind: 'OLDER', seconds: older })
  if (larger !== undefined) keys.push({ kind: 'LARGER', size: larger })
  if (smaller !== undefined) keys.push({ kind: 'SMALLER', size: smaller })
  if (uids !== undefined) keys.push({ kind: 'UID', set: messageSet(uids) })
  if (numbers !== undefined) keys.push({ kind: 'SET', set: messageSet(numbers) })
  if (modseq !== undefined) keys.push({ kind: 'MODSEQ', modseq, entry: undefined })
  if (emailId !== undefined) keys.push({ kind: 'EMAILID', id: emailId })
  if (threadId !== undefined) keys.push({ kind: 'THREADID', id: threadId })
  return keys
}

function several<T extends string | object>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return []
  return isList(value) ? value : [value]
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value)
}

function oneKey(query: SearchQuery): SearchKey {
  const keys = searchKeys(query)
  const [only] = keys
  return only !== undefined && keys.length === 1 ? only : { kind: 'AND', keys }
}

/** As a balanced tree, so that servers with a limit on depth take many. */
function anyOf(keys: readonly SearchKey[]): SearchKey {
  const [first] = keys
  if (first === undefined) throw new RangeError('"or" has nothing to choose from')
  if (keys.length === 1) return first
  const half = keys.length >> 1
  return { kind: 'OR', left: anyOf(keys.slice(0, half)), right: anyOf(keys.slice(half)) }
}

function calendarDate(day: Day): CalendarDate {
  if (!(day instanceof Date)) return day
  return { year: day.getUTCFullYear(), month: day.getUTCMonth() + 1, day: day.getUTCDate() }
}
