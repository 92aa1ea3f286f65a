/** Records of runs in a file of their own, which one run at a time holds; each change is on disk when its call returns. @module */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Another run works with the records. */
export class StateBusy extends Error {
  override readonly name = 'StateBusy'
}

/** The records were written by a newer Malle. */
export class StateTooNew extends Error {
  override readonly name = 'StateTooNew'
}

const SQLITE_BUSY = 5

/**
 * Opens the file, made if it is not there.
 * @param steps `steps[n]` leads from version n to n + 1.
 * @throws {StateBusy}, {StateTooNew}
 */
export function openState(file: string, steps: readonly string[]): DatabaseSync {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
  const db = new DatabaseSync(file)
  try {
    // FULL and one writer for life: a record is on disk when its transaction ends, and nobody works beside us
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
    db.exec('BEGIN IMMEDIATE; COMMIT;')
    const version = Number(db.prepare('PRAGMA user_version').get()?.user_version)
    if (version > steps.length) throw new StateTooNew(`${file} was written by a newer Malle`)
    for (const [from, step] of steps.entries())
      if (from >= version) db.exec(`BEGIN IMMEDIATE; ${step} PRAGMA user_version = ${from + 1}; COMMIT;`)
    return db
  } catch (error) {
    db.close()
    if (error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === SQLITE_BUSY)
      throw new StateBusy(`Another run works with ${file}`, { cause: error })
    throw error
  }
}

/** All of it or nothing, in one transaction. */
export function together(db: DatabaseSync, work: () => void): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    work()
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
