/** Mailboxes that have another name since the last run, by their ids (RFC 8474 §4); their partners are renamed too. @module */
import { type Side, type SideMailbox, SideRefusal } from './side.ts'
import type { End, MailboxRecord, SyncState } from './state.ts'

export interface Lists {
  readonly left: readonly SideMailbox[]
  readonly right: readonly SideMailbox[]
}

export interface RenamesRequest {
  readonly left: Side
  readonly right: Side
  readonly state: SyncState
  readonly twoWay: boolean
  readonly dryRun: boolean
}

export interface Followed {
  /** As they are afterwards. */
  readonly lists: Lists
  /** With the names of now. */
  readonly records: readonly MailboxRecord[]
  /** Partners that were renamed. */
  readonly renamed: number
}

const ENDS = ['left', 'right'] as const

/** See the module. Where a side has no ids, what was renamed is a mailbox that is gone and another that is new. */
export async function followRenames(request: RenamesRequest): Promise<Followed> {
  const { state, dryRun } = request
  const ids = { left: new Map<string, string | undefined>(), right: new Map<string, string | undefined>() }
  for (let renamed = 0; ; renamed += 1) {
    const [left, right] = await Promise.all([request.left.list(), request.right.list()])
    const lists = { left, right }
    const moved = await movedOf(request, lists, state.mailboxes(), ids)
    const now = state.mailboxes().map((record) => {
      const move = moved.get(record.id)
      const end = (side: End) => ({ ...record[side], name: move?.[side]?.name ?? record[side].name })
      return { ...record, left: end('left'), right: end('right') }
    })
    const waiting = partners(request, lists, now, moved)
    if (dryRun) return { lists, records: now, renamed: waiting.length }
    const name = (each: MailboxRecord) => ({ id: each.id, left: each.left.name, right: each.right.name })
    const waits = new Set(waiting.map(({ record }) => record.id))
    state.rename(now.filter(({ id }) => moved.has(id) && !waits.has(id)).map(name))
    if (await renameOne(request, now, waiting)) continue
    // they stay together under two names
    state.rename(now.filter(({ id }) => waits.has(id)).map(name))
    return { lists, records: now, renamed }
  }
}

type Moves = ReadonlyMap<number, Partial<Record<End, SideMailbox>>>

/** By record: what is found under another name. */
async function movedOf(
  request: RenamesRequest,
  lists: Lists,
  records: readonly MailboxRecord[],
  ids: Readonly<Record<End, Map<string, string | undefined>>>,
): Promise<Moves> {
  const moves = new Map<number, Partial<Record<End, SideMailbox>>>()
  for (const end of ENDS) {
    const names = new Set(lists[end].map(({ name }) => name))
    const lost = records.filter((record) => record[end].id !== undefined && !names.has(record[end].name))
    if (lost.length === 0) continue
    const recorded = new Set(records.map((record) => record[end].name))
    for (const mailbox of lists[end].filter(({ name }) => !recorded.has(name))) {
      if (!ids[end].has(mailbox.name)) ids[end].set(mailbox.name, await idOf(request[end], mailbox))
      const id = ids[end].get(mailbox.name)
      const record = id === undefined ? undefined : lost.find((each) => each[end].id === id)
      if (record !== undefined) moves.set(record.id, { ...moves.get(record.id), [end]: mailbox })
    }
  }
  return moves
}

async function idOf(side: Side, mailbox: SideMailbox): Promise<string | undefined> {
  try {
    return await side.id?.(mailbox)
  } catch (error) {
    if (!(error instanceof SideRefusal)) throw error
    return undefined
  }
}

/** Renames the partner that is nearest to the top and can be renamed; others below it may have moved with it. */
async function renameOne(
  { left, right, state }: RenamesRequest,
  records: readonly MailboxRecord[],
  waiting: readonly Partner[],
): Promise<boolean> {
  for (const { record, end, mailbox, path } of [...waiting].sort((a, b) => a.path.length - b.path.length)) {
    try {
      const name = await (end === 'left' ? left : right).rename?.(mailbox, path)
      if (name === undefined) continue
      // one that had the name is gone, or it could not have been given
      for (const other of records) if (other.id !== record.id && other[end].name === name) state.part(other.id)
      state.rename([{ id: record.id, left: record.left.name, right: record.right.name, [end]: name }])
      return true
    } catch (error) {
      if (!(error instanceof SideRefusal)) throw error
    }
  }
  return false
}

interface Partner {
  readonly record: MailboxRecord
  /** Where it is to be renamed. */
  readonly end: End
  readonly mailbox: SideMailbox
  readonly path: readonly string[]
}

function partners(request: RenamesRequest, lists: Lists, records: readonly MailboxRecord[], moved: Moves): Partner[] {
  return records.flatMap((record) => {
    const { left, right } = moved.get(record.id) ?? {}
    const from = left ?? right
    if (from === undefined || (left !== undefined && right !== undefined)) return []
    const end = left === undefined ? 'left' : 'right'
    if ((end === 'left' && !request.twoWay) || request[end].rename === undefined) return []
    const mailbox = lists[end].find(({ name }) => name === record[end].name)
    // what it is for does not depend on its name
    if (mailbox === undefined || mailbox.role !== undefined) return []
    return [{ record, end, mailbox, path: pathFor(request[end], end, from.path, lists, records) }]
  })
}

/** Below the partner of what it is in. */
function pathFor(
  side: Side,
  end: End,
  path: readonly string[],
  lists: Lists,
  records: readonly MailboxRecord[],
): readonly string[] {
  const from = end === 'left' ? 'right' : 'left'
  for (let depth = path.length - 1; depth > 0; depth -= 1) {
    const above = lists[from].find((each) => each.path.join('\0') === path.slice(0, depth).join('\0'))
    const record = above === undefined ? undefined : records.find((each) => each[from].name === above.name)
    const partner = record === undefined ? undefined : lists[end].find(({ name }) => name === record[end].name)
    if (partner !== undefined) return [...partner.path, ...path.slice(depth).map((level) => side.level(level))]
  }
  return path.map((level) => side.level(level))
}
