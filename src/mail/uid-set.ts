import type { Uid } from './ids.ts'

/**
 * UIDs as sorted, disjoint, non-adjacent ranges, both ends included.
 * @example `[[1, 3], [7, 7]]` holds 1, 2, 3 and 7.
 */
export type UidSet = readonly (readonly [first: Uid, last: Uid])[]

/** Collects UIDs, given in ascending order, into ranges. */
export function uidSetOf(ascending: Iterable<number>): UidSet {
  const collected = new UidCollector()
  for (const uid of ascending) collected.add(uid)
  return collected.set
}

/** The same, one by one as they are found. */
export class UidCollector {
  readonly #ranges: [Uid, Uid][] = []
  #last: [Uid, Uid] | undefined

  /** @param uid Not below the one before. */
  add(uid: number): void {
    const last = this.#last
    if (last !== undefined && uid <= last[1] + 1) {
      if (uid > last[1]) last[1] = uid as Uid
      return
    }
    this.#last = [uid as Uid, uid as Uid]
    this.#ranges.push(this.#last)
  }

  get set(): UidSet {
    return this.#ranges
  }
}

/** How many UIDs the set holds. */
export function uidSetSize(set: UidSet): number {
  let size = 0
  for (const [first, last] of set) size += last - first + 1
  return size
}

/** Every UID of the set, ascending. Beware of `1:*`: this walks each number of a range. */
export function* uidsOf(set: UidSet): Generator<Uid, void, void> {
  for (const [first, last] of set) for (let uid = first as number; uid <= last; uid += 1) yield uid as Uid
}

/** Whether the set holds the UID; binary search. */
export function uidSetHas(set: UidSet, uid: number): boolean {
  let low = 0
  let high = set.length - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const range = set[middle]
    if (range === undefined) return false
    if (uid < range[0]) high = middle - 1
    else if (uid > range[1]) low = middle + 1
    else return true
  }
  return false
}

/** Sorts and merges ranges that may overlap, touch or be out of order. */
export function normaliseUidSet(ranges: Iterable<readonly [number, number]>): UidSet {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0])
  const merged: [Uid, Uid][] = []
  for (const [first, last] of sorted) {
    const previous = merged.at(-1)
    if (previous !== undefined && first <= previous[1] + 1) {
      if (last > previous[1]) previous[1] = last as Uid
    } else merged.push([first as Uid, last as Uid])
  }
  return merged
}

/** As IMAP writes it, `1:3,7`; an empty set gives an empty string. */
export function formatUidSet(set: UidSet): string {
  let text = ''
  for (const [first, last] of set) {
    if (text !== '') text += ','
    text += first === last ? String(first) : `${first}:${last}`
  }
  return text
}
