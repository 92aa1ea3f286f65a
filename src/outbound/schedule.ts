/** When mail is tried again, and when no longer (RFC 5321 §4.5.4.1). @module */

/** What the configuration says of it (`[queue]`). */
export interface Patience {
  /** Pauses between tries; the last one counts for all that follow. */
  readonly retryMs: readonly number[]
  /** After which the sender is told; 0: never. */
  readonly warnMs: number
  readonly giveUpMs: number
}

export interface Waiting {
  /** Since when it could be sent: FUTURERELEASE (RFC 4865) is no delay. */
  readonly since: number
  readonly now: number
  /** Tries so far, this one included. */
  readonly attempts: number
  /** The sender knows already, or does not want to. */
  readonly told: boolean
}

export type Next =
  | { readonly kind: 'again'; readonly at: number /** The sender is to be told now. */; readonly warn: boolean }
  | { readonly kind: 'give-up' }

/** A tenth more or less, so that what failed together does not come back together. */
const JITTER = 0.1

/** @param random at least 0, less than 1. */
export function nextTry({ since, now, attempts, told }: Waiting, patience: Patience, random: number): Next {
  const { retryMs, warnMs, giveUpMs } = patience
  const end = since + giveUpMs
  if (now >= end) return { kind: 'give-up' }
  const pause = retryMs[Math.min(attempts, retryMs.length) - 1] ?? giveUpMs
  const usual = now + Math.round(pause * (1 - JITTER + 2 * JITTER * random))
  const warning = warnMs === 0 || told ? Number.POSITIVE_INFINITY : since + warnMs
  const warn = warning <= now
  // a warning is in time, and the last try is at the very end
  return { kind: 'again', at: Math.min(usual, end, warn ? end : warning), warn }
}

/** How long a destination that does not answer is left alone: one try finds out. */
export function pauseOf(failures: number, random: number): number {
  const pause = Math.min(30, 2 ** Math.max(0, failures - 1)) * 60_000
  return Math.round(pause * (1 - JITTER + 2 * JITTER * random))
}
