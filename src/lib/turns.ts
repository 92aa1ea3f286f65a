import { setImmediate as nextTurn } from 'node:timers/promises'

/** How long pieces of work may keep the loop from the others, all of one turn together. */
const SLICE_MS = 5

/** When work began in this turn of the loop, `undefined` before anyone asked. */
let busySince: number | undefined

/** How long this turn of the loop has been at work, as far as is known. */
function busyMs(): number {
  if (busySince !== undefined) return performance.now() - busySince
  busySince = performance.now()
  setImmediate(() => {
    busySince = undefined
  })
  return 0
}

/**
 * Where this turn of the loop has been at work long enough, waits for one that has not: for short pieces of work, of which
 * a hundred may come in one turn.
 * @returns `undefined` where there is time now.
 */
export function anotherTurn(): Promise<void> | undefined {
  return busyMs() < SLICE_MS ? undefined : waitForTurn()
}

async function waitForTurn(): Promise<void> {
  // of those that wait, the first ones use up the next turn
  do await nextTurn()
  while (busyMs() >= SLICE_MS)
}

/**
 * Lets others run while a long piece of work goes on: `if (turns.over) await turns.share()`.
 * Awaiting something that is already there does not do that: the loop goes on only when the queue of promises is empty.
 * A hundred short pieces in one turn are as bad as a long one, so they share their time.
 */
export class Turns {
  #steps = 0

  constructor() {
    busyMs()
  }

  /** Whether the time is used up; looks at the clock every 32nd time, so that it may be asked for every message. */
  get over(): boolean {
    this.#steps += 1
    return this.#steps % 32 === 0 && busyMs() >= SLICE_MS
  }

  /** The same, looking at the clock each time. */
  get overNow(): boolean {
    return busyMs() >= SLICE_MS
  }

  /** Gives the loop one turn. */
  async share(): Promise<void> {
    await nextTurn()
    // Who comes first after the turn begins anew; the others go on in the same one.
    busyMs()
  }
}
