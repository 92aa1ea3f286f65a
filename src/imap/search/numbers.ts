/** What was found, as numbers among bytes. With 100,000 of them others must have their turn. @module */
import { Turns } from '#lib/turns.ts'
import type { UidRanges } from '#mail/uid-ranges.ts'
import type { Output } from '../output.ts'

/** Numbers, or ranges, that are written at once. */
const AT_ONCE = 512

/** Every number of the ranges, each with a space before it. */
export async function writeNumbers(out: Output, { bounds }: UidRanges): Promise<void> {
  const turns = new Turns()
  const part = new Uint32Array(AT_ONCE)
  const place: Place = { at: 0, number: bounds[0] ?? 0 }
  for (;;) {
    const count = next(part, bounds, place)
    out.numbers(part, 0, count)
    if (count < part.length) return
    if (out.due) await out.flush()
    if (turns.overNow) await turns.share()
  }
}

/**
 * Every one of the numbers, each with a space before it.
 * @param told what is written in place of each.
 */
export async function writeEach(out: Output, numbers: Uint32Array, told?: (number: number) => number): Promise<void> {
  const turns = new Turns()
  for (let from = 0; from < numbers.length; from += AT_ONCE) {
    const part = numbers.subarray(from, from + AT_ONCE)
    const written = told === undefined ? part : part.map(told)
    out.numbers(written, 0, written.length)
    if (out.due) await out.flush()
    if (turns.overNow) await turns.share()
  }
}

/** The ranges, with commas between them. */
export async function writeRanges(out: Output, { bounds }: UidRanges): Promise<void> {
  const turns = new Turns()
  const ranges = bounds.length / 2
  for (let from = 0; from < ranges; from += AT_ONCE) {
    out.ranges(bounds, from, Math.min(from + AT_ONCE, ranges))
    if (out.due) await out.flush()
    if (turns.overNow) await turns.share()
  }
}

/** The range, by the place of its first number, and the number that comes next. */
interface Place {
  at: number
  number: number
}

/** Puts the numbers that come next into `part`, as many as it has room for. @returns how many. */
function next(part: Uint32Array, bounds: Uint32Array, place: Place): number {
  let { at, number } = place
  let count = 0
  while (count < part.length && at < bounds.length) {
    part[count] = number
    count += 1
    if (number < (bounds[at + 1] ?? 0)) number += 1
    else {
      at += 2
      number = bounds[at] ?? 0
    }
  }
  place.at = at
  place.number = number
  return count
}
