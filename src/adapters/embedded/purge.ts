/** Upkeep: deleted mail past its retention or over its quota, old history, and what removed accounts leave behind. @module */

import type { Keeping } from './options.ts'
import { dropEmail, dropUnused } from './requests/drop-email.ts'
import { EMAIL_SPAN } from './schema/account.ts'
import { ONLY_HERE } from './schema/deleted.ts'
import { EVENTS_PER_MS } from './schema/event.ts'
import type { Transaction } from './transaction.ts'

const DAY_MS = 86_400_000
/** Messages of one slice: each costs about ten small statements. */
const SLICE = 200
/** Events are one row each. */
const EVENTS_SLICE = 2_000
/** The last events of an account that are kept, however young the others are. */
const MOST_EVENTS = 100_000

/**
 * Drops deleted mail, oldest first, in slices: what is past its retention, then what is over the quota. Nothing goes
 * within a day, so that sessions that still show a message can FETCH it. A plan may say otherwise than `keeping`.
 * @returns how many messages.
 */
export function* purge(tx: Transaction, now: number, keeping: Keeping): Generator<undefined, number, void> {
  let dropped = 0
  let looked = 0
  for (const [slot, days, bytes] of accountsOf(tx)) {
    looked += 1
    if (looked % SLICE === 0) yield
    const until = now - Math.max(1, days ?? keeping.days) * DAY_MS
    const limit = bytes ?? keeping.bytes ?? Number.MAX_SAFE_INTEGER
    for (;;) {
      const over = tx.sql.number('SELECT gone_bytes FROM account WHERE slot = ?', slot) > limit
      const count = purgeSlice(tx, slot, over ? now - DAY_MS : until, over ? limit : undefined)
      dropped += count
      if (count === 0) break
      yield
    }
    tx.sql.run(
      `DELETE FROM gone_mailbox WHERE account = ?1 AND deleted_at <= ?2
       AND NOT EXISTS (SELECT 1 FROM deleted d WHERE d.account = ?1 AND d.mailbox = gone_mailbox.key)`,
      slot,
      until,
    )
    yield* purgeEvents(tx, slot, now - keeping.historyDays * DAY_MS)
  }
  for (const [slot] of tx.sql.all(
    'SELECT slot FROM account WHERE id IS NULL AND slot NOT IN (SELECT slot FROM arriving)',
  )) {
    yield* purgeAccount(tx, slot as number)
  }
  return dropped
}

/** All accounts, read a few at a time: others may come and go in between. */
function* accountsOf(tx: Transaction): Generator<readonly [slot: number, days: number | null, bytes: number | null]> {
  for (let after = 0; ; ) {
    const rows = tx.sql.all(
      'SELECT slot, retention_days, gone_limit_bytes FROM account WHERE slot > ? AND id IS NOT NULL ORDER BY slot LIMIT +?',
      after,
      SLICE,
    ) as readonly (readonly [number, number | null, number | null])[]
    yield* rows
    const last = rows.at(-1)
    if (last === undefined) return
    after = last[0]
  }
}

/** @param limit Where the quota alone makes them go: octets at which it is kept again. */
function purgeSlice(tx: Transaction, slot: number, until: number, limit: number | undefined): number {
  const rows = tx.sql.all(
    `SELECT mailbox, uid, email, size, moved, email_id FROM deleted WHERE account = ? AND deleted_at <= ?
     ORDER BY deleted_at, mailbox, uid LIMIT +?`,
    slot,
    until,
    SLICE,
  ) as readonly (readonly [number, number, number, number, number, number])[]
  const has = tx.sql.number('SELECT gone_bytes FROM account WHERE slot = ?', slot)
  let freed = 0
  let count = 0
  for (const [mailbox, uid, email, size, moved, id] of rows) {
    if (limit !== undefined && has - freed <= limit) break
    tx.sql.run('DELETE FROM deleted WHERE account = ? AND mailbox = ? AND uid = ?', slot, mailbox, uid)
    dropUnused(tx, slot, email, id)
    if (moved === ONLY_HERE) freed += size
    count += 1
  }
  if (freed > 0) tx.sql.run('UPDATE account SET gone_bytes = gone_bytes - ? WHERE slot = ?', freed, slot)
  return count
}

/** Drops events that are too old, or too many. */
function* purgeEvents(tx: Transaction, slot: number, until: number): Generator<undefined, void, void> {
  const tooMany = tx.sql.get(
    'SELECT sequence FROM event WHERE account = ? ORDER BY sequence DESC LIMIT 1 OFFSET ?',
    slot,
    MOST_EVENTS,
  )?.[0] as number | undefined
  const last = Math.max(tooMany ?? 0, until * EVENTS_PER_MS)
  const some = `DELETE FROM event WHERE account = ?1 AND sequence IN
    (SELECT sequence FROM event WHERE account = ?1 AND sequence <= ?2 ORDER BY sequence LIMIT ${EVENTS_SLICE})`
  while (tx.sql.run(some, slot, last) > 0) yield
}

const OF_ACCOUNT: readonly string[] = [
  'mailbox',
  'former_name',
  'keyword_set',
  'subscription',
  'tombstone',
  'imprint',
  'modseq_span',
  'thread_reference',
  'seen_by',
  'metadata',
  'acl',
  'gone_mailbox',
]

function* purgeAccount(tx: Transaction, slot: number): Generator<undefined, void, void> {
  for (const table of ['message', 'deleted']) {
    // A row is the only one that says where its email lies.
    const some = `DELETE FROM ${table} WHERE (account, mailbox, uid) IN
      (SELECT account, mailbox, uid FROM ${table} WHERE account = ? LIMIT ${SLICE}) RETURNING email, email_id`
    for (;;) {
      const rows = tx.sql.all(some, slot) as readonly (readonly [number, number])[]
      if (rows.length === 0) break
      for (const [email, id] of rows) dropUnused(tx, slot, email, id)
      yield
    }
  }
  yield* purgeEvents(tx, slot, Number.MAX_SAFE_INTEGER / EVENTS_PER_MS)
  for (;;) {
    const rows = tx.sql.all(
      'SELECT id FROM email WHERE id >= ? AND id < ? LIMIT +?',
      slot * EMAIL_SPAN,
      (slot + 1) * EMAIL_SPAN,
      SLICE,
    )
    if (rows.length === 0) break
    for (const [id] of rows) dropEmail(tx, id as number)
    yield
  }
  for (const table of OF_ACCOUNT) {
    tx.sql.run(`DELETE FROM ${table} WHERE account = ?`, slot)
    yield
  }
  tx.sql.run('DELETE FROM account WHERE slot = ?', slot)
}
