/** Stable sorting by numbers, without comparing any two of them. @module */
import type { Turns } from '#lib/turns.ts'

const DIGIT = 2_048
/** Numbers that are looked at before the clock is. */
const BLOCK = 16_384

/** Whole numbers to sort by, no more than 2^53 apart. */
export interface SortKey {
  readonly values: Float64Array | Uint32Array
  readonly descending: boolean
}

/**
 * The numbers 0 to `count` - 1 in the order of the keys, the first of which counts most; what is equal in all of them
 * stays in the order of its numbers.
 * @throws the signal's reason once it is aborted.
 */
export async function sortedByKeys(
  count: number,
  keys: readonly SortKey[],
  turns: Turns,
  signal: AbortSignal,
): Promise<Uint32Array> {
  let from = new Uint32Array(count)
  for (let at = 0; at < count; at += 1) from[at] = at
  let into = new Uint32Array(count)
  const share = async (): Promise<void> => {
    if (!turns.overNow) return
    await turns.share()
    signal.throwIfAborted()
  }
  // sorted by the last key first, by its lowest digit first: what comes later counts more
  for (const { values, descending } of keys.toReversed()) {
    const { least, most, step } = spanOf(values, count)
    const base = descending ? most : least
    const sign = descending ? -1 : 1
    const digitOf = (at: number, scale: number): number =>
      Math.floor((sign * ((values[at] ?? 0) - base)) / step / scale) % DIGIT
    for (let scale = 1; scale <= (most - least) / step; scale *= DIGIT) {
      const ends = new Uint32Array(DIGIT + 1)
      for (let low = 0; low < count; low += BLOCK) {
        const high = Math.min(low + BLOCK, count)
        for (let at = low; at < high; at += 1) {
          const digit = digitOf(at, scale) + 1
          ends[digit] = (ends[digit] ?? 0) + 1
        }
        await share()
      }
      for (let digit = 1; digit <= DIGIT; digit += 1) ends[digit] = (ends[digit] ?? 0) + (ends[digit - 1] ?? 0)
      for (let low = 0; low < count; low += BLOCK) {
        const high = Math.min(low + BLOCK, count)
        for (let at = low; at < high; at += 1) {
          const index = from[at] ?? 0
          const digit = digitOf(index, scale)
          const place = ends[digit] ?? 0
          into[place] = index
          ends[digit] = place + 1
        }
        await share()
      }
      const sorted = into
      into = from
      from = sorted
    }
  }
  return from
}

const SECOND = 1_000

/** Dates are whole seconds: in these they have fewer digits. */
function spanOf(
  values: SortKey['values'],
  count: number,
): { readonly least: number; readonly most: number; readonly step: number } {
  let least = values[0] ?? 0
  let most = least
  let seconds = true
  for (let at = 0; at < count; at += 1) {
    const value = values[at] ?? 0
    if (value < least) least = value
    else if (value > most) most = value
    if (seconds && value % SECOND !== 0) seconds = false
  }
  return { least, most, step: seconds ? SECOND : 1 }
}
