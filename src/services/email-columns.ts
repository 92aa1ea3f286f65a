/**
 * What SEARCH by dates and sizes, SORT and THREAD compare: columns of numbers, one for each page of a snapshot, in place
 * of a row for each message. Texts are numbers of a table. What an email is never changes, so columns are kept for the
 * next command, by the list of UIDs of their page: that is another one as soon as a message comes or goes.
 * @module
 */
import type { Turns } from '#lib/turns.ts'
import type { MailboxKey } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import { uidSetSize } from '#mail/uid-set.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { AccountRef } from '#store/types.ts'
import { type Column, type ColumnKind, emptyColumn, isNumber, type Reading, readColumns } from './column-reading.ts'
import type { Snapshot } from './snapshot.ts'
import { TextTable } from './text-table.ts'

/** Octets of columns that a thread keeps. */
const KEPT_OCTETS = 16 * 1024 * 1024
/** They go when nobody has asked for so long. */
const IDLE_MS = 60_000
/** Fewer messages than this share of the mailbox are read alone, and not kept. */
const FEW = 1 / 8
/** A list of references has room for so many numbers in the beginning. */
const FIRST_LISTS = 1_024

/** Columns of one page, or of some messages; all have the length of their UIDs. */
export interface PageColumns {
  readonly columns: Map<ColumnKind, Column>
  /** 1 where the store has no such message any more. */
  absent: Uint8Array | undefined
}

/** Columns of some messages. */
export interface GatheredColumns {
  readonly uids: Uint32Array
  /** What numbers of texts stand for. */
  readonly tables: Tables
  /** A column that was asked for. */
  readonly of: (kind: ColumnKind) => Column
}

/** Where columns are asked of. */
export interface ColumnGround {
  readonly store: MailStore
  readonly account: AccountRef
  readonly mailbox: MailboxKey
  readonly snapshot: Snapshot
  readonly signal: AbortSignal
}

/** Numbers of texts, the same in all columns of a mailbox. */
export class Tables {
  readonly #tables = new Map<ColumnKind, TextTable>()
  /** Lists of references: how many, then these. A column says where its list begins; there is none at 0. */
  #lists: Uint32Array = new Uint32Array(FIRST_LISTS)
  #listsEnd = 1

  of(kind: ColumnKind): TextTable {
    let table = this.#tables.get(kind)
    if (table === undefined) {
      table = new TextTable()
      this.#tables.set(kind, table)
    }
    return table
  }

  /** The list that begins there. */
  list(begin: number): Uint32Array {
    return begin === 0 ? NO_UIDS : this.#lists.subarray(begin + 1, begin + 1 + (this.#lists[begin] ?? 0))
  }

  addList(ids: readonly number[]): number {
    if (ids.length === 0) return 0
    const begin = this.#listsEnd
    this.#listsEnd += 1 + ids.length
    if (this.#listsEnd > this.#lists.length) {
      const wider = new Uint32Array(2 * this.#listsEnd)
      wider.set(this.#lists)
      this.#lists = wider
    }
    this.#lists[begin] = ids.length
    this.#lists.set(ids, begin + 1)
    return begin
  }

  get octets(): number {
    let octets = this.#lists.byteLength
    for (const table of this.#tables.values()) octets += table.octets
    return octets
  }
}

/** Columns of a mailbox. */
class MailboxColumns {
  readonly pages = new WeakMap<Uint32Array, PageColumns>()
  readonly tables = new Tables()
  /** Of the pages, those of former snapshots among them. */
  pageOctets = 0

  get octets(): number {
    return this.pageOctets + this.tables.octets
  }
}

/** Columns of a thread, the mailbox that was asked longest ago first. */
class KeptColumns {
  readonly #mailboxes = new Map<string, MailboxColumns>()
  #idle: NodeJS.Timeout | undefined

  of(account: AccountRef, mailbox: MailboxKey): MailboxColumns {
    const key = `${account.shard}/${account.id}/${mailbox}`
    const found = this.#mailboxes.get(key) ?? new MailboxColumns()
    this.#mailboxes.delete(key)
    this.#mailboxes.set(key, found)
    return found
  }

  /** Forgets what is too much; whoever works with it goes on doing so. */
  settle(): void {
    let octets = 0
    for (const mailbox of this.#mailboxes.values()) octets += mailbox.octets
    for (const [key, mailbox] of this.#mailboxes) {
      if (octets <= KEPT_OCTETS) break
      octets -= mailbox.octets
      this.#mailboxes.delete(key)
    }
    this.#idle ??= setTimeout(() => {
      this.#idle = undefined
      this.#mailboxes.clear()
    }, IDLE_MS).unref()
    this.#idle.refresh()
  }
}

const ofStore = new WeakMap<MailStore, KeptColumns>()

function keptOf(store: MailStore): KeptColumns {
  let kept = ofStore.get(store)
  if (kept === undefined) {
    kept = new KeptColumns()
    ofStore.set(store, kept)
  }
  return kept
}

/**
 * Columns of all messages of these pages of the snapshot, by the number of the page.
 * @throws the signal's reason once it is aborted.
 */
export async function columnsOfPages(
  ground: ColumnGround,
  pages: readonly number[],
  kinds: readonly ColumnKind[],
  turns: Turns,
): Promise<(page: number) => PageColumns> {
  const { store, account, mailbox, snapshot } = ground
  const kept = keptOf(store)
  const own = kept.of(account, mailbox)
  const uidsOf = (page: number): Uint32Array => snapshot.pages[page]?.uids ?? NO_UIDS
  const read: Reading[] = []
  const all = pages.map((page) => {
    const uids = uidsOf(page)
    const columns = own.pages.get(uids) ?? { columns: new Map(), absent: undefined }
    const missing = kinds.filter((kind) => !columns.columns.has(kind))
    if (missing.length > 0) read.push({ uids, into: columns, kinds: missing })
    return [page, columns] as const
  })
  if (read.length > 0) {
    await readColumns(ground, read, own.tables, turns)
    for (const { uids, into, kinds: those } of read) {
      own.pages.set(uids, into)
      for (const kind of those) own.pageOctets += uids.length * (isNumber(kind) ? 8 : 4)
    }
  }
  kept.settle()
  const found = new Map(all)
  return (page) => found.get(page) ?? NO_COLUMNS
}

/**
 * Columns of these messages of the snapshot, without those that the store has no more.
 * @throws the signal's reason once it is aborted.
 */
export async function columnsOfUids(
  ground: ColumnGround,
  uids: UidSet,
  kinds: readonly ColumnKind[],
  turns: Turns,
): Promise<GatheredColumns> {
  const { snapshot, store, account, mailbox } = ground
  const gathered = new Gathering(uidSetSize(uids), kinds, keptOf(store).of(account, mailbox).tables)
  if (gathered.uids.length <= snapshot.size * FEW) {
    let at = 0
    for (const [first, last] of uids) for (let uid = first as number; uid <= last; uid += 1) gathered.uids[at++] = uid
    const alone: PageColumns = { columns: new Map(), absent: undefined }
    if (at > 0) await readColumns(ground, [{ uids: gathered.uids, into: alone, kinds }], gathered.tables, turns)
    gathered.takeAll(alone)
    keptOf(store).settle()
    return gathered.done()
  }
  const runs = runsOf(snapshot, uids)
  const columns = await columnsOfPages(ground, [...new Set(runs.map(({ page }) => page))], kinds, turns)
  for (const { page, from, to } of runs) gathered.take(snapshot.pages[page]?.uids ?? NO_UIDS, columns(page), from, to)
  return gathered.done()
}

const NO_UIDS = new Uint32Array(0)
const NO_COLUMNS: PageColumns = { columns: new Map(), absent: undefined }

interface Run {
  readonly page: number
  readonly from: number
  readonly to: number
}

/** Places of the messages in the pages. */
function runsOf(snapshot: Snapshot, uids: UidSet): readonly Run[] {
  const runs: Run[] = []
  for (const [first, last] of uids) {
    const from = snapshot.seek(first)
    const to = snapshot.seek(last + 1)
    for (let page = from.page; page <= to.page; page += 1) {
      const begin = page === from.page ? from.at : 0
      const end = page === to.page ? to.at : (snapshot.pages[page]?.uids.length ?? 0)
      if (begin < end) runs.push({ page, from: begin, to: end })
    }
  }
  return runs
}

/** Puts parts of pages behind each other. */
class Gathering {
  uids: Uint32Array
  readonly tables: Tables
  readonly #columns: Map<ColumnKind, Column>
  #absent: Uint8Array | undefined
  #count = 0

  constructor(most: number, kinds: readonly ColumnKind[], tables: Tables) {
    this.uids = new Uint32Array(most)
    this.tables = tables
    this.#columns = new Map(kinds.map((kind) => [kind, emptyColumn(kind, most)]))
  }

  take(uids: Uint32Array, { columns, absent }: PageColumns, from: number, to: number): void {
    const at = this.#count
    this.#count += to - from
    this.uids.set(uids.subarray(from, to), at)
    for (const [kind, into] of this.#columns) {
      const column = columns.get(kind)
      if (column !== undefined) into.set(column.subarray(from, to), at)
    }
    if (absent === undefined) return
    this.#absent ??= new Uint8Array(this.uids.length)
    this.#absent.set(absent.subarray(from, to), at)
  }

  takeAll({ columns, absent }: PageColumns): void {
    for (const [kind, column] of columns) this.#columns.set(kind, column)
    this.#absent = absent
    this.#count = this.uids.length
  }

  done(): GatheredColumns {
    const absent = this.#absent
    const here = (_: number, at: number): boolean => absent?.[at] !== 1 && at < this.#count
    const whole = absent === undefined && this.#count === this.uids.length
    const columns = whole
      ? this.#columns
      : new Map(Array.from(this.#columns, ([kind, column]) => [kind, column.filter(here)]))
    return {
      uids: whole ? this.uids : this.uids.filter(here),
      tables: this.tables,
      of(kind) {
        const column = columns.get(kind)
        if (column === undefined) throw new Error(`Column ${kind} was not asked for`)
        return column
      },
    }
  }
}
