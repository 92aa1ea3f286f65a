/** Sorting of many things without keeping the loop from others. @module */
import type { Turns } from '#lib/turns.ts'

/** So many are sorted at once, then merged in slices. */
const RUN = 256

/**
 * The numbers 0 to `count` - 1 in order; what compares as equal stays in the order of its numbers.
 * @throws the signal's reason once it is aborted.
 */
export async function sortedIndexes(
  count: number,
  compare: (a: number, b: number) => number,
  turns: Turns,
  signal: AbortSignal,
): Promise<Uint32Array> {
  let from = new Uint32Array(count)
  for (let index = 0; index < count; index += 1) from[index] = index
  const order = (a: number, b: number): number => compare(a, b) || a - b
  for (let at = 0; at < count; at += RUN) {
    from.subarray(at, at + RUN).sort(order)
    if (turns.overNow) await share(turns, signal)
  }
  let into = new Uint32Array(count)
  for (let width = RUN; width < count; width *= 2) {
    for (let low = 0; low < count; low += 2 * width) {
      const middle = Math.min(low + width, count)
      const high = Math.min(low + 2 * width, count)
      let a = low
      let b = middle
      for (let at = low; at < high; at += 1) {
        const left = from[a] ?? 0
        const right = from[b] ?? 0
        const takeLeft = a < middle && (b >= high || order(left, right) <= 0)
        into[at] = takeLeft ? left : right
        if (takeLeft) a += 1
        else b += 1
        if (turns.over) await share(turns, signal)
      }
    }
    const sorted = into
    into = from
    from = sorted
  }
  return from
}

async function share(turns: Turns, signal: AbortSignal): Promise<void> {
  await turns.share()
  signal.throwIfAborted()
}
