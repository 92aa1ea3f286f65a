/** Numbers as digits among bytes; none of them is a string in between. @module */

const LARGEST_32_BITS = 0xffff_ffff
const ZERO = 48
const SPACE = 32
const COMMA = 44
const COLON = 58
/** The two digits of 0 to 99. */
const TENS = Uint8Array.from({ length: 100 }, (_, value) => ZERO + Math.floor(value / 10))
const ONES = Uint8Array.from({ length: 100 }, (_, value) => ZERO + (value % 10))

/** Octets that a number of 32 bits takes at most, with one before it. */
export const NUMBER_OCTETS = 11

/** Writes a number, whole and not negative, at a place. @returns where it ends. */
export function putDigits(into: Uint8Array, at: number, value: number): number {
  if (value > LARGEST_32_BITS) return putText(into, at, String(value))
  const end = at + digitsOf(value)
  let to = end
  let left = value
  while (left >= 100) {
    // as whole numbers this is no division
    const high = (left / 100) | 0
    const pair = left - 100 * high
    to -= 2
    into[to] = TENS[pair] ?? 0
    into[to + 1] = ONES[pair] ?? 0
    left = high
  }
  if (left >= 10) into[at] = TENS[left] ?? 0
  into[to - 1] = ONES[left] ?? 0
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

function digitsOf(value: number): number {
  if (value < 10_000) {
    if (value < 100) return value < 10 ? 1 : 2
    return value < 1_000 ? 3 : 4
  }
  if (value < 1_000_000) return value < 100_000 ? 5 : 6
  if (value < 100_000_000) return value < 10_000_000 ? 7 : 8
  return value < 1_000_000_000 ? 9 : 10
}
