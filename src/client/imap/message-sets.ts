/** Sets of messages as callers write them, and as commands can carry them. @module */
import { normaliseUidSet, type UidSet } from '#mail/uid-set.ts'
import { formatMessageSet, type MessageSet, parseMessageSet, type SetRange } from '#wire/imap/message-set.ts'
import { SET_CHARS } from './limits.ts'

/**
 * UIDs: one, several in any order, ranges `[first, last]`, or as IMAP writes them: `1:*`, `5,9:12`, `$` for what the
 * last SEARCH saved.
 */
export type Uids = number | Iterable<number> | UidSet | string

/** @throws {RangeError} where it is not a set */
export function messageSet(uids: Uids): MessageSet {
  if (typeof uids === 'string') {
    const set = parseMessageSet(uids)
    if (set === undefined) throw new RangeError(`"${uids}" is not a set of messages`)
    return set
  }
  return uidRanges(uids)
}

function uidRanges(uids: number | Iterable<number> | UidSet): UidSet {
  if (typeof uids === 'number') return checked([[uids, uids]])
  const ranges: [number, number][] = []
  for (const each of uids) {
    if (typeof each !== 'number') ranges.push([each[0], each[1]])
    else {
      const last = ranges.at(-1)
      if (last !== undefined && each === last[1] + 1) last[1] = each
      else ranges.push([each, each])
    }
  }
  return checked(ranges)
}

function checked(ranges: readonly (readonly [number, number])[]): UidSet {
  for (const [first, last] of ranges) {
    const good = Number.isInteger(first) && Number.isInteger(last) && first > 0 && last >= first && last < 2 ** 32
    if (!good) throw new RangeError(`${first}:${last} are no UIDs`)
  }
  return normaliseUidSet(ranges)
}

/** Whether there is nothing in it. */
export function isEmpty(set: MessageSet): boolean {
  return set.length === 0
}

/** Whether it is one message. */
export function isSingle(set: MessageSet): boolean {
  const [range, ...more] = set === '$' ? [] : set
  return range !== undefined && more.length === 0 && range[0] === range[1]
}

/** The same set in parts that fit a line. */
export function splitSet(set: MessageSet): readonly MessageSet[] {
  if (set === '$' || set.length < 100) return [set]
  const parts: SetRange[][] = []
  let part: SetRange[] = []
  let chars = 0
  for (const range of set) {
    const length = formatMessageSet([range]).length + 1
    if (chars + length > SET_CHARS) {
      parts.push(part)
      part = []
      chars = 0
    }
    part.push(range)
    chars += length
  }
  if (part.length > 0) parts.push(part)
  return parts
}
