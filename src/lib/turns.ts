import { setImmediate as nextTurn } from 'node:timers/promises'

/** How long one piece of work may keep the loop from the others. */
const SLICE_MS = 5

/**
 * Lets others run while a long piece of work goes on: `if (turns.over) await turns.share()`.
 * Awaiting something that is already there does not do that: the loop goes on only when the queue of promises is empty.
 */
export class Turns {
  #start: number = performance.now()
  #steps = 0

  /** Whether the slice is used up; looks at the clock every 32nd time, so that it may be asked for every message. */
  get over(): boolean {
    this.#steps += 1
    return this.#steps % 32 === 0 && performance.now() - this.#start >= SLICE_MS
  }

  /** The same, looking at the clock each time. */
  get overNow(): boolean {
    return performance.now() - this.#start >= SLICE_MS
  }

  /** Gives the loop one turn. */
  async share(): Promise<void> {
    await nextTurn()
    this.#start = performance.now()
  }
}
