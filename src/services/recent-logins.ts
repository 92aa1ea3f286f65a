import type { AccountId } from '#mail/ids.ts'

/** Looked through for what is over when there are so many. */
const SWEEP_AT = 1_024

/** When accounts that must wait between logins logged in last; forgets them when their delay is over. */
export class RecentLogins {
  readonly #logins = new Map<AccountId, { readonly at: number; readonly until: number }>()
  #sweepAt = SWEEP_AT

  /** Milliseconds since 1970; long ago when it is not known. */
  at(account: AccountId): number {
    return this.#logins.get(account)?.at ?? Number.NEGATIVE_INFINITY
  }

  note(account: AccountId, now: number, delayMs: number): void {
    this.#logins.set(account, { at: now, until: now + delayMs })
    if (this.#logins.size < this.#sweepAt) return
    for (const [id, { until }] of this.#logins) if (until <= now) this.#logins.delete(id)
    this.#sweepAt = Math.max(SWEEP_AT, 2 * this.#logins.size)
  }
}
