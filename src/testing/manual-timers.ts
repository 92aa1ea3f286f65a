import type { Timers } from '#client/timers.ts'

/** Time that passes when a test says so. */
export class ManualTimers implements Timers {
  #now = 1_700_000_000_000
  readonly #due = new Map<() => void, number>()

  now(): number {
    return this.#now
  }

  after(ms: number, run: () => void): () => void {
    const call = (): void => run()
    this.#due.set(call, this.#now + ms)
    return () => this.#due.delete(call)
  }

  /** How many wait. */
  get waiting(): number {
    return this.#due.size
  }

  /** Until the last of them is due, milliseconds. */
  get furthest(): number {
    return Math.max(this.#now, ...this.#due.values()) - this.#now
  }

  /** Lets time pass, in order. */
  pass(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const next = [...this.#due].sort((a, b) => a[1] - b[1])[0]
      if (next === undefined || next[1] > end) break
      this.#now = Math.max(this.#now, next[1])
      this.#due.delete(next[0])
      next[0]()
    }
    this.#now = end
  }
}
