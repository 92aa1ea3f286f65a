/** Sets of a snapshot's messages; pages without gaps in their UIDs cost no more than a look at their ends. @module */
import type { Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import type { Snapshot } from './snapshot.ts'

/** UIDs of the set that the snapshot has. */
export function uidsWithin(snapshot: Snapshot, set: UidSet): UidSet {
  const ranges: [Uid, Uid][] = []
  for (const [first, last] of set) {
    const from = snapshot.seek(first)
    const to = snapshot.seek(last + 1)
    for (let index = from.page; index <= to.page; index += 1) {
      const uids = snapshot.pages[index]?.uids
      if (uids === undefined) break
      addRun(ranges, uids, index === from.page ? from.at : 0, index === to.page ? to.at : uids.length)
    }
  }
  return ranges
}

/** Numbers of the messages of the set; UIDs that are not there have none. */
export function numbersWithin(snapshot: Snapshot, set: UidSet): UidSet {
  const ranges: [Uid, Uid][] = []
  for (const [first, last] of set) {
    const from = snapshot.countUpTo(first - 1) + 1
    const to = snapshot.countUpTo(last)
    if (from <= to) add(ranges, from, to)
  }
  return ranges
}

function addRun(ranges: [Uid, Uid][], uids: Uint32Array, from: number, to: number): void {
  if (from >= to) return
  const [first, last] = [uids[from] ?? 0, uids[to - 1] ?? 0]
  if (last - first === to - 1 - from) {
    add(ranges, first, last)
    return
  }
  for (let at = from; at < to; at += 1) add(ranges, uids[at] ?? 0, uids[at] ?? 0)
}

function add(ranges: [Uid, Uid][], first: number, last: number): void {
  const previous = ranges.at(-1)
  if (previous !== undefined && first <= previous[1] + 1) previous[1] = last as Uid
  else ranges.push([first as Uid, last as Uid])
}
