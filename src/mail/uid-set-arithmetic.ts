/** Arithmetic of UID sets, range by range: `1:4294967295` costs as much as `1`. @module */
import type { Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'

/** UIDs that are in both. */
export function intersectUidSets(a: UidSet, b: UidSet): UidSet {
  const both: [Uid, Uid][] = []
  let i = 0
  let j = 0
  for (;;) {
    const x = a[i]
    const y = b[j]
    if (x === undefined || y === undefined) return both
    const first = x[0] > y[0] ? x[0] : y[0]
    const last = x[1] < y[1] ? x[1] : y[1]
    if (first <= last) both.push([first, last])
    if (x[1] < y[1]) i += 1
    else j += 1
  }
}

/** UIDs of `a` that are not in `b`. */
export function subtractUidSets(a: UidSet, b: UidSet): UidSet {
  const left: [Uid, Uid][] = []
  let j = 0
  for (const [first, last] of a) {
    let from: number = first
    for (; from <= last; j += 1) {
      const hole = b[j]
      if (hole === undefined || hole[0] > last) break
      if (hole[1] < from) continue
      if (hole[0] > from) left.push([from as Uid, (hole[0] - 1) as Uid])
      from = hole[1] + 1
      // This hole may go on into the next range.
      if (hole[1] > last) break
    }
    if (from <= last) left.push([from as Uid, last])
  }
  return left
}

/** UIDs of the set by their places in it, from 0, the end not included. */
export function sliceUidSet(set: UidSet, from: number, to: number): UidSet {
  const part: [Uid, Uid][] = []
  let before = 0
  for (const [first, last] of set) {
    const size = last - first + 1
    const start = Math.max(from - before, 0)
    const end = Math.min(to - before, size)
    if (start < end) part.push([(first + start) as Uid, (first + end - 1) as Uid])
    before += size
    if (before >= to) break
  }
  return part
}
