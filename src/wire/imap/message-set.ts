/** Sequence sets and UID sets (RFC 9051 §9 sequence-set, RFC 5182 §2.1). @module */
import type { Uid } from '#mail/ids.ts'
import { normaliseUidSet, type UidSet } from '#mail/uid-set.ts'

/** `*` is the largest number in use. */
export type SetNumber = number | '*'

/** Both ends included, in either order, as written. One number is a range of itself. */
export type SetRange = readonly [SetNumber, SetNumber]

/** Ranges as written, or `$`: the result that SEARCH saved (RFC 9051 §6.4.4.1). */
export type MessageSet = '$' | readonly SetRange[]

/** `undefined` where the text is not a set. */
export function parseMessageSet(text: string): MessageSet | undefined {
  if (text === '$') return '$'
  const ranges: SetRange[] = []
  // sequence-set = (seq-number / seq-range) ["," sequence-set]
  for (const part of text.split(',')) {
    const colon = part.indexOf(':')
    const first = setNumber(colon < 0 ? part : part.slice(0, colon))
    const last = colon < 0 ? first : setNumber(part.slice(colon + 1))
    if (first === undefined || last === undefined) return undefined
    ranges.push([first, last])
  }
  return ranges
}

/** As written: `2:4,7,*`. */
export function formatMessageSet(set: MessageSet): string {
  if (set === '$') return set
  return set.map(([first, last]) => (first === last ? String(first) : `${first}:${last}`)).join(',')
}

/** UIDs in their order, ends of each range ascending; `undefined` where the text is not a set of numbers. */
export function parseOrderedUids(text: string): UidSet | undefined {
  const set = parseMessageSet(text)
  if (set === undefined || set === '$') return undefined
  const ranges: [Uid, Uid][] = []
  for (const [first, last] of set) {
    if (first === '*' || last === '*') return undefined
    ranges.push([Math.min(first, last) as Uid, Math.max(first, last) as Uid])
  }
  return ranges
}

/** UIDs sorted and merged; `undefined` where the text is not a set of numbers. */
export function parseUidSet(text: string): UidSet | undefined {
  const ordered = parseOrderedUids(text)
  return ordered === undefined ? undefined : normaliseUidSet(ordered)
}

// seq-number = nz-number / "*"
function setNumber(text: string): SetNumber | undefined {
  if (text === '*') return '*'
  if (!/^[1-9][0-9]{0,9}$/.test(text)) return undefined
  const number = Number(text)
  return number <= 4_294_967_295 ? number : undefined
}
