import type { AccountRecord } from '#store/directory.ts'

const MOST_ACCOUNTS = 10_000

/**
 * Accounts as they were read, by id and by address. A login asks for its account three times, and every session keeps
 * the record: all have the same one. Who changes a row forgets it here, once the change is committed or undone.
 */
export class AccountCache {
  readonly #byId = new Map<number, AccountRecord>()
  readonly #byAddress = new Map<string, AccountRecord>()

  byId(id: number): AccountRecord | undefined {
    return this.#byId.get(id)
  }

  byAddress(address: string): AccountRecord | undefined {
    return this.#byAddress.get(address)
  }

  /** Keeps it, and gives it back. */
  keep(account: AccountRecord): AccountRecord {
    if (this.#byId.size >= MOST_ACCOUNTS) {
      const oldest = this.#byId.values().next().value
      if (oldest !== undefined) this.forget(oldest.ref.id)
    }
    this.#byId.set(account.ref.id, account)
    this.#byAddress.set(account.address, account)
    return account
  }

  forget(id: number): void {
    const account = this.#byId.get(id)
    if (account === undefined) return
    this.#byId.delete(id)
    this.#byAddress.delete(account.address)
  }
}
