/** Numbered migrations of a small database, told by `user_version`. @module */
import type { DatabaseSync } from 'node:sqlite'
import { NewerFormat } from '#store/newer-format.ts'

/**
 * Brings a database to the newest version: `migrations[n]` leads from version n to n + 1, each in a transaction of its own.
 * @param snapshot Keeps what was there before an upgrade; not called for a new database.
 * @throws {NewerFormat}
 */
export function migrate(db: DatabaseSync, migrations: readonly string[], snapshot?: (from: number) => void): void {
  const from = Number(db.prepare('PRAGMA user_version').get()?.user_version ?? 0)
  if (from > migrations.length) {
    throw new NewerFormat({ path: db.location() ?? 'in memory', format: from, reads: migrations.length })
  }
  if (from > 0 && from < migrations.length) snapshot?.(from)
  for (const [index, sql] of migrations.entries()) {
    if (index < from) continue
    transaction(db, () => {
      db.exec(sql)
      db.exec(`PRAGMA user_version = ${index + 1}`)
    })
  }
}

/** Runs `work` in a transaction: committed when it returns, rolled back when it throws. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE')
  try {
    const value = work()
    db.exec('COMMIT')
    return value
  } catch (error) {
    // a full disk may have rolled back already
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
