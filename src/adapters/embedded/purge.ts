/** Upkeep: deleted mail past its retention, and what removed accounts leave behind. @module */

import { dropEmail, dropUnused } from './requests/drop-email.ts'
import { EMAIL_SPAN } from './schema/account.ts'
import type { Transaction } from './transaction.ts'

const DAY_MS = 86_400_000
/** Messages of one slice: each costs about ten small statements. */
const SLICE = 200

/**
 * Drops deleted mail, oldest first, in slices.
 * @param retentionDays at least 1, so that sessions that still show a message can FETCH it; a plan may say otherwise.
 * @returns how many messages.
 */
export function* purge(tx: Transaction, now: number, retentionDays: number): Generator<undefined, number, void> {
  let dropped = 0
  let looked = 0
  for (const [slot, days] of tx.sql.all('SELECT slot, retention_days FROM account WHERE id IS NOT NULL')) {
    looked += 1
    if (looked % SLICE === 0) yield
    const kept = Math.max(1, (days as number | null) ?? retentionDays)
    for (const [moved, until] of [
      [0, now - kept * DAY_MS],
      [1, now - DAY_MS],
    ] as const) {
      for (;;) {
        const count = purgeSlice(tx, slot as number, moved, until)
        dropped += count
        if (count > 0) yield
        if (count < SLICE) break
      }
    }
  }
  for (const [slot] of tx.sql.all('SELECT slot FROM account WHERE id IS NULL')) {
    yield* purgeAccount(tx, slot as number)
  }
  return dropped
}

function purgeSlice(tx: Transaction, slot: number, moved: number, until: number): number {
  const rows = tx.sql.all(
    `SELECT mailbox, uid, email FROM deleted WHERE account = ? AND moved = ? AND deleted_at <= ?
     ORDER BY deleted_at LIMIT ?`,
    slot,
    moved,
    until,
    SLICE,
  )
  for (const [mailbox, uid, email] of rows as readonly (readonly [number, number, number])[]) {
    tx.sql.run('DELETE FROM deleted WHERE account = ? AND mailbox = ? AND uid = ?', slot, mailbox, uid)
    dropUnused(tx, slot, email)
  }
  return rows.length
}

const OF_ACCOUNT: readonly string[] = [
  'mailbox',
  'former_name',
  'keyword_set',
  'subscription',
  'tombstone',
  'thread_reference',
  'seen_by',
  'metadata',
  'acl',
]

function* purgeAccount(tx: Transaction, slot: number): Generator<undefined, void, void> {
  for (const table of ['message', 'deleted']) {
    const one = `DELETE FROM ${table} WHERE (account, mailbox, uid) IN
      (SELECT account, mailbox, uid FROM ${table} WHERE account = ? LIMIT ${SLICE * 5})`
    while (tx.sql.run(one, slot) > 0) yield
  }
  for (;;) {
    const rows = tx.sql.all(
      'SELECT id FROM email WHERE id >= ? AND id < ? LIMIT ?',
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
