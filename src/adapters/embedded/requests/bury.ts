/** Taking messages out of a mailbox: tombstones, deleted mail, counters. @module */
import type { Uid } from '#mail/ids.ts'
import { normaliseUidSet, type UidSet, uidSetOf } from '#mail/uid-set.ts'
import { DELETED, SEEN } from '#store/flags.ts'
import { CAUSES, type Cause } from '#store/gone.ts'
import { MOVED, ONLY_HERE } from '../schema/deleted.ts'
import { dropEmptySpans } from '../schema/modseq-span.ts'
import type { Located, Transaction } from '../transaction.ts'
import { forgetSeen } from './guest-seen.ts'

/** What leaves. */
export interface Leaving {
  /** Ascending. */
  readonly uids: readonly number[]
  readonly size: number
  readonly unseen: number
  readonly deleted: number
}

/** Rows of `message` in a range, as they lie or by the index of those with `\\Deleted`, which must be asked for by name. */
const ALL_WITHIN = 'FROM message WHERE account = ? AND mailbox = ? AND uid BETWEEN ? AND ?'
const DELETED_WITHIN = `FROM message INDEXED BY message_deleted WHERE account = ? AND mailbox = ? AND uid BETWEEN ? AND ?
  AND flags & ${DELETED} <> 0`

/** Rows of a range, up to `limit`, that a condition on flags lets through. `next` is where to go on. */
export function leavingIn(
  tx: Transaction,
  { account, mailbox }: Located,
  first: number,
  last: number,
  onlyDeleted: boolean,
  limit: number,
): Leaving & { readonly next: number } {
  const rows = tx.sql.all(
    `SELECT uid, flags, size ${onlyDeleted ? DELETED_WITHIN : ALL_WITHIN} ORDER BY uid LIMIT +?`,
    account.row.slot,
    mailbox.key,
    first,
    last,
    limit,
  )
  const uids: number[] = []
  let size = 0
  let unseen = 0
  let deleted = 0
  for (const row of rows) {
    const flags = row[1] as number
    uids.push(row[0] as number)
    size += row[2] as number
    if ((flags & SEEN) === 0) unseen += 1
    if ((flags & DELETED) !== 0) deleted += 1
  }
  return { uids, size, unseen, deleted, next: rows.length < limit ? last + 1 : (uids.at(-1) as number) + 1 }
}

/**
 * Moves messages to deleted mail at the account's MODSEQ, which the caller has raised.
 * `leaving` are all between its first and last UID that the condition lets through.
 */
export function bury(
  tx: Transaction,
  { account, mailbox }: Located,
  leaving: Leaving,
  how: { readonly cause: Cause; readonly onlyDeleted: boolean },
): void {
  const first = leaving.uids[0]
  const last = leaving.uids.at(-1)
  if (first === undefined || last === undefined) return
  const { row } = account
  const within = how.onlyDeleted ? DELETED_WITHIN : ALL_WITHIN
  const moved = how.cause === 'move'
  tx.sql.run(
    `INSERT OR REPLACE INTO deleted (account, mailbox, uid, email, flags, modseq, saved_at, deleted_at, moved, cause, size, email_row)
     SELECT account, mailbox, uid, email, flags, ?, saved_at, ?, ?, ?, size, email_row ${within}`,
    row.modseq,
    tx.now,
    moved ? MOVED : ONLY_HERE,
    CAUSES.indexOf(how.cause),
    row.slot,
    mailbox.key,
    first,
    last,
  )
  tx.sql.run(`DELETE ${within}`, row.slot, mailbox.key, first, last)
  dropEmptySpans(tx.sql, row.slot, mailbox.key, first, last)
  if (!moved) row.goneMore += leaving.size
  forgetSeen(tx, { account, mailbox }, first, last)
  addTombstones(tx, { account, mailbox }, uidSetOf(leaving.uids))
  mailbox.messages -= leaving.uids.length
  mailbox.size -= leaving.size
  mailbox.unseen -= leaving.unseen
  mailbox.deleted -= leaving.deleted
  row.usedBytes -= leaving.size
  row.usedMessages -= leaving.uids.length
  tx.ledger.touch(account, mailbox)
}

function addTombstones(tx: Transaction, { account, mailbox }: Located, ranges: UidSet): void {
  for (const [first, last] of ranges) {
    tx.sql.run(
      'INSERT OR REPLACE INTO tombstone (account, mailbox, modseq, first, last) VALUES (?, ?, ?, ?, ?)',
      account.row.slot,
      mailbox.key,
      account.row.modseq,
      first,
      last,
    )
    mailbox.tombstones += 1
  }
  if (mailbox.tombstones > tx.tuning.tombstoneRanges) thinTombstones(tx, { account, mailbox })
}

/**
 * Halves the tombstones of a mailbox: neighbours become one range of the later MODSEQ (telling of a UID again that a
 * client knows to be gone does no harm), and what is still too much goes, oldest first, which raises `vanishedFloor`.
 */
function thinTombstones(tx: Transaction, { account, mailbox }: Located): void {
  const { slot } = account.row
  const keep = Math.floor(tx.tuning.tombstoneRanges / 2)
  const rows = tx.sql.all(
    'SELECT first, last, modseq FROM tombstone WHERE account = ? AND mailbox = ? ORDER BY first',
    slot,
    mailbox.key,
  )
  let merged: [first: number, last: number, modseq: number][] = []
  for (const row of rows) {
    const [first, last, modseq] = row as [number, number, number]
    const previous = merged.at(-1)
    if (previous !== undefined && first <= previous[1] + 1) {
      previous[1] = Math.max(previous[1], last)
      previous[2] = Math.max(previous[2], modseq)
    } else merged.push([first, last, modseq])
  }
  if (merged.length > keep) {
    merged.sort((a, b) => b[2] - a[2])
    const given = merged.slice(keep)
    mailbox.vanishedFloor = Math.max(mailbox.vanishedFloor, ...given.slice(0, 1).map(([, , modseq]) => modseq))
    // Ranges at the floor are told incompletely, so they go too.
    merged = merged.slice(0, keep).filter(([, , modseq]) => modseq > mailbox.vanishedFloor)
  }
  tx.sql.run('DELETE FROM tombstone WHERE account = ? AND mailbox = ?', slot, mailbox.key)
  for (const [first, last, modseq] of merged) {
    tx.sql.run(
      'INSERT INTO tombstone (account, mailbox, modseq, first, last) VALUES (?, ?, ?, ?, ?)',
      slot,
      mailbox.key,
      modseq,
      first,
      last,
    )
  }
  mailbox.tombstones = merged.length
}

/** All UIDs of a mailbox as ranges to go through. */
export function allUids({ mailbox }: Located): UidSet {
  return mailbox.uidNext === 1 ? [] : [[1 as Uid, (mailbox.uidNext - 1) as Uid]]
}

/** Joins UIDs gathered slice by slice. */
export function joinedUids(lists: readonly (readonly number[])[]): UidSet {
  return normaliseUidSet(lists.flatMap((list) => uidSetOf(list)))
}
