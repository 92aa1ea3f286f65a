/**
 * Passwords for one login each, for who administers the installation and so may read the mail anyway (`malle mail
 * --config`). They live in memory alone: whatever becomes of the command that asked, nothing of them stays.
 * @module
 */
import { timingSafeEqual } from 'node:crypto'
import type { Clock } from '#lib/clock.ts'
import type { AccountId } from '#mail/ids.ts'
import { appPasswordDigest, makeAppPassword } from './passwords.ts'

/** From the asking to the login. */
const LIFETIME_MS = 60_000
/** Beyond these the oldest goes. */
const MOST_PASSES = 1_000

interface Pass {
  readonly account: number
  readonly digest: Uint8Array
  readonly until: number
}

/** See the module. */
export class LoginPasses {
  readonly #clock: Clock
  /** The oldest first. */
  #passes: readonly Pass[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Makes one. */
  issue(account: AccountId): string {
    const password = makeAppPassword()
    const pass = { account, digest: appPasswordDigest(password), until: this.#clock.now() + LIFETIME_MS }
    this.#passes = [...this.#valid(), pass].slice(-MOST_PASSES)
    return password
  }

  /** Whether it is one of this account; it is none any more then. */
  take(account: AccountId, password: string): boolean {
    if (this.#passes.length === 0) return false
    const digest = appPasswordDigest(password)
    const valid = this.#valid()
    const found = valid.find((pass) => pass.account === account && timingSafeEqual(pass.digest, digest))
    this.#passes = valid.filter((pass) => pass !== found)
    return found !== undefined
  }

  /** The account is closed, or gone. */
  forget(account: number): void {
    this.#passes = this.#passes.filter((pass) => pass.account !== account)
  }

  #valid(): readonly Pass[] {
    const now = this.#clock.now()
    return this.#passes.filter(({ until }) => until > now)
  }
}
