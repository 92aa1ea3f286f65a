/** Versions of a shard's database, kept in `PRAGMA user_version`. Steps that were released are never edited. @module */
import type { DatabaseSync } from 'node:sqlite'
import { NewerFormat } from '#store/newer-format.ts'
import { ACCOUNT } from './account.ts'
import { ACL } from './acl.ts'
import { ARRIVING } from './arriving.ts'
import { DELETED, GONE_MAIL } from './deleted.ts'
import { EMAIL } from './email.ts'
import { EMAIL_ROWS } from './email-rows.ts'
import { EVENT } from './event.ts'
import { IMPRINT } from './imprint.ts'
import { KEYWORD_SET } from './keyword-set.ts'
import { MAILBOX } from './mailbox.ts'
import { MESSAGE, MESSAGE_DELETED, MESSAGE_DOWNLOADED } from './message.ts'
import { METADATA } from './metadata.ts'
import { MODSEQ_SPAN } from './modseq-span.ts'
import { SEEN_BY, SEEN_BY_GUESTS } from './seen.ts'
import { SEGMENT } from './segment.ts'
import { SUBSCRIPTION } from './subscription.ts'
import { THREAD } from './thread.ts'
import { TOMBSTONE } from './tombstone.ts'

/** The nth step leads from version n to n + 1. */
export const STEPS: readonly string[] = [
  [ACCOUNT, MAILBOX, MESSAGE, EMAIL, KEYWORD_SET, SUBSCRIPTION, TOMBSTONE, DELETED, THREAD, SEGMENT, SEEN_BY].join(
    '\n',
  ),
  MESSAGE_DOWNLOADED,
  METADATA,
  ACL,
  SEEN_BY_GUESTS,
  [GONE_MAIL, EVENT].join('\n'),
  ARRIVING,
  MESSAGE_DELETED,
  IMPRINT,
  EMAIL_ROWS,
  MODSEQ_SPAN,
]

/** The version of a database; 0 is an empty one. */
export function schemaVersion(db: DatabaseSync): number {
  const row: unknown = db.prepare('PRAGMA user_version', { returnArrays: true }).get()
  const version: unknown = Array.isArray(row) ? row[0] : undefined
  if (typeof version !== 'number') throw new TypeError('The database has no version')
  return version
}

/**
 * Brings a database to the version that this code reads and writes, all steps in one transaction.
 * @param on.snapshot Keeps what was there before an upgrade; not called for a new database.
 * @param on.step Called before each step, and once more before the commit.
 * @throws {NewerFormat}
 */
export function migrate(
  db: DatabaseSync,
  path: string,
  steps: readonly string[] = STEPS,
  on: { readonly snapshot?: (from: number) => void; readonly step?: () => void } = {},
): void {
  const version = schemaVersion(db)
  if (version > steps.length) throw new NewerFormat({ path, format: version, reads: steps.length })
  if (version === steps.length) return
  if (version > 0) on.snapshot?.(version)
  db.exec('BEGIN IMMEDIATE')
  try {
    for (const step of steps.slice(version)) {
      on.step?.()
      db.exec(step)
    }
    db.exec(`PRAGMA user_version = ${steps.length}`)
    on.step?.()
    db.exec('COMMIT')
  } catch (error) {
    // a full disk may have rolled back already
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
