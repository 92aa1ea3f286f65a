import type { ShardSettings } from './open-shard.ts'
import type { ShardLog } from './options.ts'
import { NO_KINDS } from './probe.ts'
import type { Sql } from './sql.ts'

/** Of what a checkpoint is asked for, the part that the writer copies itself: a few milliseconds. */
const MOST_LEFT = 1 / 16
/** Before each page in the WAL. */
const FRAME_HEADER = 24

/** Whom it tells. */
interface WalEvents {
  readonly log: ShardLog
  /** Enough WAL has come for a checkpoint. */
  readonly walGrown: () => void
}

/**
 * Has the WAL copied by the checkpointer; when little has come meanwhile, copies that too, as only a WAL that is copied
 * whole is written from its beginning again. Commits then overwrite what the file has: syncs are twice as fast.
 */
export class WalWatch {
  readonly #settings: Pick<ShardSettings, 'tuning' | 'probe'>
  readonly #events: WalEvents
  /** Frames that were in the WAL when a checkpoint was asked for. */
  #asked = 0
  #frame: number | undefined

  constructor(settings: Pick<ShardSettings, 'tuning' | 'probe'>, events: WalEvents) {
    this.#settings = settings
    this.#events = events
  }

  /** Call after each batch. */
  look(sql: Sql): void {
    const { checkpointBytes, walLimitBytes } = this.#settings.tuning
    const [log, done] = framesOf(sql)
    // A PRAGMA is prepared anew for each look.
    this.#frame ??= pageBytes(sql) + FRAME_HEADER
    const frame = this.#frame
    if (log < this.#asked) this.#asked = 0
    if (log * frame > walLimitBytes && this.#checkpoint(sql, 'RESTART')) return
    const asked = this.#asked
    if (asked > 0 && done >= asked) {
      if ((log - done) * frame <= checkpointBytes * MOST_LEFT && this.#checkpoint(sql, 'PASSIVE')) return
    } else if ((log - Math.max(done, asked)) * frame < checkpointBytes) return
    this.#asked = log
    this.#events.walGrown()
  }

  /** @returns whether all is in the database now; readers may need what is in the WAL. */
  #checkpoint(sql: Sql, mode: 'PASSIVE' | 'RESTART'): boolean {
    const { probe } = this.#settings
    probe?.at('checkpoint', { kinds: NO_KINDS })
    try {
      const [, log, done] = sql.get(`PRAGMA wal_checkpoint(${mode})`) as readonly [number, number, number]
      if (log === done) this.#asked = 0
      return log === done
    } catch (error) {
      // All of it is still in the WAL.
      this.#events.log('error', `A checkpoint failed: ${error instanceof Error ? error.message : String(error)}`)
      return false
    } finally {
      probe?.at('checkpointed', { kinds: NO_KINDS })
    }
  }
}

/** Frames in the WAL, and how many of them are in the database. */
export function framesOf(sql: Sql): readonly [log: number, done: number] {
  const [, log, done] = sql.get('PRAGMA wal_checkpoint(NOOP)') as readonly [number, number, number]
  return [log, done]
}

/** Octets of a page: a store keeps the size that it was made with. */
export function pageBytes(sql: Sql): number {
  return sql.number('PRAGMA page_size')
}
