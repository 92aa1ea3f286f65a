/**
 * Time in tests. A bound in milliseconds says as much about the machine as about the code: it fails when others use
 * the processor, and passes quadratic code on a fast one. How the cost grows with the input depends on neither, and
 * the processor's time, unlike the clock's, does not run while others have their turn.
 * @module
 */
import assert from 'node:assert/strict'

/** Linear is 4, quadratic 16, and n·√n 8; caches and the garbage collector take their share of a large input. */
const MOST_FOR_FOUR_TIMES = 9
/** Not worth another look. */
const PLAINLY_LINEAR = 6
/** What a run at the small size costs at least, so that the clock's grain and single interruptions do not count. */
const RUN_MS = 10
const ROUNDS = 3
const ATTEMPTS = 3

/**
 * Fails unless four times the input costs about four times as much.
 * @param prepare Makes the input of a size, outside the measurement, and returns the work on it: synchronous, done many
 *   times over, with the same outcome each time.
 * @param size The small one; large enough that what is quadratic outweighs what is linear beside it.
 * @param what Told when it fails, where one test has several.
 */
export function assertLinear(prepare: (size: number) => () => unknown, size: number, what = 'the work'): void {
  const small = prepare(size)
  const large = prepare(size * 4)
  // also what makes the code hot before it counts
  large()
  let times = 1
  // twice, as the compiler beside us counts too
  while (Math.min(cost(small, times), cost(small, times)) < RUN_MS) times *= 2
  let growth = Infinity
  for (let attempt = 0; attempt < ATTEMPTS && growth > MOST_FOR_FOUR_TIMES; attempt += 1)
    growth = measured(small, large, times)
  assert.ok(
    growth <= MOST_FOR_FOUR_TIMES,
    `four times the input costs ${growth.toFixed(1)} times as much: ${what}, ${size} and ${size * 4}`,
  )
}

/**
 * The processor's time that the process has used, in milliseconds; by itself for a generous bound of a single odd
 * input. That of the thread alone (`process.threadCpuUsage()`) moves only every few milliseconds on Linux.
 */
export function processorTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** The sizes take turns, so that a slow spell of the machine meets both; of each, the best run counts. */
function measured(small: () => unknown, large: () => unknown, times: number): number {
  let [leastSmall, leastLarge] = [Infinity, Infinity]
  for (let round = 1; round <= ROUNDS; round += 1) {
    leastSmall = Math.min(leastSmall, cost(small, times))
    leastLarge = Math.min(leastLarge, cost(large, times))
    if (round > 1 && leastLarge <= leastSmall * PLAINLY_LINEAR) break
  }
  return leastLarge / leastSmall
}

function cost(work: () => unknown, times: number): number {
  const before = processorTime()
  for (let time = 0; time < times; time += 1) work()
  return processorTime() - before
}
