/** How much an account sends, and what of it is not usual: decisions on counts alone. @module */
import { HOUR_MS, type SentHour } from '#store/sending.ts'

/** How far the baseline looks back. */
export const BASELINE_HOURS: number = 28 * 24
/** The last day belongs to what is judged, not to what is usual. */
const DAY_HOURS = 24
/** A network is known when the account has sent from it for so long. */
export const KNOWN_AFTER_MS: number = 3 * 24 * HOUR_MS
/** So many times what is usual in a day, within an hour, is not usual. */
const TIMES_USUAL = 10

/** Limits of 24 hours; 0: none. */
export interface DayLimits {
  readonly messages: number
  readonly recipients: number
}

/** What may still be sent. */
export interface SendingLeft {
  readonly messages: number
  readonly recipients: number
  readonly limits: DayLimits
  /** When more may be sent again, ms since 1970: as soon as the oldest hour of the day is over a day old. */
  readonly resumesAt: number
}

/** @param hours At least those of the last day, ascending. */
export function sendingLeft(hours: readonly SentHour[], limits: DayLimits, now: number): SendingLeft {
  const first = hourOf(now) - DAY_HOURS + 1
  const day = hours.filter(({ hour }) => hour >= first)
  const left = (limit: number, sent: (one: SentHour) => number): number =>
    limit === 0 ? Number.POSITIVE_INFINITY : Math.max(0, limit - day.reduce((sum, one) => sum + sent(one), 0))
  const oldest = day[0]?.hour ?? hourOf(now)
  return {
    messages: left(limits.messages, ({ messages }) => messages),
    recipients: left(limits.recipients, ({ recipients }) => recipients),
    limits,
    resumesAt: (oldest + DAY_HOURS) * HOUR_MS,
  }
}

/** What is known when a message is judged. */
export interface OutburstFacts {
  /** Recipients on other servers within the hour, this message's among them. */
  readonly lastHour: number
  /** Recipients on other servers in a day on which the account sends. */
  readonly usualDay: number
  /** Recipients on other servers in an hour that an administrator has said are right; 0: none. */
  readonly taught: number
  /** When the account first sent from this network; `undefined`: never. */
  readonly firstFrom: number | undefined
  readonly now: number
}

/**
 * Whether this is what a thief of the password does: from a network that the account has not sent from for long, to far
 * more people within an hour than in ten of its days.
 * @param threshold As many an hour are never an outburst; 0: nothing is.
 */
export function isOutburst(facts: OutburstFacts, threshold: number): boolean {
  const { lastHour, usualDay, taught, firstFrom, now } = facts
  if (threshold === 0) return false
  const known = firstFrom !== undefined && now - firstFrom >= KNOWN_AFTER_MS
  return !known && lastHour > Math.max(threshold, TIMES_USUAL * usualDay, taught)
}

/** The mean of the days on which the account sent to other servers, those of the last 24 hours apart. */
export function usualDay(hours: readonly SentHour[], now: number): number {
  const end = hourOf(now) - DAY_HOURS + 1
  const days = new Map<number, number>()
  for (const { hour, outside } of hours) {
    if (hour >= end || hour < end - BASELINE_HOURS || outside === 0) continue
    const day = Math.floor(hour / DAY_HOURS)
    days.set(day, (days.get(day) ?? 0) + outside)
  }
  const sum = Array.from(days.values()).reduce((all, one) => all + one, 0)
  return days.size === 0 ? 0 : sum / days.size
}

/** Recipients on other servers in the 60 minutes before `now`, taken as spread evenly over the hour before this one. */
export function lastHourOutside(hours: readonly SentHour[], now: number): number {
  const hour = hourOf(now)
  const of = (which: number): number => hours.find((one) => one.hour === which)?.outside ?? 0
  const past = (now % HOUR_MS) / HOUR_MS
  return of(hour) + Math.ceil(of(hour - 1) * (1 - past))
}

export function hourOf(at: number): number {
  return Math.floor(at / HOUR_MS)
}
