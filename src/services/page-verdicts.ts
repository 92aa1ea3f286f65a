/** Whether messages meet a criterion, a page at a time: column by column, without an object for each message. @module */
import { type UidSet, uidSetHas } from '#mail/uid-set.ts'
import type { NumberColumn } from '#store/columns.ts'
import { type Criterion, DAY_MS, type IndexFacts } from './search-criterion.ts'

const NO = 0
/** The message meets the criterion. */
export const YES = 1
/** The facts do not decide yet. */
export const OPEN = 2

/** Messages and what is known of them. */
export interface JudgedPage {
  readonly uids: Uint32Array
  readonly flags: Uint32Array
  readonly modseqs: Float64Array
  readonly texts: IndexFacts | undefined
  /** `undefined` where it has not been read. */
  column(name: NumberColumn): ArrayLike<number> | undefined
}

/** Judges pages of one search. */
export class PageJudge {
  readonly #criterion: Criterion
  /** For what is within AND and OR, by depth. */
  readonly #rooms: Uint8Array[] = []

  constructor(criterion: Criterion) {
    this.#criterion = criterion
  }

  /** 0, 1 or {@link OPEN} for each message of the page. */
  judge(page: JudgedPage): Uint8Array {
    const verdicts = new Uint8Array(page.uids.length)
    this.#judge(this.#criterion, page, verdicts, 0)
    return verdicts
  }

  #judge(criterion: Criterion, page: JudgedPage, into: Uint8Array, depth: number): void {
    const { uids, flags, modseqs } = page
    const { length } = into
    switch (criterion.kind) {
      case 'all':
        into.fill(YES)
        return
      case 'flags': {
        const { mask, value } = criterion
        for (let at = 0; at < length; at += 1) into[at] = ((flags[at] ?? 0) & mask) === value ? YES : NO
        return
      }
      case 'keyword-sets': {
        const { ids } = criterion
        for (let at = 0; at < length; at += 1) into[at] = ids.has((flags[at] ?? 0) >>> 8) ? YES : NO
        return
      }
      case 'uids':
        judgeUids(criterion.set, uids, into)
        return
      case 'modseq': {
        const { atLeast } = criterion
        for (let at = 0; at < length; at += 1) into[at] = (modseqs[at] ?? 0) >= atLeast ? YES : NO
        return
      }
      case 'larger':
        between(page.column('size'), criterion.octets + 1, Number.POSITIVE_INFINITY, into)
        return
      case 'smaller':
        between(page.column('size'), 0, criterion.octets - 1, into)
        return
      case 'time':
        between(page.column('internalDate'), criterion.from, criterion.to, into)
        return
      case 'day': {
        const { of, from, before } = criterion
        if (of === 'sent') between(page.column('sentDay'), from, before - 1, into)
        else
          between(page.column(of === 'saved' ? 'savedAt' : 'internalLocal'), from * DAY_MS, before * DAY_MS - 1, into)
        return
      }
      case 'email':
      case 'thread':
        into.fill(OPEN)
        return
      case 'column':
      case 'header':
      case 'body':
      case 'text': {
        const { texts } = page
        for (let at = 0; at < length; at += 1) {
          const answer = texts?.meets(criterion, uids[at] ?? 0)
          into[at] = answer === undefined ? OPEN : answer ? YES : NO
        }
        return
      }
      case 'not':
        this.#judge(criterion.inner, page, into, depth)
        for (let at = 0; at < length; at += 1) if (into[at] !== OPEN) into[at] = 1 - (into[at] ?? 0)
        return
      case 'and':
        this.#combine(criterion.all, page, into, depth, NO)
        return
      case 'or':
        this.#combine(criterion.all, page, into, depth, YES)
    }
  }

  /** One that is decisive decides; what is open waits for the rest. */
  #combine(all: readonly Criterion[], page: JudgedPage, into: Uint8Array, depth: number, decisive: number): void {
    into.fill(1 - decisive)
    const room = this.#room(depth, into.length)
    for (const one of all) {
      this.#judge(one, page, room, depth + 1)
      for (let at = 0; at < into.length; at += 1) {
        const verdict = room[at]
        if (verdict === decisive || (verdict === OPEN && into[at] !== decisive)) into[at] = verdict
      }
    }
  }

  #room(depth: number, length: number): Uint8Array {
    let room = this.#rooms[depth]
    if (room === undefined || room.length < length) {
      room = new Uint8Array(length)
      this.#rooms[depth] = room
    }
    return room.length === length ? room : room.subarray(0, length)
  }
}

/** NaN lies nowhere. */
function between(values: ArrayLike<number> | undefined, from: number, to: number, into: Uint8Array): void {
  if (values === undefined) {
    into.fill(OPEN)
    return
  }
  for (let at = 0; at < into.length; at += 1) {
    const value = values[at] ?? Number.NaN
    into[at] = value >= from && value <= to ? YES : NO
  }
}

function judgeUids(set: UidSet, uids: Uint32Array, into: Uint8Array): void {
  const [first, last] = [uids[0] ?? 0, uids.at(-1) ?? 0]
  // mostly a page lies in one range wholly
  if (set.some(([from, to]) => from <= first && to >= last)) into.fill(YES)
  else for (let at = 0; at < into.length; at += 1) into[at] = uidSetHas(set, uids[at] ?? 0) ? YES : NO
}

/** Columns that a criterion may ask for. */
export function columnsAskedBy(criterion: Criterion): ReadonlySet<NumberColumn> {
  switch (criterion.kind) {
    case 'larger':
    case 'smaller':
      return new Set(['size'])
    case 'time':
      return new Set(['internalDate'])
    case 'day':
      return new Set([criterion.of === 'sent' ? 'sentDay' : criterion.of === 'saved' ? 'savedAt' : 'internalLocal'])
    case 'not':
      return columnsAskedBy(criterion.inner)
    case 'and':
    case 'or':
      return new Set(criterion.all.flatMap((one) => [...columnsAskedBy(one)]))
    default:
      return new Set()
  }
}
