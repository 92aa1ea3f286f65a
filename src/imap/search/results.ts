/** Results as RETURN asks for them, in the order of the mailbox or sorted (RFC 4731, RFC 5182, RFC 5267 §3, RFC 9394). @module */
import { Turns } from '#lib/turns.ts'
import type { Uid } from '#mail/ids.ts'
import { RangeCollector, UidRanges } from '#mail/uid-ranges.ts'
import { normaliseUidSet, type UidSet, uidSetOf, uidsOf } from '#mail/uid-set.ts'
import { sliceUidSet } from '#mail/uid-set-arithmetic.ts'
import type { Snapshot } from '#services/snapshot.ts'
import { numbersWithin } from '#services/snapshot-sets.ts'
import { SnapshotWalk } from '#services/snapshot-walk.ts'
import { formatPartialRange, type PartialRange } from '#wire/imap/partial-range.ts'
import type { SearchReturn, SearchReturns } from '#wire/imap/search-program.ts'
import type { By } from '../command.ts'
import type { Output } from '../output.ts'
import { writeRanges } from './numbers.ts'
import type { Relevance } from './relevance.ts'

/** Text that is written at once. */
const TEXT_CHARS = 4_096

/** What was found, in its order; places count from 0, the end is not included. */
export interface Results {
  readonly count: number
  /** UIDs of a part, ascending. */
  uids(from: number, to: number): UidSet
  /** UIDs of a part, in their order. */
  inOrder(from: number, to: number): Iterable<Uid>
  /** Writes a part as a sequence set. */
  write(out: Output, from: number, to: number, snapshot: Snapshot, by: By): Promise<void>
}

/** Results of a search, ascending. */
export function resultsOf(found: UidRanges): Results {
  return {
    // not every answer has it
    get count() {
      return found.size
    },
    uids: (from, to) => sliceUidSet(found.set, from, to),
    inOrder: (from, to) => uidsOf(sliceUidSet(found.set, from, to)),
    write(out, from, to, snapshot, by) {
      if (by === 'uid' && from === 0 && to === found.size) return writeRanges(out, found)
      const part = sliceUidSet(found.set, from, to)
      return writeRanges(out, UidRanges.of(by === 'uid' ? part : numbersWithin(snapshot, part)))
    },
  }
}

/** Sorted results. */
export function sortedResults(sorted: Uint32Array): Results {
  return {
    count: sorted.length,
    uids: (from, to) => uidSetOf(sorted.slice(from, to).sort()),
    inOrder: (from, to) => Array.from(sorted.subarray(from, to), (uid) => uid as Uid),
    write: (out, from, to, snapshot, by) => writeRanges(out, runsOf(sorted.subarray(from, to), snapshot, by)),
  }
}

/** Only ascending runs are ranges (RFC 5267 §3.2). */
function runsOf(sorted: Uint32Array, snapshot: Snapshot, by: By): UidRanges {
  const runs = new RangeCollector()
  for (const uid of sorted) runs.add(by === 'uid' ? uid : (snapshot.numberOf(uid) ?? 0))
  return runs.ranges
}

async function writeJoined<T>(out: Output, all: Iterable<T>, joint: string, format: (one: T) => string): Promise<void> {
  const turns = new Turns()
  let text = ''
  let before = ''
  for (const one of all) {
    text += `${before}${format(one)}`
    before = joint
    if (text.length < TEXT_CHARS) continue
    out.text(text)
    text = ''
    if (out.due) await out.flush()
    if (turns.overNow) await turns.share()
  }
  out.text(text)
}

/** Places of a PARTIAL range among so many results, `undefined` when it lies outside (RFC 9394 §3.1). */
export function partialSpan(
  { first, last, fromEnd }: PartialRange,
  count: number,
): { readonly from: number; readonly to: number } | undefined {
  const [low, high] = [Math.min(first, last), Math.max(first, last)]
  const from = fromEnd ? Math.max(0, count - high) : low - 1
  const to = fromEnd ? count - low + 1 : Math.min(high, count)
  return from < to ? { from, to } : undefined
}

/** What SAVE keeps: MIN, MAX and PARTIAL without COUNT or ALL just those messages (RFC 5182 §2.4, RFC 9394 §3.2). */
export function savedOf({ returns = [], partial }: SearchReturns, results: Results): UidSet {
  const whole = returns.includes('ALL') || returns.includes('COUNT')
  const some = partial !== undefined || returns.includes('MIN') || returns.includes('MAX')
  if (whole || !some) return results.uids(0, results.count)
  const span = partial === undefined ? undefined : partialSpan(partial, results.count)
  return normaliseUidSet([...endsOf(returns, results), ...(span === undefined ? [] : results.uids(span.from, span.to))])
}

function endsOf(returns: readonly SearchReturn[], results: Results): UidSet {
  const { count } = results
  if (count === 0) return []
  return normaliseUidSet([
    ...(returns.includes('MIN') ? results.uids(0, 1) : []),
    ...(returns.includes('MAX') ? results.uids(count - 1, count) : []),
  ])
}

/** Where the results are told. */
export interface Answer {
  /** `(TAG "a")` and the like. */
  readonly head: string
  readonly by: By
  readonly snapshot: Snapshot
  readonly returns: SearchReturns
  readonly results: Results
  /** MODSEQ was a key. */
  readonly modseq: boolean
  readonly relevance: Relevance | undefined
}

/** Writes `* ESEARCH …`; RETURN without options, or none at all, means ALL. */
export async function writeResults(out: Output, answer: Answer): Promise<void> {
  const { by, snapshot, results, relevance } = answer
  const { partial } = answer.returns
  const { count } = results
  // CONTEXT is a hint that needs nothing here, UPDATE asks for nothing now (RFC 5267 §4.2, §4.3)
  const asked = (answer.returns.returns ?? []).filter((name) => name !== 'CONTEXT' && name !== 'UPDATE')
  // SAVE alone is answered by nothing (RFC 5182 §2.1)
  if (asked.length > 0 && asked.every((name) => name === 'SAVE')) return
  const returns: readonly SearchReturn[] = asked.length === 0 ? ['ALL'] : asked
  out.text('* ESEARCH ').text(answer.head)
  if (by === 'uid') out.text(' UID')
  const part = (name: string, from: number, to: number): Promise<void> => {
    out.text(` ${name} `)
    return results.write(out, from, to, snapshot, by)
  }
  if (count > 0) {
    if (returns.includes('MIN')) await part('MIN', 0, 1)
    if (returns.includes('MAX')) await part('MAX', count - 1, count)
    if (returns.includes('ALL')) await part('ALL', 0, count)
  }
  if (returns.includes('COUNT')) out.text(` COUNT ${count}`)
  const span = partial === undefined ? undefined : partialSpan(partial, count)
  if (partial !== undefined) {
    out.text(` PARTIAL (${formatPartialRange(partial)} `)
    if (span === undefined) out.text('NIL')
    else await results.write(out, span.from, span.to, snapshot, by)
    out.text(')')
  }
  if (relevance !== undefined && returns.includes('RELEVANCY')) {
    const { from, to } = partial === undefined ? { from: 0, to: count } : (span ?? { from: 0, to: 0 })
    out.text(' RELEVANCY (')
    await writeJoined(out, results.inOrder(from, to), ' ', (uid) => `${relevance(uid)}`)
    out.text(')')
  }
  if (answer.modseq && count > 0) {
    // Of the messages told of: with MIN and MAX alone, only those (RFC 7162 §3.1.10)
    out.text(` MODSEQ ${highestModseq(snapshot, toldOf(answer.returns, returns, results))}`)
  }
  out.text('\r\n')
}

function toldOf({ partial }: SearchReturns, returns: readonly SearchReturn[], results: Results): UidSet {
  const only = returns.includes('MIN') || returns.includes('MAX')
  const whole = returns.includes('ALL') || returns.includes('COUNT') || partial !== undefined || !only
  return whole ? results.uids(0, results.count) : endsOf(returns, results)
}

/** The highest MODSEQ of those messages. */
export function highestModseq(snapshot: Snapshot, uids: UidSet): number {
  let modseq = 0
  for (const walk = new SnapshotWalk(snapshot, uids); walk.next(); ) modseq = Math.max(modseq, walk.modseq)
  return modseq
}
