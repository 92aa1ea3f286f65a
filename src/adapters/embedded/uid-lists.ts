/** Sets of UIDs against lists of rows, never walking a range number by number. @module */
import type { Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'

/** The set without some of its UIDs, given ascending. */
export function uidsWithout(set: UidSet, present: ArrayLike<number>): UidSet {
  const rest: (readonly [Uid, Uid])[] = []
  let at = 0
  for (const [first, last] of set) {
    let from: number = first
    // Reading behind the end of a list would be slow ever after.
    for (; at < present.length; at += 1) {
      const uid = present[at] as number
      if (uid > last) break
      if (uid > from) rest.push([from as Uid, (uid - 1) as Uid])
      from = uid + 1
    }
    if (from <= last) rest.push([from as Uid, last])
  }
  return rest
}

/** The set cut to UIDs up to `last`. */
export function uidsUpTo(set: UidSet, last: number): UidSet {
  const cut: (readonly [Uid, Uid])[] = []
  for (const [from, to] of set) {
    if (from > last) break
    cut.push([from, Math.min(to, last) as Uid])
  }
  return cut
}
