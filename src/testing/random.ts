/** Chance that can be had again: the same seed gives the same numbers. Never for secrets. */
export class Random {
  #state: number

  /** @param seed Any integer; only its low 32 bits count. */
  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** An integer from 0 up to and without `end`. */
  below(end: number): number {
    // Mulberry32
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * end)
  }

  /** An integer from `first` to `last`, both included. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1)
  }

  /** True in `share` of the cases. */
  chance(share: number): boolean {
    return this.below(1_000_000) < share * 1_000_000
  }

  /** One of the choices, of which there must be some. */
  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.below(choices.length)]
    if (choice === undefined) throw new RangeError('There is nothing to pick from')
    return choice
  }

  /** Each of the choices with the given share. */
  some<T>(choices: readonly T[], share: number): T[] {
    return choices.filter(() => this.chance(share))
  }

  /** One of the choices, by weight. */
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let at = this.below(choices.reduce((total, [weight]) => total + weight, 0))
    for (const [weight, choice] of choices) {
      if (at < weight) return choice
      at -= weight
    }
    throw new RangeError('There is nothing to pick from')
  }
}
