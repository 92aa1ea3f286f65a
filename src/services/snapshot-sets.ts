/** Sets of a snapshot's messages; pages without gaps in their UIDs cost no more than a look at their ends. @module */
import type { Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import type { Page, Snapshot } from './snapshot.ts'

/** Messages of one page, one after the other: those from `from` to before `to`. */
export interface Run {
  readonly page: Page
  /** Messages before the page. */
  readonly before: number
  readonly from: number
  readonly to: number
}

/** The messages of the set that the snapshot has, in runs. */
export function* runsWithin(snapshot: Snapshot, set: UidSet): Generator<Run, void, void> {
  for (const [first, last] of set) {
    const start = snapshot.seek(first)
    const end = snapshot.seek(last + 1)
    for (let index = start.page; index <= end.page; index += 1) {
      const page = snapshot.pages[index]
      if (page === undefined) break
      const from = index === start.page ? start.at : 0
      const to = index === end.page ? end.at : page.uids.length
      if (from < to) yield { page, before: snapshot.before(index), from, to }
    }
  }
}

/** UIDs of the set that the snapshot has. */
export function uidsWithin(snapshot: Snapshot, set: UidSet): UidSet {
  const ranges: [Uid, Uid][] = []
  for (const { page, from, to } of runsWithin(snapshot, set)) addRun(ranges, page.uids, from, to)
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
