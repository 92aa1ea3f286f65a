/** The memory of the process against its ceiling. @module */
import { totalmem } from 'node:os'

/** How often it is looked at, at most. */
const LOOK_MS = 500
/** Above the ceiling nobody comes in until it is below this part of it again; the runtime gives memory back slowly. */
const RELIEVED = 0.97
/** The part of the machine's memory, or of what the process was given (cgroup), that is the ceiling by default. */
const SHARE = 0.75

/** The ceiling where the configuration says "auto". */
export function memoryCeiling(): number {
  const given = process.constrainedMemory()
  const machine = totalmem()
  return Math.floor(SHARE * (given > 0 && given < machine ? given : machine))
}

/** Tells when the process holds too much: new connections are refused then, and those there are go on. */
export class MemoryWatch {
  readonly #ceiling: number
  readonly #resident: () => number
  readonly #changed: (overloaded: boolean) => void
  #lookedAt = Number.NEGATIVE_INFINITY
  #overloaded = false

  /**
   * @param ceiling Octets.
   * @param changed Called when an overload begins, and when it ends.
   * @param resident Octets of the process in memory now.
   */
  constructor(
    ceiling: number,
    changed: (overloaded: boolean) => void,
    resident: () => number = () => process.memoryUsage.rss(),
  ) {
    this.#ceiling = ceiling
    this.#changed = changed
    this.#resident = resident
  }

  /** @param now `performance.now()` */
  overloaded(now: number): boolean {
    if (now - this.#lookedAt < LOOK_MS) return this.#overloaded
    this.#lookedAt = now
    const overloaded = this.#resident() > this.#ceiling * (this.#overloaded ? RELIEVED : 1)
    if (overloaded !== this.#overloaded) this.#changed(overloaded)
    this.#overloaded = overloaded
    return this.#overloaded
  }
}
