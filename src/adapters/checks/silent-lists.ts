/** Lists in the DNS that do not answer: left out for a while, as each would delay every recipient by its time limit. @module */
import type { Clock } from '#lib/clock.ts'

/** Times in a row that a list must be silent to be left out, and for how long that is. */
const MOST_SILENCES = 3
const LEFT_OUT_MS = 300_000

interface State {
  silences: number
  /** 0: it is asked. */
  leftOutUntil: number
}

export class SilentLists {
  readonly #clock: Clock
  readonly #told: (silent: readonly string[], message: string) => void
  readonly #states = new Map<string, State>()

  /** @param told Which lists are left out now, whenever that changes, and a sentence for the log. */
  constructor(clock: Clock, told: (silent: readonly string[], message: string) => void) {
    this.#clock = clock
    this.#told = told
  }

  /** Whether a list is to be asked. One whose time is over is asked once, to find out. */
  asks(list: string): boolean {
    const state = this.#states.get(list)
    const now = this.#clock.now()
    if (state === undefined || state.leftOutUntil === 0) return true
    if (state.leftOutUntil > now) return false
    state.leftOutUntil = now + LEFT_OUT_MS
    return true
  }

  answered(list: string): void {
    const state = this.#states.get(list)
    if (state === undefined) return
    this.#states.delete(list)
    if (state.leftOutUntil > 0) this.#told(this.#silent(), `The list ${list} answers again`)
  }

  silent(list: string): void {
    const state = this.#states.get(list) ?? { silences: 0, leftOutUntil: 0 }
    this.#states.set(list, state)
    state.silences += 1
    if (state.leftOutUntil > 0 || state.silences < MOST_SILENCES) return
    state.leftOutUntil = this.#clock.now() + LEFT_OUT_MS
    const minutes = LEFT_OUT_MS / 60_000
    this.#told(this.#silent(), `The list ${list} does not answer: it is asked again in ${minutes} minutes`)
  }

  #silent(): readonly string[] {
    return [...this.#states].filter(([, { leftOutUntil }]) => leftOutUntil > 0).map(([list]) => list)
  }
}
