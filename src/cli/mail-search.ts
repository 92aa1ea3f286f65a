/** What people type to find mail, as a query: words and `from:ann since:2026-01-31 unread has:attachment`. @module */
import type { SearchQuery } from '#client/imap/search-query.ts'
import { EXIT } from '#lib/exit-codes.ts'
import type { CalendarDate } from '#wire/imap/date-time.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'
import { oneLine } from './mail-text.ts'

/** A query, and what no server can be asked. */
export interface TypedQuery {
  readonly query: SearchQuery
  /** Only messages with attachments. */
  readonly attachment: boolean
}

type Term = SearchQuery | 'attachment'

const TEXTS = ['from', 'to', 'cc', 'subject', 'body'] as const
const DATES = ['since', 'before', 'on'] as const
const STATES: ReadonlyMap<string, SearchQuery> = new Map([
  ['unread', { seen: false }],
  ['read', { seen: true }],
  ['flagged', { flagged: true }],
  ['answered', { answered: true }],
  ['draft', { draft: true }],
])
const DAY_MS = 86_400_000

/**
 * Reads a query; all of it must hold. A word is looked for in header and body; `not:word` or `-word` must not be there; quotes keep
 * words together.
 * @throws {CliError}
 */
export function parseTypedQuery(words: readonly string[], now: Date): TypedQuery {
  const all: SearchQuery[] = []
  let attachment = false
  for (const token of tokensOf(words)) {
    const [not = ''] = /^(?:-|not:)(?=.)/i.exec(token) ?? []
    const negative = not !== ''
    const term = parseTerm(token.slice(not.length), now)
    if (term === 'attachment') {
      if (negative) throw fault(token)
      attachment = true
    } else all.push(negative ? { not: term } : term)
  }
  return { query: join(all), attachment }
}

/** Each argument of the shell is one token, unless it has several; quotes within it keep words together. */
function tokensOf(words: readonly string[]): readonly string[] {
  return words.flatMap((word) =>
    [...word.matchAll(/(?:[^\s"]|"[^"]*")+|"/g)]
      .map(([token]) => token.replaceAll('"', ''))
      .filter((token) => token !== ''),
  )
}

function parseTerm(token: string, now: Date): Term {
  const state = STATES.get(token.toLowerCase())
  if (state !== undefined) return state
  const [, name = '', value = ''] = /^([a-z]+):(.*)$/is.exec(token) ?? []
  const key = name.toLowerCase()
  const text = TEXTS.find((each) => each === key)
  const date = DATES.find((each) => each === key)
  if (
    text !== undefined ||
    date !== undefined ||
    key === 'has' ||
    key === 'is' ||
    key === 'larger' ||
    key === 'smaller'
  ) {
    if (value === '') throw fault(token)
  }
  if (text !== undefined) return { [text]: value }
  if (date !== undefined) return { [date]: dayOf(value, now) ?? raise(token) }
  switch (key) {
    case 'has':
      return /^attachments?$/i.test(value) ? 'attachment' : raise(token)
    case 'is':
      return STATES.get(value.toLowerCase()) ?? raise(token)
    case 'larger':
    case 'smaller':
      return { [key]: sizeOf(value) ?? raise(token) }
    default:
      // an address of the web, a time of day: a word like others
      return { text: token }
  }
}

/** `2026-01-31`, `7d` for seven days ago, `today`, `yesterday`. */
function dayOf(text: string, now: Date): CalendarDate | undefined {
  const ago = /^(\d{1,4})d$/i.exec(text)?.[1] ?? { today: '0', yesterday: '1' }[text.toLowerCase()]
  if (ago !== undefined) return calendarDay(new Date(now.getTime() - Number(ago) * DAY_MS))
  const [, year, month, day] = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text) ?? []
  const date = new Date(Number(year), Number(month) - 1, Number(day))
  return date.getMonth() === Number(month) - 1 && date.getDate() === Number(day) ? calendarDay(date) : undefined
}

function calendarDay(date: Date): CalendarDate {
  return { year: date.getFullYear(), month: date.getMonth() + 1, day: date.getDate() }
}

function sizeOf(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,9})([km]?)b?$/i.exec(text) ?? []
  if (digits === undefined) return undefined
  return Number(digits) * 1024 ** ['', 'k', 'm'].indexOf(unit.toLowerCase())
}

/** All of them, in one query where no key is there twice. */
function join(all: readonly SearchQuery[]): SearchQuery {
  const not = all.flatMap((query) => (query.not === undefined ? [] : [query.not].flat()))
  const joined: Record<string, unknown> = not.length === 0 ? {} : { not }
  const again: SearchQuery[] = []
  for (const query of all) {
    const [[key, value] = ['not', undefined]] = Object.entries(query)
    if (key === 'not') continue
    if (!(key in joined)) joined[key] = value
    // "one of" a single one is that one
    else again.push({ or: [query] })
  }
  if (again.length === 0) return joined
  // none of what is not so: every one of them holds
  return { ...joined, not: [...not, ...again.map((query) => ({ not: query }))] }
}

function raise(token: string): never {
  throw fault(token)
}

function fault(token: string): CliError {
  const shown = oneLine(token)
  return new CliError(
    EXIT.usage,
    say(
      `"${shown}" is not understood. Words are looked for as they are; besides there are from: to: cc: subject: body: since:2026-01-31 since:7d before: on: larger:1M smaller: has:attachment unread read flagged answered draft, and not:word.`,
      `« ${shown} » n’est pas compris. Les mots sont cherchés tels quels ; il y a aussi from: to: cc: subject: body: since:2026-01-31 since:7d before: on: larger:1M smaller: has:attachment unread read flagged answered draft, et not:mot pour l’exclure.`,
    ),
  )
}
