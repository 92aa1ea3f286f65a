/** Where the writer puts bodies and arrivals, and how it counts what lives in each segment. @module */
import fs from 'node:fs'
import type { StagedBody } from '#store/types.ts'
import { bigPath, type ShardPaths, segmentPath } from './layout.ts'
import type { EmbeddedTuning } from './options.ts'
import { ARRIVAL, type Arrival, BODY, formatArrival, RAW, rawRecord, recordSize } from './records.ts'
import type { SegmentFiles } from './segment-files.ts'
import { cutTornTail, SegmentAppender, type Tail, walkSegment } from './segments.ts'
import type { Sql } from './sql.ts'

/** Columns of an email that say where its body is. */
export interface StoredPlace {
  /** 0: a file of its own in `big/`. */
  readonly segment: number
  readonly position: number
  readonly length: number
  readonly stored: number
}

/** Id of a big body as the number that `email.position` holds, and back. */
export function bigNumber(id: string): number {
  return Number.parseInt(id, 16)
}
export function bigId(number: number): string {
  return number.toString(16).padStart(13, '0')
}

/**
 * The open segment of a shard. Its row is committed before the first record goes there, so a file that no row names is
 * empty, or newer than the index.
 */
export class Bodies {
  readonly #sql: Sql
  readonly #shard: number
  readonly #paths: ShardPaths
  readonly #files: SegmentFiles
  readonly #tuning: EmbeddedTuning
  #appender: SegmentAppender | undefined
  #batchStart = 0
  #sealing = false
  readonly #live = new Map<number, number>()

  constructor(
    sql: Sql,
    settings: {
      readonly shard: number
      readonly paths: ShardPaths
      readonly files: SegmentFiles
      readonly tuning: EmbeddedTuning
    },
  ) {
    this.#sql = sql
    this.#shard = settings.shard
    this.#paths = settings.paths
    this.#files = settings.files
    this.#tuning = settings.tuning
  }

  /**
   * Opens the newest segment where it ends, or makes the first; cuts what a crash left of a record. A segment that goes
   * on behind what the index knows, by more than one batch, is kept as it is: the index is older than it.
   * @returns what was found at the ends of segments.
   */
  recover(): readonly Tail[] {
    this.close()
    const tails: Tail[] = []
    for (const [id, total, state] of this.#sql.all(
      "SELECT id, total, state FROM segment WHERE state IN ('open', 'target')",
    ) as readonly (readonly [number, number, string])[]) {
      const tail = cutTornTail(this.#paths, id, total, state === 'target')
      tails.push(tail)
      if (tail.older) this.#sql.run("UPDATE segment SET state = 'kept' WHERE id = ?", id)
      else if (tail.end > total) this.#sql.run('UPDATE segment SET total = ? WHERE id = ?', tail.end, id)
    }
    const open = this.#sql.get("SELECT id, total FROM segment WHERE state = 'open' ORDER BY id DESC LIMIT 1")
    if (open === undefined) {
      this.#sql.run('BEGIN IMMEDIATE')
      this.#appender = this.#create()
      this.#sql.run('COMMIT')
    } else this.#appender = new SegmentAppender(this.#paths, this.#files, open[0] as number, open[1] as number)
    return tails
  }

  /** Call after BEGIN. */
  begin(): void {
    this.#live.clear()
    this.#sealing = false
    this.#batchStart = this.#open().end
  }

  #open(): SegmentAppender {
    if (this.#appender === undefined) throw new Error('The shard is closed')
    return this.#appender
  }

  #create(): SegmentAppender {
    const id = newSegment(this.#sql, 'open')
    const appender = new SegmentAppender(this.#paths, this.#files, id, 0)
    this.#files.syncFolder(this.#paths.segments)
    return appender
  }

  /** Lets the batches to come go to a new segment, so that compaction can have this one. */
  seal(): void {
    this.#sealing = true
  }

  /** Adds a body; it counts as living. */
  put(body: StagedBody): StoredPlace {
    if (body.kind === 'big') {
      if (body.shard !== this.#shard) {
        throw new Error(`A body staged for shard ${body.shard} was sent to shard ${this.#shard}`)
      }
      // A row must never name a file that is not there, whatever the caller has done with it.
      if (!fs.existsSync(bigPath(this.#paths, body.id))) throw new Error(`Body ${body.id} was abandoned`)
      return { segment: 0, position: bigNumber(body.id), length: body.size, stored: recordSize(body.size) }
    }
    const appender = this.#open()
    const stored = recordSize(body.bytes.length)
    const offset = appender.add(rawRecord(BODY, body.bytes))
    this.count(appender.id, stored)
    return { segment: appender.id, position: offset + RAW, length: body.bytes.length, stored }
  }

  /** Adds an arrival; it lives as long as its email. */
  arrive(arrival: Arrival, trace: Uint8Array): { readonly segment: number; readonly stored: number } {
    const appender = this.#open()
    const payload = formatArrival({ ...arrival, batch: this.#batchStart }, trace)
    const stored = recordSize(payload.length)
    appender.add(rawRecord(ARRIVAL, payload))
    this.count(appender.id, stored)
    return { segment: appender.id, stored }
  }

  /** Notes that octets of a segment live now, or (below 0) no longer do. Big files are not counted. */
  count(segment: number, octets: number): void {
    if (segment !== 0) this.#live.set(segment, (this.#live.get(segment) ?? 0) + octets)
  }

  /** Makes the bodies durable and writes the counts; a segment that is large enough is sealed. Call before COMMIT. */
  flush(): boolean {
    const appender = this.#open()
    const synced = appender.pending
    if (synced) {
      appender.flush()
      this.#sql.run('UPDATE segment SET total = ? WHERE id = ?', appender.end, appender.id)
    }
    if (appender.end >= this.#tuning.segmentBytes || this.#sealing) {
      this.#sql.run("UPDATE segment SET state = 'sealed' WHERE id = ?", appender.id)
      this.#appender = this.#create()
      appender.close()
    }
    this.settle()
    return synced
  }

  /** Writes the counts so far. */
  settle(): void {
    for (const [segment, octets] of this.#live) {
      if (octets !== 0) this.#sql.run('UPDATE segment SET live = live + ? WHERE id = ?', octets, segment)
    }
    this.#live.clear()
  }

  /** What the last batch wrote, to be looked at when a sync has failed. */
  get lastBatch(): { readonly segment: number; readonly from: number } | undefined {
    return this.#appender === undefined ? undefined : { segment: this.#appender.id, from: this.#batchStart }
  }

  /** Whether all records from there on are whole. */
  verify(batch: { readonly segment: number; readonly from: number }): boolean {
    const row = this.#sql.get('SELECT total FROM segment WHERE id = ?', batch.segment)
    if (row === undefined) return true
    const total = row[0] as number
    const fd = fs.openSync(segmentPath(this.#paths, batch.segment), 'r')
    try {
      let end = Math.min(batch.from, total)
      for (const record of walkSegment(fd, end, total)) {
        if (!record.whole) return false
        end = record.offset + recordSize(record.header.stored)
      }
      return end === total
    } finally {
      fs.closeSync(fd)
    }
  }

  /**
   * Call after ROLLBACK: opens again what is true now.
   * @param keep what was written stays, and counts for nothing.
   */
  rollback(keep: boolean): void {
    this.#live.clear()
    const appender = this.#appender
    const exists =
      appender !== undefined && this.#sql.get("SELECT 1 FROM segment WHERE id = ? AND state = 'open'", appender.id)
    if (!exists) this.recover()
    else if (!keep) appender.rewind(this.#batchStart)
  }

  close(): void {
    this.#appender?.close()
    this.#appender = undefined
  }
}

/** Adds a row for a new segment file; numbers are never used twice. */
export function newSegment(sql: Sql, state: 'open' | 'target'): number {
  const id = sql.number('INSERT INTO segment (total, live, state) VALUES (0, 0, ?) RETURNING id', state)
  return id
}
