/** SORT as a value (RFC 5256 §5, RFC 5957 §5, RFC 6203 §7, RFC 5267 §3.1). @module */
import type { ElementReader } from './element-reader.ts'
import type { ElementWriter } from './element-writer.ts'
import { SORT_CRITERIA } from './limits.ts'
import {
  readSearchCharset,
  readSearchKeys,
  readSearchReturns,
  type SearchProgram,
  writeSearchKeys,
  writeSearchReturns,
} from './search-program.ts'

/** What SORT sorts by. */
export const SORT_KEYS = [
  'ARRIVAL',
  'CC',
  'DATE',
  'DISPLAYFROM',
  'DISPLAYTO',
  'FROM',
  'RELEVANCY',
  'SIZE',
  'SUBJECT',
  'TO',
] as const

export type SortKey = (typeof SORT_KEYS)[number]

export interface SortCriterion {
  readonly key: SortKey
  readonly reverse: boolean
}

/** Everything after SORT. */
export interface SortProgram extends SearchProgram {
  readonly charset: string
  /** The first counts most; at least one. */
  readonly criteria: readonly SortCriterion[]
}

/** Everything after SORT and its space. */
export function readSortProgram(r: ElementReader): SortProgram {
  const returns = readSearchReturns(r)
  // sort-criteria = "(" sort-criterion *(SP sort-criterion) ")"
  const criteria = r.list(() => readCriterion(r), 1)
  if (criteria.length > SORT_CRITERIA) r.fault(`There are more than ${SORT_CRITERIA} criteria`)
  // search-criteria = charset 1*(SP search-key)
  const charset = readSearchCharset(r.sp())
  return { ...returns, criteria, charset, keys: readSearchKeys(r.sp(), charset) }
}

// sort-criterion = ["REVERSE" SP] sort-key
function readCriterion(r: ElementReader): SortCriterion {
  let start = r.position
  let name = r.keyword()
  const reverse = name === 'REVERSE'
  if (reverse) {
    start = r.sp().position
    name = r.keyword()
  }
  const key = SORT_KEYS.find((known) => known === name)
  return key === undefined ? r.fault('Sort criterion is not known', start) : { key, reverse }
}

/** Everything after SORT and its space. */
export function writeSortProgram(w: ElementWriter, program: SortProgram): void {
  writeSearchReturns(w, program)
  w.list(program.criteria, ({ key, reverse }) => w.text(reverse ? `REVERSE ${key}` : key))
  w.sp().astring(program.charset).sp()
  writeSearchKeys(w, program)
}
