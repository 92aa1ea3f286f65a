import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '#lib/clock.ts'
import type { AccountRecord } from '#store/directory.ts'

/** How long a verified password is known without hashing it again. */
const LIFETIME_MS = 10 * 60_000
const MOST_ACCOUNTS = 100_000

interface Entry {
  readonly mac: Uint8Array
  readonly until: number
}

/**
 * Passwords that were right a short while ago, so that phones which poll do not cost 50 ms each time.
 * Kept as keyed hashes under a key that lives in this process only. The hash on record is part of each: a password that was
 * changed or removed anywhere is not found any more.
 */
export class CredentialCache {
  readonly #clock: Clock
  readonly #key = randomBytes(32).toString('hex')
  readonly #entries = new Map<number, Entry>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether this password was right lately. */
  has(account: AccountRecord, password: string): boolean {
    const entry = this.#entries.get(account.ref.id)
    if (entry === undefined || account.passwordHash === undefined) return false
    if (entry.until <= this.#clock.now()) {
      this.#entries.delete(account.ref.id)
      return false
    }
    return timingSafeEqual(entry.mac, this.#mac(account, password))
  }

  /** Notes that this password is right. */
  add(account: AccountRecord, password: string): void {
    if (account.passwordHash === undefined) return
    this.#entries.delete(account.ref.id)
    this.#entries.set(account.ref.id, { mac: this.#mac(account, password), until: this.#clock.now() + LIFETIME_MS })
    if (this.#entries.size <= MOST_ACCOUNTS) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      return
    }
  }

  forget(account: number): void {
    this.#entries.delete(account)
  }

  #mac({ ref, passwordHash }: AccountRecord, password: string): Uint8Array {
    // JSON keeps the parts apart, and nobody sees what could be made longer (HMAC's second round is for that)
    return hash('sha256', this.#key + JSON.stringify([ref.id, passwordHash, password]), 'buffer')
  }
}
