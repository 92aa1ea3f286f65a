/** FUTURERELEASE: parameters of MAIL that have a message wait (RFC 4865). @module */
import { done, type Result, refused } from '#lib/result.ts'

/** What is wrong with them. */
export type FutureReleaseFault = 'both' | 'HOLDFOR' | 'HOLDUNTIL' | 'too-long'

/**
 * When a message may go, ms since 1970; `undefined`: at once.
 * @param parameters As sent: what stands behind the path of MAIL.
 * @param mostSeconds The longest that it may wait.
 */
export function parseFutureRelease(
  parameters: string,
  now: number,
  mostSeconds: number,
): Result<number | undefined, FutureReleaseFault> {
  const sent = Array.from(parameters.matchAll(/(?:^|[ \t])(HOLDFOR|HOLDUNTIL)=(\S*)/gi))
  const [parameter, ...more] = sent
  if (parameter === undefined) return done(undefined)
  // "HOLDFOR" and "HOLDUNTIL" must not both be there (RFC 4865 §5)
  if (more.length > 0) return refused('both')
  if (mostSeconds === 0) return refused('too-long')
  const [, name = '', value = ''] = parameter
  const until = name.toUpperCase() === 'HOLDFOR' ? afterSeconds(value, now) : dateTime(value)
  if (until === undefined) return refused(name.toUpperCase() === 'HOLDFOR' ? 'HOLDFOR' : 'HOLDUNTIL')
  if (until > now + mostSeconds * 1_000) return refused('too-long')
  return done(until <= now ? undefined : until)
}

/** `FUTURERELEASE 2592000 2026-12-29T08:00:00Z`, as EHLO says it (RFC 4865 §4). */
export function futureReleaseKeyword(now: number, mostSeconds: number): string {
  const latest = new Date(Math.floor(now / 1_000) * 1_000 + mostSeconds * 1_000)
  return `FUTURERELEASE ${mostSeconds} ${latest.toISOString().replace('.000Z', 'Z')}`
}

// future-release-integer = 1*9DIGIT
function afterSeconds(value: string, now: number): number | undefined {
  return /^\d{1,9}$/.test(value) ? now + Number(value) * 1_000 : undefined
}

// internet-style-date-time-UTC: RFC 3339 in UTC; offsets are read, too
function dateTime(value: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i.test(value)) return undefined
  const ms = Date.parse(value)
  return Number.isNaN(ms) ? undefined : ms
}
