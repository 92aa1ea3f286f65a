/** Pages of messages out of what SQLite gives. @module */
import { ascends } from '#store/ascending.ts'
import type { MessagePage } from '#store/types.ts'
import type { Row } from './sql.ts'

export const NO_PAGE: MessagePage = {
  uids: new Uint32Array(0),
  flags: new Uint32Array(0),
  modseqs: new Float64Array(0),
}

/**
 * The columns of {@link pageOfLists}, of rows with `uid`, `flags` and `modseq`: a value for each number of each row takes
 * four times as long, most of all in a process that has just begun.
 */
export const LISTS =
  "'[' || group_concat(uid) || ']', '[' || group_concat(flags) || ']', '[' || group_concat(modseq) || ']'"

/** A page of rows that were joined to lists, ascending by UID. */
export function pageOfLists(lists: Row): MessagePage {
  const [uids, flags, modseqs] = (lists as readonly (string | null)[]).map(numbersOf)
  const page = {
    uids: Uint32Array.from(uids ?? []),
    flags: Uint32Array.from(flags ?? []),
    modseqs: Float64Array.from(modseqs ?? []),
  }
  ascending(page.uids)
  return page
}

/** A page of rows with UID, flags and MODSEQ, in their order. */
export function pageOf(rows: readonly Row[]): MessagePage {
  const uids = new Uint32Array(rows.length)
  const flags = new Uint32Array(rows.length)
  const modseqs = new Float64Array(rows.length)
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index] as Row
    uids[index] = row[0] as number
    flags[index] = row[1] as number
    modseqs[index] = row[2] as number
  }
  return { uids, flags, modseqs }
}

/** A list of numbers as SQLite joined them, NULL where there are none. */
export function numbersOf(list: string | number | null): readonly number[] {
  return typeof list === 'string' ? (JSON.parse(list) as readonly number[]) : []
}

/** @throws where UIDs do not ascend. */
export function ascending(uids: Uint32Array): void {
  if (!ascends(uids)) throw new Error('Messages came in another order than that of their UIDs')
}
