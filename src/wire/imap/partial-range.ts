/** PARTIAL of SEARCH and FETCH (RFC 9394 §4). @module */
import type { ElementReader } from './element-reader.ts'

/** Places among the results, from 1, both ends included and in either order, as written. */
export interface PartialRange {
  readonly first: number
  readonly last: number
  /** Counted from the last result: `-1:-100`. */
  readonly fromEnd: boolean
}

// partial-range = nz-number ":" nz-number / MINUS nz-number ":" MINUS nz-number
export function readPartialRange(r: ElementReader): PartialRange {
  const fromEnd = r.skip('-')
  const first = r.nzNumber()
  r.expect(fromEnd ? ':-' : ':')
  return { first, last: r.nzNumber(), fromEnd }
}

/** As written. */
export function formatPartialRange({ first, last, fromEnd }: PartialRange): string {
  return fromEnd ? `-${first}:-${last}` : `${first}:${last}`
}
