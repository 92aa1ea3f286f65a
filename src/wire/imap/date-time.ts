/** Dates of IMAP (RFC 9051 §9 date, date-time). @module */
import { formatInternalDate } from '#mail/dates.ts'

/** A moment and the zone it was written in. */
export interface DateTime {
  /** Milliseconds since 1970, whole seconds. */
  readonly time: number
  /** Minutes east of UTC. */
  readonly zone: number
}

/** A day without time or zone. */
export interface CalendarDate {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly day: number
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `17-Jul-1996 02:44:25 -0700`, without quotes; `undefined` where it is not one. */
export function parseDateTime(text: string): DateTime | undefined {
  // date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
  // The space before a day of one digit is left out by some: see quirks.ts.
  const match = /^ ?(\d{1,2}-[a-z]{3}-\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/i.exec(text)
  const date = parseDate(match?.[1] ?? '')
  if (match === null || date === undefined) return undefined
  const [hour, minute, second, zoneHour, zoneMinute] = [match[2], match[3], match[4], match[6], match[7]].map(Number)
  if (hour === undefined || minute === undefined || second === undefined) return undefined
  if (zoneHour === undefined || zoneMinute === undefined) return undefined
  if (hour > 23 || minute > 59 || second > 60 || zoneHour > 23 || zoneMinute > 59) return undefined
  const zone = (zoneHour * 60 + zoneMinute) * (match[5] === '-' ? -1 : 1)
  return { time: midnight(date) + ((hour * 60 + minute - zone) * 60 + second) * 1000, zone: zone === 0 ? 0 : zone }
}

/** `17-Jul-1996 02:44:25 -0700`, without quotes. */
export function formatDateTime({ time, zone }: DateTime): string {
  return formatInternalDate(time, zone)
}

/** `1-Feb-1994`; `undefined` where it is not one, or there is no such day. */
export function parseDate(text: string): CalendarDate | undefined {
  // date-text = date-day "-" date-month "-" date-year
  const match = /^(\d{1,2})-([a-z]{3})-(\d{4})$/i.exec(text)
  if (match === null) return undefined
  const name = (match[2] ?? '').toLowerCase()
  const date = {
    year: Number(match[3]),
    month: MONTHS.findIndex((month) => month.toLowerCase() === name) + 1,
    day: Number(match[1]),
  }
  if (date.month === 0 || date.day === 0) return undefined
  return new Date(midnight(date)).getUTCDate() === date.day ? date : undefined
}

/** `1-Feb-1994`. */
export function formatDate({ year: y, month, day }: CalendarDate): string {
  return `${day}-${MONTHS[month - 1]}-${year(y)}`
}

/** Milliseconds of the beginning of the day in UTC. */
function midnight({ year: y, month, day }: CalendarDate): number {
  // Date.UTC takes the years 0 to 99 for 1900 to 1999.
  return new Date(0).setUTCFullYear(y, month - 1, day)
}

function year(value: number): string {
  return String(Math.min(9999, Math.max(0, value))).padStart(4, '0')
}
