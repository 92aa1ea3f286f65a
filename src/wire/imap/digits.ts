/** Numbers as digits among bytes; none of them is a string in between. @module */

const LARGEST_SMALL = 0x7fff_ffff
const ZERO = 48
const SPACE = 32
const COMMA = 44
const COLON = 58

/** Octets that a number of 32 bits takes at most, with one before it. */
export const NUMBER_OCTETS = 11

/**
 * Writes a number, whole and not negative, at a place: short enough that the engine puts it into the loops that call it.
 * @returns where it ends.
 */
export function putDigits(into: Uint8Array, at: number, value: number): number {
  if (value > LARGEST_SMALL) return putText(into, at, String(value))
  let end = at + 1
  for (let bound = 10; value >= bound; bound *= 10) end += 1
  let left = value
  for (let to = end - 1; to >= at; to -= 1) {
    const tenth = Math.floor(left / 10)
    into[to] = ZERO + left - 10 * tenth
    left = tenth
  }
  return end
}

/** Writes a space and a number for each of the values from `from` to before `to`. @returns where the last one ends. */
export function putNumbers(into: Uint8Array, at: number, values: Uint32Array, from: number, to: number): number {
  let end = at
  for (let index = from; index < to; index += 1) {
    into[end] = SPACE
    end = putDigits(into, end + 1, values[index] ?? 0)
  }
  return end
}

/**
 * Writes ranges, `2:4,7`, from that of index `from` to before `to`, all but the very first with a comma before it.
 * @param bounds First and last of each.
 * @returns where the last one ends.
 */
export function putRanges(into: Uint8Array, at: number, bounds: Uint32Array, from: number, to: number): number {
  let end = at
  for (let index = 2 * from; index < 2 * to; index += 2) {
    if (index > 0) into[end++] = COMMA
    const first = bounds[index] ?? 0
    const last = bounds[index + 1] ?? 0
    end = putDigits(into, end, first)
    if (first === last) continue
    into[end] = COLON
    end = putDigits(into, end + 1, last)
  }
  return end
}

function putText(into: Uint8Array, at: number, text: string): number {
  for (let index = 0; index < text.length; index += 1) into[at + index] = text.charCodeAt(index)
  return at + text.length
}
