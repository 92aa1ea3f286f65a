/**
 * Which accounts a thread watches, in memory that it shares with the writers: a commit wakes only threads that have
 * somebody to tell. Who begins to watch and then reads has missed nothing: what was committed before is there to be read.
 * @module
 */
import type { Change } from '#store/types.ts'

/** Accounts share places: who is told for another account's sake drops it. */
const PLACES = 4_096
const EVERYTHING = PLACES
const RIGHTS = PLACES + 1

export class Interest {
  readonly memory: SharedArrayBuffer
  readonly #counts: Int32Array

  /** @param memory Of another thread's; without, all begins here. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(4 * (PLACES + 2))) {
    this.memory = memory
    this.#counts = new Int32Array(memory)
  }

  /** From now on changes of the account are of interest. @returns The way to end it, once. */
  inAccount(account: number): () => void {
    return this.#count(account % PLACES)
  }

  inEverything(): () => void {
    return this.#count(EVERYTHING)
  }

  /** In changes of rights, whoever's. */
  inRights(): () => void {
    return this.#count(RIGHTS)
  }

  #count(place: number): () => void {
    Atomics.add(this.#counts, place, 1)
    let counted = true
    return () => {
      if (counted) Atomics.sub(this.#counts, place, 1)
      counted = false
    }
  }

  has({ account, rightsOf }: Change): boolean {
    return this.#has(account % PLACES) || this.#has(EVERYTHING) || (rightsOf !== undefined && this.#has(RIGHTS))
  }

  #has(place: number): boolean {
    return Atomics.load(this.#counts, place) > 0
  }
}
