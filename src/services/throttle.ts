/** Failed logins, counted per address and per account, forgotten exponentially. Asked before any password is looked at. @module */
import type { Clock } from '#lib/clock.ts'
import { addressGroup, type NetworkTest } from './networks.ts'

export interface ThrottleOptions {
  readonly clock: Clock
  /** As many failures at once, and about as many a minute after that. 0: no throttle. */
  readonly failuresPerMinute: number
  /** Addresses whose failures are neither counted nor slowed. */
  readonly exempt: NetworkTest
}

/** Failures weigh e times less after this. */
const FORGETTING_MS = 60_000
/** Addresses and logins that are remembered; the ones longest untouched go first. */
const MOST_KEYS = 100_000

interface Score {
  weight: number
  at: number
}

/**
 * Slows guessing down.
 *
 * An account is slowed for addresses it did not log in from lately only, so that guessing at it from elsewhere does
 * not lock its owner out.
 */
export class LoginThrottle {
  readonly #options: ThrottleOptions
  readonly #addresses = new Map<string, Score>()
  readonly #logins = new Map<string, Score>()
  readonly #trusted = new Set<string>()

  constructor(options: ThrottleOptions) {
    this.#options = options
  }

  /**
   * How long this address has to wait before it may try this login.
   * @param login Canonical; unknown ones count as known ones do.
   * @returns Milliseconds; 0: now.
   */
  waitMs(address: string, login: string): number {
    if (this.#options.failuresPerMinute <= 0 || this.#options.exempt(address)) return 0
    const group = addressGroup(address)
    const byAddress = this.#wait(this.#addresses, group)
    return this.#trusted.has(`${group} ${login}`) ? byAddress : Math.max(byAddress, this.#wait(this.#logins, login))
  }

  failed(address: string, login: string): void {
    if (this.#options.exempt(address)) return
    this.#add(this.#addresses, addressGroup(address))
    this.#add(this.#logins, login)
  }

  succeeded(address: string, login: string): void {
    if (!this.#options.exempt(address)) remember(this.#trusted, `${addressGroup(address)} ${login}`)
  }

  #wait(scores: Map<string, Score>, key: string): number {
    const weight = this.#weight(scores.get(key))
    // one more failure must fit under the limit
    const most = Math.max(this.#options.failuresPerMinute - 1, 0.5)
    return weight <= most ? 0 : Math.ceil(FORGETTING_MS * Math.log(weight / most))
  }

  #weight(score: Score | undefined): number {
    if (score === undefined) return 0
    const passed = Math.max(0, this.#options.clock.now() - score.at)
    return score.weight * Math.exp(-passed / FORGETTING_MS)
  }

  #add(scores: Map<string, Score>, key: string): void {
    const weight = this.#weight(scores.get(key)) + 1
    scores.delete(key)
    scores.set(key, { weight, at: this.#options.clock.now() })
    dropOldest(scores)
  }
}

function remember(keys: Set<string>, key: string): void {
  keys.delete(key)
  keys.add(key)
  dropOldest(keys)
}

/** Maps and sets give their keys in the order in which they were put in. */
function dropOldest(keys: Map<string, unknown> | Set<string>): void {
  if (keys.size <= MOST_KEYS) return
  for (const key of keys.keys()) {
    keys.delete(key)
    return
  }
}
