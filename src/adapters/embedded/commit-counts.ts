/**
 * How often each account was committed to, in memory that all threads share: whoever finds the number that was there
 * before they read knows that nothing has happened since, without reading. @module
 */

/** Accounts with larger numbers are not counted; pages of memory that nobody touches cost nothing. */
const ACCOUNTS = 1_048_576
/** Counts for all accounts at once. */
const EVERYBODY = 0

export class CommitCounts {
  readonly memory: SharedArrayBuffer
  readonly #counts: Int32Array

  /** @param memory Of another thread's; without, all begins here. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(4 * (1 + ACCOUNTS))) {
    this.memory = memory
    this.#counts = new Int32Array(memory)
  }

  /**
   * Grows by one with each MODSEQ that is given in the account, once it is committed and before anybody is answered, and
   * by more where that may not tell all. `undefined`: not counted.
   */
  of(account: number): number | undefined {
    if (account >= ACCOUNTS) return undefined
    return (Atomics.load(this.#counts, EVERYBODY) + Atomics.load(this.#counts, 1 + account)) | 0
  }

  add(account: number): void {
    if (account < ACCOUNTS) Atomics.add(this.#counts, 1 + account, 1)
  }

  /** Something may have happened anywhere. */
  addToAll(): void {
    Atomics.add(this.#counts, EVERYBODY, 1)
  }
}
