/** Which mailboxes of two sides belong together: as recorded, by what they are for, by name. @module */
import { type GoneMailbox, tooMany } from './gone-mailboxes.ts'
import { followRenames, type Lists } from './renames.ts'
import { type Side, type SideMailbox, SideRefusal } from './side.ts'
import { type End, type MailboxRecord, newRecord, type SyncState } from './state.ts'
import { mergeSubscription } from './subscriptions.ts'

/** Two mailboxes that belong together; one is missing only where a dry run did not make it. */
export interface MailboxPair {
  readonly record: MailboxRecord
  readonly left: SideMailbox | undefined
  readonly right: SideMailbox | undefined
}

/** What people should know about a mailbox. */
export interface MailboxNote {
  readonly kind: /** It could not be made or opened. */
    | 'refused'
    /** It was there, and is gone on the side named: the other one is left alone. */
    | 'gone'
    /** The same, and the other one would go too, if it had no messages that this one never had. */
    | 'new-messages'
    /** The same, if it were the same mailbox still. */
    | 'made-anew'
  readonly mailbox: string
  readonly side: End
  readonly why?: string
}

export interface PairRequest {
  readonly left: Side
  readonly right: Side
  readonly state: SyncState
  readonly twoWay: boolean
  readonly dryRun: boolean
  readonly wanted: (path: readonly string[]) => boolean
  /** Mailboxes that are gone from one side are to go from the other. */
  readonly mailboxDeletions?: boolean
  /** Also where half of all are gone. */
  readonly emptyToo: boolean
}

export interface Paired {
  readonly pairs: readonly MailboxPair[]
  readonly notes: readonly MailboxNote[]
  readonly made: number
  readonly renamed: number
  readonly subscribed: number
  /** What is to be taken away. */
  readonly gone: readonly GoneMailbox[]
  /** How many would be, if they were not too many. */
  readonly sparedMailboxes: number
}

/** See the module. Makes what is missing. */
export async function pairMailboxes(request: PairRequest): Promise<Paired> {
  return new Pairing(request).run()
}

class Pairing {
  readonly #request: PairRequest
  readonly #pairs: MailboxPair[] = []
  readonly #notes: MailboxNote[] = []
  readonly #gone: GoneMailbox[] = []
  #made = 0
  #subscribed = 0

  constructor(request: PairRequest) {
    this.#request = request
  }

  async run(): Promise<Paired> {
    const { twoWay, wanted, emptyToo } = this.#request
    const { lists, records, renamed } = await followRenames(this.#request)
    const open = {
      left: new Map(
        byDepth(lists.left)
          .filter(({ path }) => wanted(path))
          .map((mailbox) => [mailbox.name, mailbox]),
      ),
      right: new Map(byDepth(lists.right).map((mailbox) => [mailbox.name, mailbox])),
    }
    this.#recorded(open, lists, records)
    this.#byUseAndName(open)
    for (const mailbox of open.left.values()) await this.#place('left', mailbox, open.right)
    if (twoWay) {
      const rest = [...open.right.values()].filter(({ path }) => wanted(path))
      for (const mailbox of rest) await this.#place('right', mailbox, open.left)
    }
    for (const pair of this.#pairs) await this.#subscribe(pair)
    const spared = !emptyToo && tooMany(this.#gone, records.length) ? this.#gone.splice(0) : []
    for (const { mailbox, end } of spared) this.#notes.push({ kind: 'gone', mailbox: mailbox.name, side: other(end) })
    return {
      pairs: this.#pairs,
      notes: this.#notes,
      made: this.#made,
      renamed,
      subscribed: this.#subscribed,
      gone: this.#gone,
      sparedMailboxes: spared.length,
    }
  }

  #recorded(open: Open, lists: Lists, records: readonly MailboxRecord[]): void {
    const { state, twoWay, dryRun, wanted, mailboxDeletions } = this.#request
    const all = {
      left: new Map(lists.left.map((mailbox) => [mailbox.name, mailbox])),
      right: new Map(lists.right.map((mailbox) => [mailbox.name, mailbox])),
    }
    for (const record of records) {
      const left = all.left.get(record.left.name)
      const right = all.right.get(record.right.name)
      if (left !== undefined && right !== undefined) {
        if (wanted(left.path)) this.#pairs.push({ record, left, right })
      } else if (left !== undefined && !twoWay) {
        // the copy is gone: it is made again
        if (!dryRun) state.part(record.id)
        continue
      } else if (left !== undefined || right !== undefined) {
        const [mailbox, end]: [SideMailbox | undefined, End] = left === undefined ? [right, 'right'] : [left, 'left']
        if (mailbox !== undefined && wanted(mailbox.path)) {
          const can = mailboxDeletions === true && this.#request[end].remove !== undefined
          if (can && mailbox.role !== 'inbox') this.#gone.push({ record, end, mailbox })
          else this.#notes.push({ kind: 'gone', mailbox: mailbox.name, side: other(end) })
        }
      } else if (!dryRun && twoWay) state.part(record.id)
      open.left.delete(record.left.name)
      open.right.delete(record.right.name)
    }
  }

  /** Carries over what changed. */
  async #subscribe({ record, left, right }: MailboxPair): Promise<void> {
    const { state, twoWay, dryRun } = this.#request
    if (this.#request.right.subscribe === undefined) return
    if (left?.subscribed === undefined || right?.subscribed === undefined) return
    const merged = mergeSubscription(record.subscribed, left.subscribed, right.subscribed, twoWay)
    for (const [end, mailbox] of [
      ['left', left],
      ['right', right],
    ] as const) {
      const on = merged[end]
      if (on === undefined) continue
      this.#subscribed += 1
      if (!dryRun) await this.#request[end].subscribe?.(mailbox, on)
    }
    if (!dryRun && merged.base !== record.subscribed) state.subscribed(record.id, merged.base)
  }

  #byUseAndName(open: Open): void {
    const leftPaths = new Set([...open.left.values()].map(({ path }) => pathKey(path)))
    for (const left of open.left.values()) {
      const rights = [...open.right.values()]
      // a mailbox of that use and another name, unless that name has its own partner
      const right =
        rights.find(({ role, path }) => role !== undefined && role === left.role && !leftPaths.has(pathKey(path))) ??
        rights.find(({ path }) => pathKey(path) === pathKey(left.path))
      if (right !== undefined) this.#join(open, { record: this.#newRecord(left.name, right.name), left, right })
    }
  }

  /** Finds or makes the partner of a mailbox that has none. */
  async #place(from: End, mailbox: SideMailbox, others: Map<string, SideMailbox>): Promise<void> {
    const { left, right, dryRun } = this.#request
    const [side, to]: [Side, End] = from === 'left' ? [right, 'right'] : [left, 'left']
    const path = this.#pathFor(from, side, mailbox.path)
    const there = [...others.values()].find((each) => pathKey(each.path) === pathKey(path))
    if (there !== undefined) others.delete(there.name)
    try {
      const partner = there ?? (dryRun ? undefined : await side.create(this.#freePath(to, path), mailbox))
      if (there === undefined) this.#made += 1
      const [leftName, rightName] = from === 'left' ? [mailbox.name, partner?.name] : [partner?.name, mailbox.name]
      const record = this.#newRecord(leftName ?? '', rightName ?? '')
      this.#pairs.push(
        from === 'left' ? { record, left: mailbox, right: partner } : { record, left: partner, right: mailbox },
      )
    } catch (error) {
      if (!(error instanceof SideRefusal)) throw error
      this.#notes.push({ kind: 'refused', mailbox: mailbox.name, side: to, why: error.message })
    }
  }

  /** Below the partner of what it is in. */
  #pathFor(from: End, side: Side, path: readonly string[]): readonly string[] {
    for (let depth = path.length - 1; depth > 0; depth -= 1) {
      const above = pathKey(path.slice(0, depth))
      const pair = this.#pairs.find((each) => pathKey(each[from]?.path ?? []) === above)
      const partner = from === 'left' ? pair?.right : pair?.left
      if (partner !== undefined) return [...partner.path, ...path.slice(depth).map((level) => side.level(level))]
    }
    return path.map((level) => side.level(level))
  }

  /** Two names that became the same are told apart. */
  #freePath(on: End, path: readonly string[]): readonly string[] {
    const taken = new Set(this.#pairs.map((pair) => pathKey(pair[on]?.path ?? [])))
    const [last = ''] = path.slice(-1)
    for (let n = 1; ; n += 1) {
      const tried = n === 1 ? path : [...path.slice(0, -1), `${last} (${n})`]
      if (!taken.has(pathKey(tried))) return tried
    }
  }

  #newRecord(leftName: string, rightName: string): MailboxRecord {
    const { state, dryRun } = this.#request
    return dryRun ? newRecord(-1, leftName, rightName) : state.join(leftName, rightName)
  }

  #join(open: Open, pair: MailboxPair): void {
    this.#pairs.push(pair)
    open.left.delete(pair.left?.name ?? '')
    open.right.delete(pair.right?.name ?? '')
  }
}

function other(end: End): End {
  return end === 'left' ? 'right' : 'left'
}

/** Those without a partner, by name. */
interface Open {
  readonly left: Map<string, SideMailbox>
  readonly right: Map<string, SideMailbox>
}

function byDepth(mailboxes: readonly SideMailbox[]): readonly SideMailbox[] {
  return [...mailboxes].sort((a, b) => a.path.length - b.path.length)
}

function pathKey(path: readonly string[]): string {
  return path.join('\0')
}

/**
 * Whether a mailbox is meant by patterns as LIST has them: `*` for anything, `%` for anything within a level, `/`
 * between levels (RFC 9051 §6.3.9).
 */
export function mailboxFilter(
  include: readonly string[],
  exclude: readonly string[],
): (path: readonly string[]) => boolean {
  const [included, excluded] = [include.map(pattern), exclude.map(pattern)]
  return (path) => {
    const name = path.join('/')
    return (
      (included.length === 0 || included.some((each) => each.test(name))) && !excluded.some((each) => each.test(name))
    )
  }
}

function pattern(text: string): RegExp {
  const inbox = /^inbox(?=\/|$)/i.test(text) ? `INBOX${text.slice(5)}` : text
  const source = inbox.normalize('NFC').replace(/[.+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${source.replaceAll('*', '.*').replaceAll('%', '[^/]*')}$`, 'su')
}
