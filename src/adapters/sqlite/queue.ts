/** The queue in one SQLite database, and a file for each large body; opened by one thread only. @module */

import { mkdir } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Clock, systemClock } from '#lib/clock.ts'
import { done, type Result, refused } from '#lib/result.ts'
import { StoreFull } from '#store/mail-store.ts'
import {
  type Attempt,
  type DueMessage,
  type EnqueueRefusal,
  type HoldReason,
  MOST_COUNTED,
  type NewMessage,
  type Outcome,
  type QueuedMessage,
  type QueueFilter,
  type QueueId,
  type QueueStore,
  type StandingHold,
} from '#store/queue.ts'
import { faultKind } from '../embedded/faults.ts'
import { migrate } from './migrations.ts'
import { giveBackRoom, isInDatabase, readBody } from './queue-bodies.ts'
import { GroupCommits, type Urgency } from './queue-commits.ts'
import { destinationsDue, dueMessages, nextDue } from './queue-due.ts'
import { oneChunk, QueueFiles, queueFile } from './queue-files.ts'
import { attemptOf, loadMessage, loadMessages, readStandingHolds } from './queue-rows.ts'
import { QUEUE_MIGRATIONS } from './queue-schema.ts'
import {
  changeStandingHold,
  countRecipients,
  dropRecipients,
  holdRecipients,
  listKeys,
  releaseRecipients,
  retryRecipients,
} from './queue-verbs.ts'
import { forgetGone, insertMessages, recordOutcomes } from './queue-writes.ts'
import { keepSnapshot } from './snapshot.ts'
import { Sql } from './sql.ts'

const DAY_MS = 86_400_000
const FORGET_EVERY_MS = 3_600_000
/** Files removed at once. */
const REMOVALS = 16

export interface QueueOptions {
  /** The folder `queue/`; made where it is missing. */
  readonly directory: string
  /** Days that the history of messages is kept. */
  readonly historyDays: number
  readonly clock?: Clock
  /** The disk failed: nothing can be written until the queue is opened again. */
  readonly broken?: (error: unknown) => void
  /** Told of outcomes that are on disk. */
  readonly recorded?: (outcomes: readonly Outcome[]) => void
}

/** Opens the queue, makes or upgrades it, and removes what a crash left. @throws {NewerFormat} also as a cause */
export async function openQueue(options: QueueOptions): Promise<QueueStore> {
  const { directory, clock = systemClock } = options
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const file = queueFile(directory)
  const db = new DatabaseSync(file, { timeout: 5_000, enableForeignKeyConstraints: true })
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -4000;')
    migrate(db, QUEUE_MIGRATIONS, (from) => keepSnapshot(db, file, from, clock.now()))
    const store = new SqliteQueue(new Sql(db), options, clock)
    await store.tidy()
    return store
  } catch (error) {
    db.close()
    throw new Error(`Cannot open the queue "${file}"`, { cause: error })
  }
}

class SqliteQueue implements QueueStore {
  readonly #sql: Sql
  readonly #files: QueueFiles
  readonly #commits: GroupCommits
  readonly #clock: Clock
  readonly #historyMs: number
  readonly #recorded: QueueOptions['recorded']
  readonly #removals = new Set<Promise<void>>()
  readonly #timer: NodeJS.Timeout

  constructor(sql: Sql, { directory, historyDays, broken, recorded }: QueueOptions, clock: Clock) {
    this.#sql = sql
    this.#files = new QueueFiles(directory)
    this.#commits = new GroupCommits(sql, broken ?? (() => undefined))
    this.#clock = clock
    this.#historyMs = historyDays * DAY_MS
    this.#recorded = recorded
    this.#timer = setInterval(() => void this.#forget(), FORGET_EVERY_MS).unref()
  }

  /** Files and history that nobody needs. */
  async tidy(): Promise<void> {
    await this.#files.removeOrphans(
      this.#clock.now(),
      (file) =>
        this.#sql.number('SELECT 1 FROM message WHERE gone_at IS NULL AND file = ? LIMIT 1', file) !== undefined,
    )
    await this.#forget()
  }

  async enqueue(messages: readonly NewMessage[]): Promise<Result<void, EnqueueRefusal>> {
    try {
      await this.#commits.run(() => insertMessages(this.#sql, messages))
      return done(undefined)
    } catch (error) {
      if (faultKind(error) !== 'full') throw error
      const files = messages.flatMap(({ body }) => (body.kind === 'file' ? [body.file] : []))
      await this.#remove([...new Set(files)])
      return refused({ kind: 'full' })
    }
  }

  async due(now: number, limit: number, domains?: readonly string[]): Promise<readonly DueMessage[]> {
    return dueMessages(this.#sql, now, limit, domains)
  }

  async destinations(
    now: number,
    limit: number = Number.MAX_SAFE_INTEGER,
    most: number = MOST_COUNTED,
  ): Promise<readonly { readonly domain: string; readonly messages: number }[]> {
    return destinationsDue(this.#sql, now, limit, most)
  }

  async nextDue(now: number): Promise<number | undefined> {
    return nextDue(this.#sql, now)
  }

  async record(outcomes: readonly Outcome[], reports: readonly NewMessage[]): Promise<void> {
    const files = await this.#write(() => {
      const unneeded = recordOutcomes(this.#sql, outcomes, this.#clock.now())
      insertMessages(this.#sql, reports)
      return unneeded
    }, 'patient')
    this.#recorded?.(outcomes)
    void this.#remove(files)
  }

  async list(
    filter: QueueFilter,
    limit: number,
    mostRecipients: number = Number.MAX_SAFE_INTEGER,
  ): Promise<readonly QueuedMessage[]> {
    const keys = listKeys(this.#sql, filter, limit, mostRecipients)
    const loaded = loadMessages(this.#sql, keys)
    return keys.flatMap((key) => loaded.get(key)?.message ?? [])
  }

  async count(filter: QueueFilter): Promise<number> {
    return countRecipients(this.#sql, filter)
  }

  async history(
    id: QueueId,
  ): Promise<{ readonly message: QueuedMessage; readonly attempts: readonly Attempt[] } | undefined> {
    const key = this.#sql.number('SELECT key FROM message WHERE id = ?', id)
    if (key === undefined) return undefined
    const attempts = this.#sql.all(
      `SELECT a.*, r.address FROM attempt a JOIN recipient r ON r.message = a.message AND r.position = a.position
       WHERE a.message = ? ORDER BY a.key`,
      key,
    )
    return { message: loadMessage(this.#sql, key).message, attempts: attempts.map(attemptOf) }
  }

  hold(filter: QueueFilter, reason: HoldReason): Promise<number> {
    return this.#write(() => holdRecipients(this.#sql, filter, reason))
  }

  release(filter: QueueFilter): Promise<number> {
    return this.#write(() => releaseRecipients(this.#sql, filter))
  }

  retry(filter: QueueFilter, now: number): Promise<number> {
    return this.#write(() => retryRecipients(this.#sql, filter, now))
  }

  async drop(filter: QueueFilter, now: number): Promise<number> {
    const { changed, files } = await this.#write(() => dropRecipients(this.#sql, filter, now))
    void this.#remove(files)
    return changed
  }

  async standingHolds(): Promise<readonly StandingHold[]> {
    return readStandingHolds(this.#sql)
  }

  setStandingHold(hold: StandingHold, on: boolean): Promise<void> {
    return this.#write(() => changeStandingHold(this.#sql, hold, on))
  }

  async size(): Promise<Awaited<ReturnType<QueueStore['size']>>> {
    const count = (text: string): number => this.#sql.number(text) ?? 0
    const oldest = this.#sql.number('SELECT min(at) FROM message WHERE gone_at IS NULL')
    return {
      waiting: count('SELECT count(*) FROM recipient INDEXED BY recipient_next WHERE state = 0'),
      held: count('SELECT count(*) FROM recipient INDEXED BY recipient_held WHERE state = 1'),
      messages: count('SELECT count(*) FROM message WHERE gone_at IS NULL'),
      bytes: count(`SELECT sum(size) FROM (SELECT max(size) AS size FROM message INDEXED BY message_file
                    WHERE gone_at IS NULL GROUP BY file)`),
      ...(oldest === undefined ? {} : { oldest }),
    }
  }

  async body({ body }: QueuedMessage): Promise<AsyncIterable<Uint8Array>> {
    return isInDatabase(body.place) ? oneChunk(readBody(this.#sql, body)) : this.#files.read(body)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    this.#commits.close()
    // Those who wait for a commit may remove files now.
    await nextTurn()
    await Promise.all(this.#removals)
    giveBackRoom(this.#sql)
    this.#sql.close()
  }

  async #write<T>(work: () => T, urgency: Urgency = 'urgent'): Promise<T> {
    try {
      return await this.#commits.run(work, urgency)
    } catch (error) {
      if (faultKind(error) !== 'full') throw error
      throw new StoreFull('No space for a change of the queue', { cause: error })
    }
  }

  /** Never rejects: what stays is removed as an orphan. */
  #remove(files: readonly string[]): Promise<void> {
    const removal = (async () => {
      for (let at = 0; at < files.length; at += REMOVALS)
        await Promise.allSettled(files.slice(at, at + REMOVALS).map((file) => this.#files.remove(file)))
    })()
    this.#removals.add(removal)
    return removal.finally(() => this.#removals.delete(removal))
  }

  async #forget(): Promise<void> {
    const before = this.#clock.now() - this.#historyMs
    while (await this.#commits.run(() => forgetGone(this.#sql, before)).catch(() => false));
  }
}
