/** STORE, in slices. @module */
import { done, type Result, refused } from '#lib/result.ts'
import type { Modseq } from '#mail/ids.ts'
import { uidSetOf } from '#mail/uid-set.ts'
import { permittedFlags } from '#store/acl.ts'
import { DELETED, flagNames, keywordSetId, packFlags, SEEN, systemFlags } from '#store/flags.ts'
import type { Flags } from '#store/types.ts'
import type { ChangeFlagsRequest, Writes } from '#store/writes.ts'
import type { KeywordSets } from '../keyword-sets.ts'
import type { Sql } from '../sql.ts'
import type { Located, Transaction } from '../transaction.ts'
import { announce, locate } from '../transaction.ts'
import { uidsUpTo, uidsWithout } from '../uid-lists.ts'
import { changeAsGuest } from './change-flags-as-guest.ts'
import { record } from './record.ts'
import { SYSTEM_MASK } from './store-message.ts'

type Answer = Result<Writes['changeFlags']['value'], Writes['changeFlags']['refusal']>

/** So many rows are written one by one. */
const FEW = 4

const SIGNS = { add: '+', remove: '-', replace: '=' } as const

/** Changes flags; a slice of messages a transaction, so a crash in between leaves whole messages, not the whole request. */
export function* changeFlags(tx: Transaction, asked: ChangeFlagsRequest): Generator<undefined, Answer, void> {
  const { guest } = asked
  const request = guest === undefined ? asked : { ...asked, flags: permittedFlags(asked.flags, guest.rights) }
  const found = locate(tx, request.account.id, request.mailbox)
  if (!found.ok) return found
  let place: Located = found.value
  const merge = new Merge(tx.ledger.keywords(place.account), request)
  const limit = keywordLimitBroken(tx, place, request, merge)
  if (limit !== undefined) return refused({ kind: 'too-many-keywords', limit })

  const detail = SIGNS[request.action] + flagNames(request.flags).join(' ')
  const seen: number[] = []
  const modified: number[] = []
  const uids: number[] = []
  const flags: number[] = []
  const modseqs: number[] = []
  let room = tx.tuning.sliceMessages
  for (const [first, last] of uidsUpTo(request.uids, place.mailbox.uidNext - 1)) {
    let from: number = first
    while (from <= last) {
      if (room <= 0) {
        yield
        const again = locate(tx, request.account.id, request.mailbox)
        if (!again.ok) return again
        place = again.value
        // Rows and sets may have been read again meanwhile.
        merge.keywords = tx.ledger.keywords(place.account)
        room = tx.tuning.sliceMessages
      }
      const slice =
        guest === undefined
          ? changeSlice(tx, place, request, merge, from, last, room)
          : changeAsGuest(guest, tx, place, request, merge, from, last, room)
      for (const uid of slice.seen) seen.push(uid)
      for (const uid of slice.modified) modified.push(uid)
      for (const uid of slice.uids) uids.push(uid)
      if (slice.uids.length > 0) record(tx, request.by, 'flags', place, uidSetOf(slice.uids), { detail })
      for (const value of slice.flags) {
        flags.push(value)
        modseqs.push(place.account.row.modseq)
      }
      room -= Math.max(1, slice.seen.length)
      from = slice.next
    }
  }
  return done({
    modseq: place.account.row.modseq as Modseq,
    changed: { uids: Uint32Array.from(uids), flags: Uint32Array.from(flags), modseqs: Float64Array.from(modseqs) },
    modified: uidSetOf(modified),
    gone: uidsWithout(request.uids, seen),
  })
}

/** What a request makes of packed flags, with each keyword set worked out once. */
export class Merge {
  keywords: KeywordSets
  readonly #request: ChangeFlagsRequest
  readonly #system: number
  readonly #sets = new Map<number, number>()
  /** What was asked last: neighbours have mostly the same flags. */
  #packed = -1
  #result = 0

  constructor(keywords: KeywordSets, request: ChangeFlagsRequest) {
    this.keywords = keywords
    this.#request = request
    this.#system = request.flags.system & SYSTEM_MASK
  }

  /** Keywords of a message that has the set. */
  merged(set: number): readonly string[] {
    const { action, flags } = this.#request
    if (action === 'replace') return flags.keywords
    if (flags.keywords.length === 0) return this.keywords.keywords(set)
    const has = new Map(this.keywords.keywords(set).map((keyword) => [keyword.toLowerCase(), keyword]))
    for (const keyword of flags.keywords) {
      const folded = keyword.toLowerCase()
      if (action === 'remove') has.delete(folded)
      else if (!has.has(folded)) has.set(folded, keyword)
    }
    return [...has.values()]
  }

  apply(packed: number): number {
    if (packed === this.#packed) return this.#result
    const { action } = this.#request
    const old = systemFlags(packed)
    const system = action === 'replace' ? this.#system : action === 'add' ? old | this.#system : old & ~this.#system
    const oldSet = keywordSetId(packed)
    let set = this.#sets.get(oldSet)
    if (set === undefined) {
      set = this.keywords.intern(this.merged(oldSet))
      this.#sets.set(oldSet, set)
    }
    this.#packed = packed
    this.#result = packFlags(system, set)
    return this.#result
  }
}

/** Whether a keyword set that would come about breaks a limit. Looks only where keywords are given. */
function keywordLimitBroken(
  tx: Transaction,
  { account, mailbox }: Located,
  request: ChangeFlagsRequest,
  merge: Merge,
): number | undefined {
  const { action, flags } = request
  if (flags.keywords.length === 0 || action === 'remove') return undefined
  if (action === 'replace') return merge.keywords.limitBroken(flags.keywords)
  for (const [first, last] of uidsUpTo(request.uids, mailbox.uidNext - 1)) {
    const sets = tx.sql.all(
      'SELECT DISTINCT flags >> 8 FROM message WHERE account = ? AND mailbox = ? AND uid BETWEEN ? AND ?',
      account.row.slot,
      mailbox.key,
      first,
      last,
    )
    for (const [set] of sets) {
      const limit = merge.keywords.limitBroken(merge.merged(set as number))
      if (limit !== undefined) return limit
    }
  }
  return undefined
}

export interface Slice {
  readonly seen: readonly number[]
  readonly modified: readonly number[]
  readonly uids: readonly number[]
  readonly flags: readonly number[]
  /** Where the next slice of the range begins. */
  readonly next: number
}

function changeSlice(
  tx: Transaction,
  { account, mailbox }: Located,
  request: ChangeFlagsRequest,
  merge: Merge,
  first: number,
  last: number,
  room: number,
): Slice {
  const { slot } = account.row
  const rows = rowsOf(tx.sql, slot, mailbox.key, first, last, room)
  const seen = rows.uids
  const modified: number[] = []
  const uids: number[] = []
  const flags: number[] = []
  const most = request.unchangedSince ?? Number.MAX_SAFE_INTEGER
  let unseen = 0
  let deleted = 0
  for (let at = 0; at < seen.length; at += 1) {
    const uid = seen[at] as number
    const old = rows.flags[at] as number
    if ((rows.modseqs[at] as number) > most) {
      modified.push(uid)
      continue
    }
    const now = merge.apply(old)
    if (now === old) continue
    unseen += ((old & SEEN) !== 0 ? 1 : 0) - ((now & SEEN) !== 0 ? 1 : 0)
    deleted += ((now & DELETED) !== 0 ? 1 : 0) - ((old & DELETED) !== 0 ? 1 : 0)
    uids.push(uid)
    flags.push(now)
  }
  if (uids.length > 0) {
    const modseq = tx.ledger.bump(account, mailbox)
    mailbox.unseen += unseen
    mailbox.deleted += deleted
    for (const [from, to] of uidSetOf(uids)) tx.ledger.noteMessages(account, mailbox, from, to)
    if (uids.length > FEW && onlySystem(request.flags) && request.action !== 'replace') {
      changeMany(tx, slot, mailbox.key, request, modseq, uids[0] as number, uids.at(-1) as number, most)
    } else {
      for (const [index, uid] of uids.entries()) {
        tx.sql.run(
          'UPDATE message SET flags = ?, modseq = ? WHERE account = ? AND mailbox = ? AND uid = ?',
          flags[index] as number,
          modseq,
          slot,
          mailbox.key,
          uid,
        )
      }
    }
    announce(tx, account, mailbox, request.by)
  }
  const next = seen.length < room ? last + 1 : (seen.at(-1) ?? last) + 1
  return { seen, modified, uids, flags, next }
}

interface Rows {
  readonly uids: readonly number[]
  readonly flags: readonly number[]
  readonly modseqs: readonly number[]
}

const NO_ROWS: Rows = { uids: [], flags: [], modseqs: [] }

/** A list of numbers as one value: a value for each number of each row takes twice as long. */
function rowsOf(sql: Sql, slot: number, mailbox: number, first: number, last: number, room: number): Rows {
  if (first === last) {
    const row = sql.get(
      'SELECT flags, modseq FROM message WHERE account = ? AND mailbox = ? AND uid = ?',
      slot,
      mailbox,
      first,
    )
    return row === undefined ? NO_ROWS : { uids: [first], flags: [row[0] as number], modseqs: [row[1] as number] }
  }
  const lists = sql.get(
    `SELECT '[' || group_concat(uid) || ']', '[' || group_concat(flags) || ']', '[' || group_concat(modseq) || ']'
     FROM (SELECT uid, flags, modseq FROM message WHERE account = ? AND mailbox = ? AND uid BETWEEN ? AND ?
           ORDER BY uid LIMIT +?)`,
    slot,
    mailbox,
    first,
    last,
    room,
  ) as readonly (string | null)[]
  const [uids = [], flags = [], modseqs = []] = lists.map((list) => JSON.parse(list ?? '[]') as readonly number[])
  return { uids, flags, modseqs }
}

function onlySystem(flags: Flags): boolean {
  return flags.keywords.length === 0
}

/**
 * System flags alone change in one statement: four times as fast. The bits are in its text, because SQLite compares a
 * bound one with the condition of `message_deleted`, and prepares the statement anew whenever it is bound.
 */
function changeMany(
  tx: Transaction,
  slot: number,
  mailbox: number,
  { action, flags }: ChangeFlagsRequest,
  modseq: number,
  first: number,
  last: number,
  most: number,
): void {
  const bits = flags.system & SYSTEM_MASK
  const [now, others] =
    action === 'add' ? [`flags | ${bits}`, `flags & ${bits} <> ${bits}`] : [`flags & ~${bits}`, `flags & ${bits} <> 0`]
  tx.sql.run(
    `UPDATE message SET flags = ${now}, modseq = ? WHERE account = ? AND mailbox = ? AND uid BETWEEN ? AND ?
     AND modseq <= ? AND ${others}`,
    modseq,
    slot,
    mailbox,
    first,
    last,
    most,
  )
}
