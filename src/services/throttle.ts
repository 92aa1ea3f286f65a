/** Failed logins, counted per address and per account, forgotten exponentially. Asked before any password is looked at. @module */
import type { Clock } from '#lib/clock.ts'
import type { Rank } from './fair-queue.ts'
import { addressGroup, type NetworkTest, networkGroup } from './networks.ts'

export interface ThrottleOptions {
  readonly clock: Clock
  /** As many failures at once, and about as many a minute after that. 0: no throttle. */
  readonly failuresPerMinute: number
  /** Addresses whose failures are neither counted nor slowed. */
  readonly exempt: NetworkTest
}

/** Failures weigh e times less after this. */
const FORGETTING_MS = 60_000
/** Addresses, networks and logins that are remembered; of each, the ones longest untouched go first. */
const MOST_KEYS = 100_000
/** A network may fail so many times as often as one of its addresses. */
const NETWORK_SHARE = 5
/** The part of what may fail that is answered at once; behind it answers come later and later… */
const UNHURRIED = 1 / 3
/** …up to this. */
const MOST_DELAY_MS = 3_000
/** Less of a failure than this is none any more. */
const FORGOTTEN = 0.1

interface Score {
  weight: number
  at: number
}

/**
 * Slows guessing down: failures are answered later and later, then refused without a look at the password. They count
 * for the address, for the network around it, and for the account.
 *
 * An account is slowed for addresses it did not log in from lately only, so that guessing at it from elsewhere does
 * not lock its owner out.
 */
export class LoginThrottle {
  readonly #options: ThrottleOptions
  readonly #addresses = new Map<string, Score>()
  readonly #networks = new Map<string, Score>()
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
    return Math.max(0, ...this.#measured(address, login).map(({ weight, most }) => waitFor(weight, most)))
  }

  /** How long the answer to a failure is held back, after {@link failed}. */
  delayMs(address: string, login: string): number {
    if (this.#options.failuresPerMinute <= 0 || this.#options.exempt(address)) return 0
    const used = Math.max(...this.#measured(address, login).map(({ weight, most }) => weight / most))
    return Math.round(MOST_DELAY_MS * Math.min(1, Math.max(0, (used - UNHURRIED) / (1 - UNHURRIED))))
  }

  /** How soon a password that costs much to check gets its turn: who logged in from there before, then who has not failed. */
  rank(address: string, login: string): Rank {
    if (this.#options.failuresPerMinute <= 0 || this.#options.exempt(address)) return 0
    const group = addressGroup(address)
    if (this.#trusted.has(`${group} ${login}`)) return 0
    return this.#weight(this.#addresses.get(group)) < FORGOTTEN ? 1 : 2
  }

  failed(address: string, login: string): void {
    if (this.#options.exempt(address)) return
    this.#add(this.#addresses, addressGroup(address))
    this.#add(this.#networks, networkGroup(address))
    this.#add(this.#logins, login)
  }

  succeeded(address: string, login: string): void {
    if (!this.#options.exempt(address)) remember(this.#trusted, `${addressGroup(address)} ${login}`)
  }

  /** What weighs against an attempt, each with what it may weigh: one more failure must fit under the limit. */
  #measured(address: string, login: string): { readonly weight: number; readonly most: number }[] {
    const most = Math.max(this.#options.failuresPerMinute - 1, 0.5)
    const group = addressGroup(address)
    const measured = [{ weight: this.#weight(this.#addresses.get(group)), most }]
    // neighbours and strangers who guess do not lock the owner out
    if (this.#trusted.has(`${group} ${login}`)) return measured
    return [
      ...measured,
      { weight: this.#weight(this.#networks.get(networkGroup(address))), most: NETWORK_SHARE * most },
      { weight: this.#weight(this.#logins.get(login)), most },
    ]
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

/** Milliseconds until a weight is down to what it may be. */
function waitFor(weight: number, most: number): number {
  return weight <= most ? 0 : Math.ceil(FORGETTING_MS * Math.log(weight / most))
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
