import type { Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'

/** The set without some of its UIDs, given ascending; ranges are never walked, so `1:*` is cheap. */
export function uidsWithout(set: UidSet, present: readonly number[]): UidSet {
  const rest: [Uid, Uid][] = []
  let at = 0
  for (const [first, last] of set) {
    let from: number = first
    for (let uid = present[at]; uid !== undefined && uid <= last; uid = present[at]) {
      if (uid > from) rest.push([from as Uid, (uid - 1) as Uid])
      from = uid + 1
      at += 1
    }
    if (from <= last) rest.push([from as Uid, last])
  }
  return rest
}
