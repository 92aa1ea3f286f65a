/** SEARCH (RFC 9051 §6.4.4, RFC 4731), SORT and THREAD (RFC 5256). @module */
import type { Modseq, Uid } from '#mail/ids.ts'
import { normaliseUidSet, type UidSet, uidSetOf, uidSetSize } from '#mail/uid-set.ts'
import { type SearchReturn, writeSearchProgram } from '#wire/imap/search-program.ts'
import { type SortCriterion, type SortKey, writeSortProgram } from '#wire/imap/sort-program.ts'
import type { ThreadList } from '#wire/imap/thread-list.ts'
import { writeThreadRequest } from '#wire/imap/thread-request.ts'
import { ProtocolError, UnsupportedError } from '../../errors.ts'
import type { ImapCommand } from '../command.ts'
import { NUMBERS } from '../limits.ts'
import { type Portion, portion, remainder } from '../message-limit.ts'
import { hasUnicode, type SearchQuery, searchKeys } from '../search-query.ts'
import type { ImapSession } from '../session.ts'

export interface SearchOptions {
  /** Only count (ESEARCH spares the list). */
  readonly countOnly?: boolean
  /** Keep the result on the server, to be named `$` (SEARCHRES). */
  readonly save?: boolean
}

export interface SearchResult {
  /** Empty with `countOnly`. */
  readonly uids: UidSet
  readonly count: number
  readonly min: Uid | undefined
  readonly max: Uid | undefined
  /** The highest of what was found, where MODSEQ was looked for. */
  readonly modseq: Modseq | undefined
}

/**
 * Searches all messages, however many one command may look at (RFC 9738).
 * @param run Runs a command, each for the same mailbox.
 */
export async function searchAll(
  run: (make: (session: ImapSession) => ImapCommand<Portion<SearchResult>>) => Promise<Portion<SearchResult>>,
  query: SearchQuery,
  options: SearchOptions,
): Promise<SearchResult> {
  let { value, last } = await run((session) => portion(search(session, query, options)))
  for (let before = Number.POSITIVE_INFINITY; last !== undefined; ) {
    // what is saved is only this much of it
    const [left] = remainder(options.save === true ? '$' : [[1, '*']], last, before)
    if (left === undefined) break
    before = last
    const asked = last
    const next = await run((session) => portion(search(session, query, options, asked)))
    value = together(next.value, value)
    last = next.last
  }
  return value
}

function together(low: SearchResult, high: SearchResult): SearchResult {
  const modseqs = [low.modseq, high.modseq].filter((modseq) => modseq !== undefined)
  return {
    uids: normaliseUidSet([...low.uids, ...high.uids]),
    count: low.count + high.count,
    min: low.min ?? high.min,
    max: high.max ?? low.max,
    modseq: modseqs.length === 0 ? undefined : (Math.max(...modseqs) as Modseq),
  }
}

/** @param below Only UIDs smaller than this. */
function search(
  { capabilities }: ImapSession,
  query: SearchQuery,
  options: SearchOptions,
  below?: Uid,
): ImapCommand<SearchResult> {
  const keys = [...searchKeys(query)]
  if (below !== undefined) keys.push({ kind: 'UID', set: [[1, below - 1]] })
  const extended = capabilities.has('ESEARCH')
  if (options.save === true && !capabilities.has('SEARCHRES')) throw new UnsupportedError('SEARCHRES', 'a kept result')
  const returns: SearchReturn[] = options.countOnly === true ? ['COUNT'] : ['ALL', 'COUNT', 'MIN', 'MAX']
  if (options.save === true) returns.push('SAVE')
  let result: SearchResult | undefined
  return {
    name: 'UID SEARCH',
    repeatable: options.save !== true,
    selected: true,
    write(w) {
      w.text('UID SEARCH ')
      // UTF8=ACCEPT forbids the charset (RFC 6855 §3)
      const charset = hasUnicode(keys) && !w.utf8 ? 'UTF-8' : undefined
      writeSearchProgram(w, { returns: extended ? returns : undefined, partial: undefined, charset, keys })
    },
    take(response, tag) {
      if (response.kind === 'ESEARCH') {
        // Dovecot searches at once for several commands, and answers as it finds
        if (response.tag !== undefined && response.tag !== tag) return false
        const uids = normaliseUidSet(response.all ?? [])
        const count = response.count ?? uidSetSize(uids)
        result = { uids, count, min: response.min as Uid, max: response.max as Uid, modseq: response.modseq }
      } else if (response.kind === 'SEARCH') {
        const sorted = [...response.numbers].sort((a, b) => a - b)
        const uids = uidSetOf(result === undefined ? sorted : [...listed(result.uids), ...sorted].sort((a, b) => a - b))
        result = { ...ends(uids), modseq: response.modseq }
      } else return false
      return true
    },
    finish: () => {
      const found = result ?? { ...ends([]), modseq: undefined }
      return options.countOnly === true ? { ...found, uids: [] } : found
    },
  }
}

function ends(uids: UidSet): Omit<SearchResult, 'modseq'> {
  return { uids, count: uidSetSize(uids), min: uids[0]?.[0], max: uids.at(-1)?.[1] }
}

/** Some servers answer in several lines. */
function listed(uids: UidSet): number[] {
  if (uidSetSize(uids) > NUMBERS) throw new ProtocolError('The server finds more messages than there can be')
  const all: number[] = []
  for (const [first, last] of uids) for (let uid: number = first; uid <= last; uid += 1) all.push(uid)
  return all
}

/** By what to sort: a key, or one in reverse. */
export type SortBy = SortKey | { readonly reverse: SortKey }

/** UIDs in their order. */
export function sort(
  { capabilities }: ImapSession,
  by: readonly SortBy[],
  query: SearchQuery,
): ImapCommand<readonly Uid[]> {
  if (!capabilities.has('SORT')) throw new UnsupportedError('SORT', 'sorting')
  const criteria: SortCriterion[] = by.map((each) =>
    typeof each === 'string' ? { key: each, reverse: false } : { key: each.reverse, reverse: true },
  )
  let uids: readonly number[] = []
  return {
    name: 'UID SORT',
    repeatable: true,
    selected: true,
    write(w) {
      w.text('UID SORT ')
      writeSortProgram(w, {
        returns: undefined,
        partial: undefined,
        charset: 'UTF-8',
        criteria,
        keys: searchKeys(query),
      })
    },
    take(response) {
      if (response.kind !== 'SORT') return false
      uids = response.numbers
      return true
    },
    finish: () => uids as readonly Uid[],
  }
}

/** Conversations; the numbers are UIDs. */
export function thread(
  { capabilities }: ImapSession,
  algorithm: string,
  query: SearchQuery,
): ImapCommand<readonly ThreadList[]> {
  const name = algorithm.toUpperCase()
  if (!capabilities.has(`THREAD=${name}`)) throw new UnsupportedError(`THREAD=${name}`, 'conversations')
  let threads: readonly ThreadList[] = []
  return {
    name: 'UID THREAD',
    repeatable: true,
    selected: true,
    write(w) {
      w.text('UID THREAD ')
      writeThreadRequest(w, { algorithm: name, charset: 'UTF-8', keys: searchKeys(query) })
    },
    take(response) {
      if (response.kind !== 'THREAD') return false
      threads = response.threads
      return true
    },
    finish: () => threads,
  }
}
