/** Which mailboxes of two sides belong together: as recorded, by what they are for, by name. @module */
import { type Side, type SideMailbox, SideRefusal } from './side.ts'
import type { End, MailboxRecord, SyncState } from './state.ts'

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
}

export interface Paired {
  readonly pairs: readonly MailboxPair[]
  readonly notes: readonly MailboxNote[]
  readonly made: number
}

/** See the module. Makes what is missing. */
export async function pairMailboxes(request: PairRequest): Promise<Paired> {
  return new Pairing(request).run()
}

class Pairing {
  readonly #request: PairRequest
  readonly #pairs: MailboxPair[] = []
  readonly #notes: MailboxNote[] = []
  #made = 0

  constructor(request: PairRequest) {
    this.#request = request
  }

  async run(): Promise<Paired> {
    const { left, right, twoWay, wanted } = this.#request
    const [lefts, rights] = await Promise.all([left.list(), right.list()])
    const open = {
      left: new Map(
        byDepth(lefts)
          .filter(({ path }) => wanted(path))
          .map((mailbox) => [mailbox.name, mailbox]),
      ),
      right: new Map(byDepth(rights).map((mailbox) => [mailbox.name, mailbox])),
    }
    this.#recorded(open)
    this.#byUseAndName(open)
    for (const mailbox of open.left.values()) await this.#place('left', mailbox, open.right)
    if (twoWay) {
      const rest = [...open.right.values()].filter(({ path }) => wanted(path))
      for (const mailbox of rest) await this.#place('right', mailbox, open.left)
    }
    return { pairs: this.#pairs, notes: this.#notes, made: this.#made }
  }

  #recorded(open: Open): void {
    const { state, twoWay, dryRun, wanted } = this.#request
    for (const record of state.mailboxes()) {
      const left = open.left.get(record.leftName)
      const right = open.right.get(record.rightName)
      if (left !== undefined && right !== undefined) this.#join(open, { record, left, right })
      else if (left !== undefined && !twoWay) {
        // the copy is gone: it is made again
        if (!dryRun) state.part(record.id)
      } else if (left !== undefined || right !== undefined) {
        const [mailbox, side]: [SideMailbox | undefined, End] = left === undefined ? [right, 'left'] : [left, 'right']
        if (mailbox !== undefined && wanted(mailbox.path))
          this.#notes.push({ kind: 'gone', mailbox: mailbox.name, side })
        open.left.delete(record.leftName)
        open.right.delete(record.rightName)
      } else if (!dryRun && twoWay) state.part(record.id)
    }
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
    if (!dryRun) return state.join(leftName, rightName)
    const nothing = { leftValidity: undefined, rightValidity: undefined, leftMark: undefined, rightMark: undefined }
    return { id: -1, leftName, rightName, ...nothing }
  }

  #join(open: Open, pair: MailboxPair): void {
    this.#pairs.push(pair)
    open.left.delete(pair.left?.name ?? '')
    open.right.delete(pair.right?.name ?? '')
  }
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
