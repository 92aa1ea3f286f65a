import type { ConnectionId } from './registry.ts'

interface Lock {
  readonly holder: ConnectionId
  /** In the order in which they asked. */
  readonly waiting: { readonly connection: ConnectionId; readonly decide: (entered: boolean) => void }[]
}

/**
 * Exclusive use of POP3 maildrops (RFC 1939 §4). Whoever finds one held has its holder asked to yield, and waits a
 * moment for the answer (design §4).
 */
export class MaildropLocks {
  readonly #waitMs: number
  readonly #askToYield: (holder: ConnectionId) => void
  readonly #locks = new Map<string, Lock>()

  constructor(waitMs: number, askToYield: (holder: ConnectionId) => void) {
    this.#waitMs = waitMs
    this.#askToYield = askToYield
  }

  /**
   * @param maildrop Any name, the same for the same maildrop.
   * @returns Whether the connection holds the maildrop now.
   */
  async lock(maildrop: string, connection: ConnectionId): Promise<boolean> {
    const lock = this.#locks.get(maildrop)
    if (lock === undefined) {
      this.#locks.set(maildrop, { holder: connection, waiting: [] })
      return true
    }
    if (lock.holder === connection) return true
    return new Promise((resolve) => {
      const timer = setTimeout(() => waiter.decide(false), this.#waitMs)
      const waiter = {
        connection,
        decide: (entered: boolean): void => {
          clearTimeout(timer)
          const queue = this.#locks.get(maildrop)?.waiting ?? []
          const place = queue.indexOf(waiter)
          if (place !== -1) queue.splice(place, 1)
          resolve(entered)
        },
      }
      lock.waiting.push(waiter)
      this.#askToYield(lock.holder)
    })
  }

  /** Gives the maildrop to the first who waits. Does nothing when the connection neither holds it nor waits. */
  unlock(maildrop: string, connection: ConnectionId): void {
    const lock = this.#locks.get(maildrop)
    if (lock === undefined) return
    if (lock.holder !== connection) {
      lock.waiting.find((waiter) => waiter.connection === connection)?.decide(false)
      return
    }
    const next = lock.waiting.shift()
    if (next === undefined) this.#locks.delete(maildrop)
    else {
      this.#locks.set(maildrop, { holder: next.connection, waiting: lock.waiting })
      next.decide(true)
    }
  }
}
