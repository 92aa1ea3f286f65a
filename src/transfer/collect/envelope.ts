/** What the header of a collected message says of its way here. @module */
import { parseAddresses } from '#mail/addresses.ts'
import { parseDate } from '#mail/dates.ts'
import { firstValue, headerFields } from '#mail/headers.ts'
import type { Spooled } from './spool.ts'

/** Of fields that are looked at, and of the people that one may name. */
const MOST_FIELDS = 1_000
const MOST_PEOPLE = 1_000
/** What the parser puts where there is none. */
const NO_DOMAIN = 'MISSING_DOMAIN'

/** The addresses in the first field of this name, which is the last that was put on; none without the field. */
export function addressesIn(message: Spooled, field: string): readonly string[] {
  const value = valueOf(message, field)
  const parsed = value === undefined ? [] : parseAddresses(value)
  const found = parsed.flatMap(({ mailbox, host }) =>
    mailbox === undefined || host === undefined || host === NO_DOMAIN ? [] : [`${mailbox}@${host}`],
  )
  return [...new Set(found)].slice(0, MOST_PEOPLE)
}

/** When it came to the server that had it last, by its topmost trace line; never later than now. */
export function arrivedAt(message: Spooled, now: number): number {
  // RFC 5321 §4.4: the date stands behind the last semicolon
  const ms = parseDate(valueOf(message, 'Received')?.replace(/^.*;/s, '') ?? '')?.ms
  return ms === undefined || ms > now ? now : ms
}

function valueOf({ beginning }: Spooled, field: string): string | undefined {
  return firstValue(headerFields(beginning.toString('latin1'), MOST_FIELDS), field.toLowerCase())
}
