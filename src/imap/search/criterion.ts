/** SEARCH keys as what a search asks of a message (RFC 9051 §6.4.4, RFC 5032, RFC 6203, RFC 7162 §3.1.5, RFC 8474 §5.4, RFC 8514, RFC 9738 §3.2). @module */
import { fold } from '#mail/fold.ts'
import { type AccountId, LARGEST_UID, type Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import type { AccountKeywords } from '#services/account-keywords.ts'
import type { Criterion } from '#services/search-criterion.ts'
import { ANSWERED, DELETED, DRAFT, FLAGGED, SEEN } from '#store/flags.ts'
import type { CalendarDate } from '#wire/imap/date-time.ts'
import type { MessageSet, SetNumber } from '#wire/imap/message-set.ts'
import type { SearchKey } from '#wire/imap/search-program.ts'
import type { By } from '../command.ts'
import { parseEmailId, parseThreadId } from '../object-ids.ts'

/** What keys are read against. */
export interface SearchGround {
  readonly keywords: AccountKeywords
  /** Messages of the view that a set names; numbers beyond the last name none. */
  uidsOf(set: MessageSet, by: By): UidSet
  readonly now: number
  /** Whose mailbox it is where it is not the person's own. */
  readonly others: AccountId | undefined
  /** Within FUZZY: the words of a text may stand anywhere, in any order (RFC 6203 §3). */
  readonly fuzzy?: boolean
}

/** Words of one text that are looked for. */
const FUZZY_WORDS = 50

const ALL: Criterion = { kind: 'all' }
const NONE: Criterion = { kind: 'not', inner: ALL }
const COLUMNS: ReadonlyMap<string, 'subject' | 'from' | 'to' | 'cc'> = new Map([
  ['subject', 'subject'],
  ['from', 'from'],
  ['to', 'to'],
  ['cc', 'cc'],
])

/**
 * A set of message numbers without those that do not exist. In SEARCH they find nothing; clients ask for `1:*` in empty
 * mailboxes too, and would take BAD for a fault of theirs.
 */
export function clipNumbers(set: MessageSet, last: number): MessageSet {
  if (set === '$') return set
  if (last === 0) return []
  const ranges: [SetNumber, SetNumber][] = []
  for (const [a, b] of set) {
    const [from, to] = [a === '*' ? last : a, b === '*' ? last : b]
    const first = Math.min(from, to)
    if (first <= last) ranges.push([first, Math.min(Math.max(from, to), last)])
  }
  return ranges
}

/** All of the keys. */
export function criterionOf(keys: readonly SearchKey[], ground: SearchGround): Criterion {
  const all = keys.map((key) => one(key, ground))
  return all.length === 1 ? (all[0] ?? ALL) : { kind: 'and', all }
}

function one(key: SearchKey, ground: SearchGround): Criterion {
  switch (key.kind) {
    case 'ALL':
    case 'SAVEDATESUPPORTED':
      return ALL
    // Nothing is ever \Recent here, so all is OLD and nothing NEW (RFC 3501 §6.4.4)
    case 'OLD':
      return ALL
    case 'NEW':
    case 'RECENT':
      return NONE
    case 'ANSWERED':
      return has(ANSWERED)
    case 'UNANSWERED':
      return lacks(ANSWERED)
    case 'DELETED':
      return has(DELETED)
    case 'UNDELETED':
      return lacks(DELETED)
    case 'DRAFT':
      return has(DRAFT)
    case 'UNDRAFT':
      return lacks(DRAFT)
    case 'FLAGGED':
      return has(FLAGGED)
    case 'UNFLAGGED':
      return lacks(FLAGGED)
    case 'SEEN':
      return has(SEEN)
    case 'UNSEEN':
      return lacks(SEEN)
    case 'KEYWORD':
      return { kind: 'keyword-sets', ids: ground.keywords.setsWith(key.flag) }
    case 'UNKEYWORD':
      return { kind: 'not', inner: { kind: 'keyword-sets', ids: ground.keywords.setsWith(key.flag) } }
    case 'SUBJECT':
    case 'FROM':
    case 'TO':
    case 'CC':
    case 'BCC':
      return words(key.text, ground, (text) => field(key.kind.toLowerCase(), text))
    case 'HEADER':
      return words(key.text, ground, (text) => field(key.field.toLowerCase(), text))
    case 'BODY':
      return words(key.text, ground, (text) => (text === '' ? ALL : { kind: 'body', text: fold(text) }))
    case 'TEXT':
      return words(key.text, ground, (text) => (text === '' ? ALL : { kind: 'text', text: fold(text) }))
    case 'BEFORE':
      return { kind: 'day', of: 'internal', from: Number.NEGATIVE_INFINITY, before: dayOf(key.date) }
    case 'ON':
      return { kind: 'day', of: 'internal', from: dayOf(key.date), before: dayOf(key.date) + 1 }
    case 'SINCE':
      return { kind: 'day', of: 'internal', from: dayOf(key.date), before: Number.POSITIVE_INFINITY }
    case 'SENTBEFORE':
      return { kind: 'day', of: 'sent', from: Number.NEGATIVE_INFINITY, before: dayOf(key.date) }
    case 'SENTON':
      return { kind: 'day', of: 'sent', from: dayOf(key.date), before: dayOf(key.date) + 1 }
    case 'SENTSINCE':
      return { kind: 'day', of: 'sent', from: dayOf(key.date), before: Number.POSITIVE_INFINITY }
    case 'SAVEDBEFORE':
      return { kind: 'day', of: 'saved', from: Number.NEGATIVE_INFINITY, before: dayOf(key.date) }
    case 'SAVEDON':
      return { kind: 'day', of: 'saved', from: dayOf(key.date), before: dayOf(key.date) + 1 }
    case 'SAVEDSINCE':
      return { kind: 'day', of: 'saved', from: dayOf(key.date), before: Number.POSITIVE_INFINITY }
    case 'LARGER':
      return { kind: 'larger', octets: key.size }
    case 'SMALLER':
      return { kind: 'smaller', octets: key.size }
    // Within the last n seconds, and not (RFC 5032 §3)
    case 'YOUNGER':
      return { kind: 'time', from: ground.now - key.seconds * 1000, to: Number.POSITIVE_INFINITY }
    case 'OLDER':
      return { kind: 'time', from: Number.NEGATIVE_INFINITY, to: ground.now - key.seconds * 1000 }
    case 'MODSEQ':
      return { kind: 'modseq', atLeast: key.modseq }
    case 'EMAILID':
      return { kind: 'email', key: parseEmailId(key.id, ground.others) }
    case 'THREADID':
      return { kind: 'thread', key: parseThreadId(key.id, ground.others) }
    case 'SET':
      return { kind: 'uids', set: ground.uidsOf(key.set, 'number') }
    case 'UID':
      return { kind: 'uids', set: ground.uidsOf(key.set, 'uid') }
    case 'UIDAFTER':
      return { kind: 'uids', set: key.uid === LARGEST_UID ? [] : [[(key.uid + 1) as Uid, LARGEST_UID]] }
    case 'UIDBEFORE':
      return { kind: 'uids', set: key.uid === 1 ? [] : [[1 as Uid, (key.uid - 1) as Uid]] }
    case 'FUZZY':
      return one(key.key, { ...ground, fuzzy: ground.fuzzy ?? true })
    case 'NOT':
      return { kind: 'not', inner: one(key.key, ground) }
    case 'OR':
      return { kind: 'or', all: [one(key.left, ground), one(key.right, ground)] }
    case 'AND':
      return criterionOf(key.keys, ground)
  }
}

function has(flag: number): Criterion {
  return { kind: 'flags', mask: flag, value: flag }
}

function lacks(flag: number): Criterion {
  return { kind: 'flags', mask: flag, value: 0 }
}

/** The text as one needle, or each of its words where that will do. */
function words(text: string, { fuzzy }: SearchGround, ask: (text: string) => Criterion): Criterion {
  const each = fuzzy === true ? text.split(/\s+/).filter((word) => word !== '') : []
  return each.length < 2 ? ask(text) : { kind: 'and', all: each.slice(0, FUZZY_WORDS).map(ask) }
}

/** An empty text asks whether the field is there (RFC 9051 §6.4.4 HEADER). */
function field(name: string, text: string): Criterion {
  const column = COLUMNS.get(name)
  const folded = fold(text)
  return column === undefined || text === ''
    ? { kind: 'header', field: name, text: folded }
    : { kind: 'column', column, text: folded }
}

/** Days since 1970-01-01. */
function dayOf({ year, month, day }: CalendarDate): number {
  return Math.floor(Date.UTC(year, month - 1, day) / 86_400_000)
}
