/** Dates of mail: RFC 5322 §3.3 with its obsolete forms, IMAP's date-time, ctime of mbox. @module */
import { trimBinary } from './bytes.ts'

/** A moment, and the zone it was written in. */
export interface ZonedTime {
  /** Milliseconds since 1970. */
  readonly ms: number
  /** Minutes east of UTC. */
  readonly offsetMinutes: number
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const
const DAY_MS = 86_400_000

// obs-zone (RFC 5322 §4.3); single letters other than Z count as -0000, as that section asks.
const ZONES: Readonly<Record<string, number>> = {
  UT: 0,
  GMT: 0,
  UTC: 0,
  EST: -300,
  EDT: -240,
  CST: -360,
  CDT: -300,
  MST: -420,
  MDT: -360,
  PST: -480,
  PDT: -420,
}

const WORDS = /^(?:[A-Za-z]+[,.]?[ ]*)?(\d{1,2})[ -]+([A-Za-z]{3,9})[.,]?[ -]+(\d{2,4})(?:[ ,]+(.*))?$/
const CTIME =
  /^[A-Za-z]{3,9},? +([A-Za-z]{3,9}) +(\d{1,2}) +(\d{1,2}:\d{2}(?::\d{2})?)(?: +([A-Za-z]{3,4}|[+-]\d{4}))? +(\d{4})(?: +([+-]\d{4}))?$/
const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:[T ]+(.*))?$/
const TIME = /^(\d{1,2})[:.](\d{1,2})(?:[:.](\d{1,2})(?:\.\d{1,9})?)?[ ]*([AaPp][Mm])?[ ]*(.*)$/

/** Reads a Date: field (or a date of ctime or ISO 8601, which mail has too); `undefined` when it is none. */
export function parseDate(field: string): ZonedTime | undefined {
  if (field.length > 500) return undefined
  const plain = field.replace(/\([^()]*\)/g, ' ').replace(/[ \t\r\n]+/g, ' ')
  const text = trimBinary(plain.replace(/ ?: ?/g, ':'))
  const words = WORDS.exec(text)
  if (words !== null) return zonedTime(fullYear(words[3]), monthOf(words[2]), Number(words[1]), words[4] ?? '')
  const ctime = CTIME.exec(text)
  if (ctime !== null) {
    const zone = ctime[6] ?? ctime[4] ?? ''
    return zonedTime(Number(ctime[5]), monthOf(ctime[1]), Number(ctime[2]), `${ctime[3] ?? ''} ${zone}`)
  }
  const iso = ISO.exec(text)
  if (iso !== null) return zonedTime(Number(iso[1]), Number(iso[2]) - 1, Number(iso[3]), iso[4] ?? '')
  return undefined
}

// obs-year (RFC 5322 §4.3): 00-49 are 2000 on, 50-99 and three digits are 1900 on
function fullYear(digits: string | undefined): number {
  const year = Number(digits)
  if (digits === undefined || digits.length > 3) return year
  return digits.length === 3 || year >= 50 ? year + 1900 : year + 2000
}

function monthOf(word: string | undefined): number {
  const short = word?.slice(0, 3).toLowerCase()
  return MONTHS.findIndex((month) => month.toLowerCase() === short)
}

function zonedTime(year: number, month: number, day: number, rest: string): ZonedTime | undefined {
  const time = TIME.exec(rest)
  let hour = Number(time?.[1] ?? 0)
  const minute = Number(time?.[2] ?? 0)
  const second = Number(time?.[3] ?? 0)
  const half = time?.[4]?.toLowerCase()
  if (half !== undefined && hour <= 12) hour = (hour % 12) + (half === 'pm' ? 12 : 0)
  const offsetMinutes = zoneMinutes(time?.[5] ?? '')
  return atZone(year, month, day, hour, minute, second, offsetMinutes)
}

function atZone(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  offsetMinutes: number,
): ZonedTime | undefined {
  // A second of 60 is a leap second; it becomes the next one.
  if (month < 0 || month > 11 || hour > 24 || minute > 59 || second > 60) return undefined
  const midnight = new Date(0)
  midnight.setUTCFullYear(year, month, day)
  if (midnight.getUTCMonth() !== month || midnight.getUTCDate() !== day) return undefined
  const ms = midnight.getTime() + ((hour * 60 + minute - offsetMinutes) * 60 + second) * 1000
  return Number.isFinite(ms) ? { ms, offsetMinutes } : undefined
}

function zoneMinutes(text: string): number {
  const named = /^([A-Za-z]{1,5})(?![A-Za-z])/.exec(text)?.[1]?.toUpperCase()
  const numeric = /([+-])(\d{1,2}):?(\d{2})/.exec(text)
  if (numeric !== null && (named === undefined || named === 'GMT' || named === 'UTC')) {
    const minutes = Number(numeric[2]) * 60 + Number(numeric[3])
    if (minutes > 24 * 60) return 0
    return numeric[1] === '-' ? -minutes : minutes
  }
  return named === undefined ? 0 : (ZONES[named] ?? 0)
}

/** Days since 1970-01-01 on the calendar of the zone it was written in (RFC 9051 §6.4.4, SENTON & co). */
export function localDay(time: ZonedTime): number {
  return Math.floor((time.ms + time.offsetMinutes * 60_000) / DAY_MS)
}

/** IMAP's date-time without its quotes, `17-Jul-1996 02:44:25 -0700` (RFC 9051 §9); the day is padded with a space. */
export function formatInternalDate(ms: number, offsetMinutes = 0): string {
  const local = new Date(ms + offsetMinutes * 60_000)
  const day = String(local.getUTCDate()).padStart(2, ' ')
  // four digits are all the grammar has room for
  const year = String(Math.min(9_999, Math.max(0, local.getUTCFullYear()))).padStart(4, '0')
  return `${day}-${MONTHS[local.getUTCMonth()]}-${year} ${clock(local)} ${formatZone(offsetMinutes)}`
}

/** A Date: or Received: field, `Wed, 17 Jul 1996 02:23:25 -0700` (RFC 5322 §3.3). */
export function formatDate(ms: number, offsetMinutes = 0): string {
  const local = new Date(ms + offsetMinutes * 60_000)
  const date = `${weekday(local)}, ${local.getUTCDate()} ${MONTHS[local.getUTCMonth()]} ${local.getUTCFullYear()}`
  return `${date} ${clock(local)} ${formatZone(offsetMinutes)}`
}

/** The date of an mbox `From ` line, in UTC: `Wed Jul 17 09:23:25 1996` (RFC 4155). */
export function formatMboxDate(ms: number): string {
  const date = new Date(ms)
  const day = String(date.getUTCDate()).padStart(2, ' ')
  return `${weekday(date)} ${MONTHS[date.getUTCMonth()]} ${day} ${clock(date)} ${date.getUTCFullYear()}`
}

function weekday(date: Date): string {
  return ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][date.getUTCDay()] ?? ''
}

function clock(date: Date): string {
  return date.toISOString().slice(-13, -5)
}

function formatZone(offsetMinutes: number): string {
  const minutes = Math.abs(offsetMinutes)
  const digits = `${Math.floor(minutes / 60)}`.padStart(2, '0') + `${minutes % 60}`.padStart(2, '0')
  return (offsetMinutes < 0 ? '-' : '+') + digits
}
