/** Where a commit takes along the messages that are about to be there. @module */
import { performance } from 'node:perf_hooks'

/** A message of which nothing has come for so long is not waited for. */
const QUIET_MS = 0.15
/** Nobody waits longer for others. */
const MOST_MS = 8

/**
 * The messages that a thread is receiving. Where its writer has no core of its own, a commit that begins while some of
 * them are nearly there takes the core away from them, and leaves them to another commit: a third of the processor time
 * of a message is then that of commits. So who has a whole message waits until the thread has read what has come.
 */
export class Arrivals {
  readonly #alone: boolean
  readonly #now: () => number
  #open = 0
  #stirs = 0
  #waiting: Promise<void> | undefined

  /**
   * @param alone Thread and writer share one core.
   * @param now Milliseconds from anywhere, with fractions.
   */
  constructor(alone: boolean, now: () => number = () => performance.now()) {
    this.#alone = alone
    this.#now = now
  }

  /** A message begins. */
  begin(): void {
    this.#open += 1
    this.#stirs += 1
  }

  /** More of a message has come. */
  stir(): void {
    this.#stirs += 1
  }

  /** A message is whole, or will never be. */
  end(): void {
    this.#open -= 1
    this.#stirs += 1
  }

  /** Settles when no other message is about to be whole, at once where there is none; `undefined`: do not wait. */
  together(): Promise<void> | undefined {
    if (!this.#alone) return undefined
    this.#waiting ??= new Promise((resolve) => {
      const begun = this.#now()
      let heard = begun
      let stirs = this.#stirs
      const look = (): void => {
        const now = this.#now()
        const stirred = this.#stirs !== stirs
        if (stirred) heard = now
        stirs = this.#stirs
        if ((stirred || (this.#open > 0 && now - heard < QUIET_MS)) && now - begun < MOST_MS) {
          setImmediate(look)
          return
        }
        this.#waiting = undefined
        resolve()
      }
      setImmediate(look)
    })
    return this.#waiting
  }
}
