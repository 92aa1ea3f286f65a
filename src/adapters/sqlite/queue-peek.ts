import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { NewerFormat } from '#store/newer-format.ts'
import type { StandingHold } from '#store/queue.ts'
import { queueFile } from './queue-files.ts'
import { readStandingHolds } from './queue-rows.ts'
import { QUEUE_MIGRATIONS } from './queue-schema.ts'
import { Sql } from './sql.ts'

/** What there is in a queue that nobody has open. */
export interface QueueGlimpse {
  /** There is mail in it. */
  readonly mail: boolean
  readonly holds: readonly StandingHold[]
}

/**
 * Looks into the queue of a folder for a moment, so that no thread is started for an empty one.
 * @returns `undefined`: there has never been any mail.
 * @throws {NewerFormat}
 */
export function peekQueue(directory: string): QueueGlimpse | undefined {
  const file = queueFile(directory)
  if (!existsSync(file)) return undefined
  const db = new DatabaseSync(file, { timeout: 5_000 })
  try {
    const format = Number(db.prepare('PRAGMA user_version').get()?.user_version ?? 0)
    if (format > QUEUE_MIGRATIONS.length) throw new NewerFormat({ path: file, format, reads: QUEUE_MIGRATIONS.length })
    // It was made, and then its maker died.
    if (format === 0) return { mail: false, holds: [] }
    return {
      mail: db.prepare('SELECT 1 FROM message WHERE gone_at IS NULL LIMIT 1').get() !== undefined,
      holds: readStandingHolds(new Sql(db)),
    }
  } finally {
    db.close()
  }
}
