/**
 * Searches a mailbox: cheapest facts first. An index, where there is one, says which messages have a text; flags and
 * MODSEQs come from the snapshot, then narrow columns are read, then headers, and only messages that are still undecided
 * have their bodies scanned (design §8): those that the index does not know, and those of which it is not sure.
 * @module
 */
import { Turns } from '#lib/turns.ts'
import { fold, NeedleSearch } from '#mail/fold.ts'
import type { MailboxKey } from '#mail/ids.ts'
import { PartTable } from '#mail/part-table.ts'
import { type SearchableText, searchableHeader, searchableText } from '#mail/searchable.ts'
import { RangeCollector, UidRanges } from '#mail/uid-ranges.ts'
import { normaliseUidSet, UidCollector, type UidSet, uidSetHas, uidSetSize } from '#mail/uid-set.ts'
import { intersectUidSets } from '#mail/uid-set-arithmetic.ts'
import { DamagedBody, type MailStore } from '#store/mail-store.ts'
import type { SearchIndex } from '#store/search-index.ts'
import { type AccountRef, type EmailFields, type EmailRow, HEADER, NARROW, PARTS } from '#store/types.ts'
import { columnsOfPages } from './email-columns.ts'
import { type IndexedTexts, indexedTexts } from './indexed-texts.ts'
import { columnsAskedBy, OPEN, PageJudge, YES } from './page-verdicts.ts'
import {
  type BodyFacts,
  type Criterion,
  type Facts,
  type FoldedColumns,
  type HeaderFacts,
  meets,
  needsOf,
} from './search-criterion.ts'
import type { Snapshot } from './snapshot.ts'
import { SnapshotWalk } from './snapshot-walk.ts'
import { searchTexts } from './text-search.ts'

export interface MailboxSearch {
  readonly store: MailStore
  /** Without one, everything is read. */
  readonly index: SearchIndex | undefined
  readonly account: AccountRef
  readonly mailbox: MailboxKey
  /** Messages that may be found. */
  readonly snapshot: Snapshot
  readonly criterion: Criterion
  /** Only these are looked at. */
  readonly among?: UidSet
  /** Aborted when nobody waits for the result any more. */
  readonly signal: AbortSignal
}

/** Messages that are looked at without asking the index, and whose dates are read with the rest of them. */
const FEW = 20
/** Less than this share of the mailbox is looked at message by message. */
const SOME = 1 / 8
/** So many messages that have to be read are worth an index. */
const MANY = 200
/** Octets of a message that are read at once for its text. */
const READ_BYTES = 1024 * 1024

/**
 * UIDs of the messages found, ascending.
 * @throws the signal's reason once it is aborted.
 */
export async function searchMailbox(search: MailboxSearch): Promise<UidSet> {
  return (await searchRanges(search)).set
}

/** The same as numbers: for who only writes them. */
export async function searchRanges(search: MailboxSearch): Promise<UidRanges> {
  const { snapshot, criterion, among, signal } = search
  const turns = new Turns()
  const texts = await askIndex(search)
  signal.throwIfAborted()
  const candidates = texts?.candidates(criterion)
  const looked = among === undefined ? candidates : candidates ? intersectUidSets(among, candidates) : among
  const few = looked !== undefined && uidSetSize(looked) < snapshot.size * SOME
  const { found, undecided } = await (few
    ? searchFew(search, texts, looked, turns)
    : searchPages(search, texts, looked, turns))
  if (undecided.length === 0) return found
  signal.throwIfAborted()
  const later = await searchRows({ ...search, texts }, undecided, turns)
  return UidRanges.of(normaliseUidSet([...found.set, ...later]))
}

/** Decides by the snapshot and the index. */
async function searchFew(
  { snapshot, criterion, signal }: MailboxSearch,
  texts: IndexedTexts | undefined,
  looked: UidSet,
  turns: Turns,
): Promise<Decided<UidRanges>> {
  const found = new UidCollector()
  const undecided = new UidCollector()
  for (const walk = new SnapshotWalk(snapshot, looked); walk.next(); ) {
    const { uid, flags, modseq } = walk
    const answer = meets(criterion, texts === undefined ? walk : { uid, flags, modseq, texts })
    if (answer === true) found.add(uid)
    else if (answer === undefined) undecided.add(uid)
    if (turns.over) {
      await turns.share()
      signal.throwIfAborted()
    }
  }
  return { found: UidRanges.of(found.set), undecided: undecided.set }
}

/** The same of whole pages, and by columns where dates or sizes are asked of many messages. */
async function searchPages(
  search: MailboxSearch,
  texts: IndexedTexts | undefined,
  looked: UidSet | undefined,
  turns: Turns,
): Promise<Decided<UidRanges>> {
  const { snapshot, criterion, signal } = search
  const { pages } = snapshot
  const judge = new PageJudge(criterion)
  const verdicts: Uint8Array[] = []
  const open: number[] = []
  let openCount = 0
  for (const [index, { uids, flags, modseqs }] of pages.entries()) {
    const verdict = judge.judge({ uids, flags, modseqs, texts, column: () => undefined })
    if (looked !== undefined) keepOnly(looked, uids, verdict)
    verdicts.push(verdict)
    if (verdict.includes(OPEN)) {
      open.push(index)
      openCount += countOf(verdict, OPEN)
    }
    if (turns.overNow) {
      await turns.share()
      signal.throwIfAborted()
    }
  }
  const kinds = [...columnsAskedBy(criterion)]
  if (kinds.length > 0 && openCount > FEW && openCount >= snapshot.size * SOME) {
    const columnsOf = await columnsOfPages(search, open, kinds, turns)
    for (const index of open) {
      const page = pages[index]
      const before = verdicts[index]
      if (page === undefined || before === undefined) continue
      const { columns, absent } = columnsOf(index)
      const verdict = judge.judge({ ...page, texts, column: (name) => columns.get(name) })
      for (let at = 0; at < verdict.length; at += 1)
        if (before[at] === OPEN) before[at] = absent?.[at] === 1 ? 0 : (verdict[at] ?? 0)
      if (turns.overNow) await turns.share()
    }
  }
  return {
    found: await uidsWith(YES, verdicts, snapshot, turns),
    undecided: open.length === 0 ? [] : (await uidsWith(OPEN, verdicts, snapshot, turns)).set,
  }
}

/** UIDs of the messages that have this verdict. */
async function uidsWith(
  wanted: number,
  verdicts: readonly Uint8Array[],
  { pages }: Snapshot,
  turns: Turns,
): Promise<UidRanges> {
  const ranges = new RangeCollector()
  for (const [index, verdict] of verdicts.entries()) {
    addThose(ranges, wanted, verdict, pages[index]?.uids ?? NO_UIDS)
    if (turns.overNow) await turns.share()
  }
  return ranges.ranges
}

function addThose(ranges: RangeCollector, wanted: number, verdict: Uint8Array, uids: Uint32Array): void {
  for (let at = 0; at < verdict.length; at += 1) if (verdict[at] === wanted) ranges.add(uids[at] ?? 0)
}

const NO_UIDS = new Uint32Array(0)

function keepOnly(set: UidSet, uids: Uint32Array, verdict: Uint8Array): void {
  for (let at = 0; at < verdict.length; at += 1)
    if (verdict[at] !== 0 && !uidSetHas(set, uids[at] ?? 0)) verdict[at] = 0
}

function countOf(verdicts: Uint8Array, wanted: number): number {
  let count = 0
  for (let at = 0; at < verdicts.length; at += 1) if (verdicts[at] === wanted) count += 1
  return count
}

/** A few messages are read sooner than the index is asked. */
async function askIndex(search: MailboxSearch): Promise<IndexedTexts | undefined> {
  const { index, snapshot, account, mailbox, criterion, among } = search
  if (index === undefined || Math.min(snapshot.size, among ? uidSetSize(among) : snapshot.size) <= FEW) return undefined
  return indexedTexts(index, account, mailbox, criterion)
}

interface RowSearch extends MailboxSearch {
  readonly texts: IndexedTexts | undefined
}

/** Decides by rows, headers and bodies; each stage only about what the one before left open. */
async function searchRows(search: RowSearch, uids: UidSet, turns: Turns): Promise<UidSet> {
  const { criterion } = search
  const { textColumns, sentDay, message, bodyTexts } = needsOf(criterion)
  if (!message) return searchTexts(search, uids, [...textColumns], turns)
  const narrow = sentDay || textColumns.size > 0 ? NARROW : 0
  const first = await stage(search, uids, narrow, turns, async (row, walk) => {
    return meets(criterion, { ...factsOf(search, row, walk), ...columnsOf(row) })
  })
  if (first.undecided.length === 0) return first.found
  if (uidSetSize(first.undecided) >= MANY) search.index?.want(search.account)
  const wanted = narrow | HEADER | PARTS
  const second = await stage(search, first.undecided, wanted, turns, async (row, walk) => {
    const known = {
      ...factsOf(search, row, walk),
      ...columnsOf(row),
      header: await headerFacts(search, row),
    }
    const answer = meets(criterion, known)
    if (answer !== undefined || bodyTexts.size === 0) return answer === true
    return meets(criterion, { ...known, body: await bodyFacts(search, row, bodyTexts, turns) }) === true
  })
  return normaliseUidSet([...first.found, ...second.found])
}

interface Decided<T> {
  readonly found: T
  readonly undecided: UidSet
}

async function stage(
  { store, account, mailbox, snapshot, signal }: RowSearch,
  uids: UidSet,
  fields: EmailFields,
  turns: Turns,
  decide: (row: EmailRow, walk: SnapshotWalk) => Promise<boolean | undefined>,
): Promise<Decided<UidSet>> {
  const found = new UidCollector()
  const undecided = new UidCollector()
  const walk = new SnapshotWalk(snapshot, uids)
  for await (const rows of store.emails(account, mailbox, uids, fields)) {
    for (const row of rows) {
      if (!walk.goTo(row.uid)) continue
      const answer = await decide(row, walk).catch(unreadable)
      if (answer === true) found.add(row.uid)
      else if (answer === undefined) undecided.add(row.uid)
      if (turns.over) {
        await turns.share()
        signal.throwIfAborted()
      }
    }
    signal.throwIfAborted()
  }
  return { found: found.set, undecided: undecided.set }
}

/** A message whose octets are damaged is not found by them; all others are. */
function unreadable(error: unknown): false {
  if (!(error instanceof DamagedBody)) throw error
  return false
}

function factsOf({ texts }: RowSearch, row: EmailRow, { flags, modseq }: SnapshotWalk): Facts {
  return { uid: row.uid, flags, modseq, row, ...(texts === undefined ? {} : { texts }) }
}

function columnsOf({ narrow }: EmailRow): { readonly columns?: FoldedColumns } {
  return narrow === undefined ? {} : { columns: foldedColumns(narrow) }
}

function foldedColumns(narrow: NonNullable<EmailRow['narrow']>): FoldedColumns {
  return { sentDay: narrow.sentDay, has: (column, text) => text === '' || fold(narrow[column]).includes(text) }
}

/** Trace lines and the message's own header, decoded once. */
async function headerFacts({ store, account }: MailboxSearch, row: EmailRow): Promise<HeaderFacts> {
  const size = row.headerSize ?? 0
  const cached = row.header ?? new Uint8Array()
  const header =
    cached.length >= size ? cached : await store.body(account, row.place).read(0, Math.min(size, READ_BYTES))
  const fields: { readonly field: string; readonly text: string }[] = []
  for (const block of [row.trace, header]) {
    for (const { field, text } of searchableHeader(block)) fields.push({ field: field ?? '', text: fold(text) })
  }
  return {
    has: (field, text) => fields.some((one) => one.field === field && one.text.includes(text)),
    hasText: (text) => fields.some((one) => one.text.includes(text)),
  }
}

/** All texts are looked for in one pass over the message. */
async function bodyFacts(
  { store, account, signal }: MailboxSearch,
  row: EmailRow,
  texts: ReadonlySet<string>,
  turns: Turns,
): Promise<BodyFacts> {
  const searches = new Map(Array.from(texts, (text) => [text, new NeedleSearch(text)]))
  const body = store.body(account, row.place)
  const bytes = Buffer.allocUnsafe(body.size)
  let at = 0
  for await (const chunk of body.stream(0, body.size)) {
    bytes.set(chunk, at)
    at += chunk.length
    signal.throwIfAborted()
  }
  const table = PartTable.decode(row.parts ?? new Uint8Array())
  for (const piece of searchableText((start, end) => bytes.subarray(start, end), table)) {
    if (!take(piece, searches)) break
    if (turns.over) {
      await turns.share()
      signal.throwIfAborted()
    }
  }
  return { hasText: (text) => searches.get(text)?.found ?? false }
}

/** @returns `false` when everything has been found. */
function take({ where, text, continued }: SearchableText, searches: ReadonlyMap<string, NeedleSearch>): boolean {
  if (where === 'header') return true
  let open = false
  for (const search of searches.values()) {
    search.push(text, continued)
    open ||= !search.found
  }
  return open
}
