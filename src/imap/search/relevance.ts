/**
 * How well messages fit a FUZZY search (RFC 6203 §4). What would be found without FUZZY fits better than loose words, and
 * words in the subject better than words somewhere in the text; among equals the newest fits best. Each of these four
 * kinds has a quarter of the scores, so that a score says the same whatever else was found.
 * @module
 */
import type { Uid } from '#mail/ids.ts'
import { type UidSet, uidSetHas, uidSetSize } from '#mail/uid-set.ts'
import { searchMailbox } from '#services/mailbox-search.ts'
import type { SearchKey } from '#wire/imap/search-program.ts'
import type { Context } from '../command.ts'
import { criterionOf } from './criterion.ts'
import type { Searched } from './run.ts'

/** 1 to 100. */
export type Relevance = (uid: Uid) => number

/** Scores of one kind. */
const QUARTER = 25

/** Scores what was found. */
export async function relevanceOf(
  context: Context,
  { account, mailbox, snapshot, ground }: Searched,
  keys: readonly SearchKey[],
  found: UidSet,
): Promise<Relevance> {
  const { store, searchIndex: index, signal } = context
  const among = (wanted: readonly SearchKey[], fuzzy: boolean): Promise<UidSet> => {
    const criterion = criterionOf(wanted, fuzzy ? ground : { ...ground, fuzzy: false })
    return searchMailbox({ store, index, account, mailbox, snapshot, criterion, among: found, signal })
  }
  const exact = await among(keys, false)
  const closer = keys.map((key) => inSubject(key, false))
  // Where no TEXT is fuzzy, all of them have the words where they were asked for.
  const near = closer.every((key, at) => key === keys[at]) ? found : await among(closer, true)
  const placeOf = places(found)
  const count = uidSetSize(found)
  return (uid) => {
    const kind = (uidSetHas(exact, uid) ? 2 : 0) + (uidSetHas(near, uid) ? 1 : 0)
    const age = count < 2 ? 0 : 1 - placeOf(uid) / (count - 1)
    return (kind + 1) * QUARTER - Math.round(age * (QUARTER - 1))
  }
}

/** Fuzzy TEXT as SUBJECT; the key itself where there is none. */
function inSubject(key: SearchKey, fuzzy: boolean): SearchKey {
  switch (key.kind) {
    case 'TEXT':
      return fuzzy ? { kind: 'SUBJECT', text: key.text } : key
    case 'FUZZY':
    case 'NOT': {
      const inner = inSubject(key.key, fuzzy || key.kind === 'FUZZY')
      return inner === key.key ? key : { kind: key.kind, key: inner }
    }
    case 'OR': {
      const [left, right] = [inSubject(key.left, fuzzy), inSubject(key.right, fuzzy)]
      return left === key.left && right === key.right ? key : { kind: 'OR', left, right }
    }
    case 'AND': {
      const keys = key.keys.map((each) => inSubject(each, fuzzy))
      return keys.every((each, at) => each === key.keys[at]) ? key : { kind: 'AND', keys }
    }
    default:
      return key
  }
}

/** Places of the UIDs of a set in it, from 0. */
function places(set: UidSet): (uid: Uid) => number {
  const before: number[] = []
  let count = 0
  for (const [first, last] of set) {
    before.push(count)
    count += last - first + 1
  }
  return (uid) => {
    let [low, high] = [0, set.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((set[middle]?.[0] ?? 0) <= uid) low = middle
      else high = middle - 1
    }
    return (before[low] ?? 0) + uid - (set[low]?.[0] ?? uid)
  }
}
