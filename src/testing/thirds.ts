/** Whether a figure that was looked at again and again stays where it is. @module */

/** Means of the first, the middle and the last third. */
export function meansOfThirds(samples: readonly number[]): readonly [number, number, number] {
  const mean = (part: number): number => {
    const [from = 0, to = 0] = [part, part + 1].map((thirds) => Math.floor((thirds * samples.length) / 3))
    const some = samples.slice(from, to)
    return some.reduce((sum, value) => sum + value, 0) / Math.max(1, some.length)
  }
  return [mean(0), mean(1), mean(2)]
}

/** The last third is at most a tenth above the middle one: a rise at first is a warm-up. */
export function isFlat([, middle, last]: readonly [number, number, number]): boolean {
  return last <= 1.1 * middle
}
