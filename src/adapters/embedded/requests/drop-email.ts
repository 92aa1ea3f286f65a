/** Removing emails that no message and no deleted mail names any more. @module */
import type { Transaction } from '../transaction.ts'

/** Removes the email, of this rowid, when nothing names it. */
export function dropUnused(tx: Transaction, slot: number, email: number, id: number): void {
  const used =
    tx.sql.get('SELECT 1 FROM message WHERE account = ? AND email = ? LIMIT 1', slot, email) ??
    tx.sql.get('SELECT 1 FROM deleted WHERE account = ? AND email = ? LIMIT 1', slot, email)
  if (used === undefined) dropEmail(tx, id)
}

/** Removes an email by its rowid; its body lives on where another email shares it. */
export function dropEmail(tx: Transaction, id: number): void {
  const row = tx.sql.get(
    'DELETE FROM email WHERE id = ? RETURNING segment, position, stored, arrival_segment, arrival_stored',
    id,
  ) as readonly [number, number, number, number, number] | undefined
  tx.sql.run('DELETE FROM email_ready WHERE id = ?', id)
  tx.sql.run('DELETE FROM email_header WHERE id = ?', id)
  if (row === undefined) return
  const [segment, position, stored, arrivalSegment, arrivalStored] = row
  tx.bodies.count(arrivalSegment, -arrivalStored)
  const shared = tx.sql.get('SELECT 1 FROM email WHERE segment = ? AND position = ? LIMIT 1', segment, position)
  if (shared !== undefined) return
  if (segment === 0) {
    tx.droppedBigs.push(position)
    tx.droppedBigBytes += stored
  } else tx.bodies.count(segment, -stored)
}
