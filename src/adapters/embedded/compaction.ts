/**
 * Compaction: living records of a sparse segment go to a new one, small ones packed, and their rows point there.
 *
 * Each slice is synced before the transaction that switches its rows, and each record is switched alone, so a crash at
 * any moment leaves every row at bytes that are there; beginning again finds only what still lives in the old file.
 * The old file stays for the grace time, for readers that hold its places. @module
 */
import fs from 'node:fs'
import { performance } from 'node:perf_hooks'
import zlib from 'node:zlib'
import { newSegment } from './bodies.ts'
import { type ShardPaths, segmentPath } from './layout.ts'
import type { ShardLog } from './options.ts'
import {
  ARRIVAL,
  BODY,
  formatArrival,
  formatRecordHeader,
  packFrames,
  parseArrival,
  RAW,
  RECORD_HEADER,
  rawRecord,
  recordSize,
  ZSTD,
} from './records.ts'
import { EMAIL_SPAN } from './schema/account.ts'
import type { SegmentFiles } from './segment-files.ts'
import { SegmentAppender, type WalkedRecord, walkSegment } from './segments.ts'
import type { Transaction } from './transaction.ts'

/** Only records up to this size are packed: inflating a large one would hold a reader up. */
const MOST_PACKED = 262_144
/** Packed where it comes to less than this share. */
const WORTH = 0.8
/** A slice ends after so much work; neighbours wait for no more. */
const SLICE_MS = 5

/** What a compaction needs besides the transaction. */
export interface CompactionSettings {
  readonly paths: ShardPaths
  readonly files: SegmentFiles
  /** On a full disk nothing is rewritten. */
  readonly onlyDead: boolean
  /** The segment that mail goes to is compacted, too, when it has so many dead octets. */
  readonly leastDead: number
  readonly log: ShardLog
}

/** By the clock, the open segment is compacted when its dead octets are so much of a whole one. */
export const WORTH_BY_CLOCK = 0.25

/** Compacts every segment that is sparse. @returns octets that became free, once the old files go. */
export function* compact(
  tx: Transaction,
  settings: CompactionSettings,
  now: number,
): Generator<undefined, number, void> {
  // One that was broken off left its target open.
  tx.sql.run("UPDATE segment SET state = 'sealed' WHERE state = 'target'")
  if (isOpenSparse(tx, settings)) {
    tx.bodies.seal()
    yield
  }
  const dead = tx.sql.number("SELECT coalesce(sum(total), 0) FROM segment WHERE state = 'sealed' AND live = 0")
  tx.sql.run("UPDATE segment SET state = 'retired', retired_at = ? WHERE state = 'sealed' AND live = 0", now)
  let freed = dead
  if (settings.onlyDead) return freed
  const sparse = tx.sql.all(
    "SELECT id, total FROM segment WHERE state = 'sealed' AND live < total * ? ORDER BY id",
    tx.tuning.compactBelow,
  )
  if (sparse.length === 0) return freed
  const target = new Target(tx, settings)
  try {
    // Its row is committed before records go there, as that of every segment is.
    target.open()
    yield
    for (const [id, total] of sparse as readonly (readonly [number, number])[]) {
      if (yield* compactOne(tx, settings, target, id, total, now)) freed += total
    }
    target.seal()
    return Math.max(0, freed - target.written)
  } finally {
    target.close()
  }
}

/** Whether the segment that mail goes to should be sealed: until it is, nothing of it is given back. */
function isOpenSparse(tx: Transaction, { onlyDead, leastDead }: CompactionSettings): boolean {
  const open = tx.sql.get("SELECT total, live FROM segment WHERE state = 'open'") as
    | readonly [number, number]
    | undefined
  if (open === undefined) return false
  const [total, live] = open
  return total - live >= leastDead && (onlyDead ? live === 0 : live < total * tx.tuning.compactBelow)
}

/** The segment that living records go to. */
class Target {
  readonly #tx: Transaction
  readonly #settings: CompactionSettings
  #appender: SegmentAppender | undefined
  written = 0

  constructor(tx: Transaction, settings: CompactionSettings) {
    this.#tx = tx
    this.#settings = settings
  }

  /** Begins another segment; to be committed before something is added. */
  open(): void {
    const id = newSegment(this.#tx.sql, 'target')
    this.#appender = new SegmentAppender(this.#settings.paths, this.#settings.files, id, 0)
    this.#settings.files.syncFolder(this.#settings.paths.segments)
  }

  add(record: readonly Uint8Array[], size: number): { readonly segment: number; readonly offset: number } {
    if (this.#appender === undefined) throw new Error('There is no segment to add to')
    const { id } = this.#appender
    const offset = this.#appender.add(record)
    this.#tx.bodies.count(id, size)
    this.written += size
    return { segment: id, offset }
  }

  /** Makes durable what was added; before the rows that point there are committed. */
  flush(): void {
    const appender = this.#appender
    if (appender === undefined || !appender.pending) return
    appender.flush()
    this.#tx.sql.run('UPDATE segment SET total = ? WHERE id = ?', appender.end, appender.id)
    if (appender.end < this.#tx.tuning.segmentBytes) return
    this.seal()
    this.open()
  }

  /** The next compaction finds one that nothing was added to, and retires it. */
  seal(): void {
    if (this.#appender === undefined) return
    this.#tx.sql.run("UPDATE segment SET state = 'sealed' WHERE id = ?", this.#appender.id)
    this.close()
  }

  close(): void {
    this.#appender?.close()
    this.#appender = undefined
  }
}

/** `false` when something had to stay. */
function* compactOne(
  tx: Transaction,
  settings: CompactionSettings,
  target: Target,
  id: number,
  total: number,
  now: number,
): Generator<undefined, boolean, void> {
  const fd = fs.openSync(segmentPath(settings.paths, id), 'r')
  let damaged = 0
  try {
    let begun = performance.now()
    for (const record of walkSegment(fd, 0, total)) {
      const moved = record.header.kind === BODY ? moveBody(tx, target, id, record) : moveArrival(tx, target, id, record)
      if (!moved) damaged += 1
      if (performance.now() - begun < SLICE_MS) continue
      target.flush()
      yield
      begun = performance.now()
    }
    target.flush()
  } finally {
    fs.closeSync(fd)
  }
  // The counts of this slice are written at its commit; look after it.
  yield
  const live = tx.sql.number('SELECT live FROM segment WHERE id = ?', id)
  if (live === 0) tx.sql.run("UPDATE segment SET state = 'retired', retired_at = ? WHERE id = ?", now, id)
  else settings.log('error', `Segment ${id} keeps ${live} octets that could not be moved (${damaged} damaged records)`)
  return live === 0
}

/** `false` when the record lives but is damaged: it stays where it is. */
function moveBody(tx: Transaction, target: Target, segment: number, record: WalkedRecord): boolean {
  const { header, payload, offset } = record
  const position = offset + header.codec
  const row = tx.sql.get('SELECT stored FROM email WHERE segment = ? AND position = ? LIMIT 1', segment, position)
  if (row === undefined) return true
  if (!record.whole) return false
  const [bytes, codec] = packedBody(record)
  const size = recordSize(bytes.length)
  const head = formatRecordHeader({
    kind: BODY,
    codec,
    stored: bytes.length,
    length: header.length,
    checksum: bytes === payload ? header.checksum : zlib.crc32(bytes),
  })
  const place = target.add([head, bytes, Buffer.alloc(size - RECORD_HEADER - bytes.length)], size)
  tx.sql.run(
    'UPDATE email SET segment = ?, position = ?, stored = ? WHERE segment = ? AND position = ?',
    place.segment,
    place.offset + codec,
    size,
    segment,
    position,
  )
  tx.bodies.count(segment, -recordSize(header.stored))
  return true
}

function packedBody({ header, payload }: WalkedRecord): readonly [Buffer, typeof RAW | typeof ZSTD] {
  if (header.codec !== RAW) return [payload, header.codec]
  if (payload.length > MOST_PACKED || payload.length === 0) return [payload, RAW]
  const packed = packFrames(payload, WORTH)
  return packed === undefined ? [payload, RAW] : [packed, ZSTD]
}

/** Writes the arrival again with the place where its body is now. */
function moveArrival(tx: Transaction, target: Target, segment: number, record: WalkedRecord): boolean {
  if (!record.whole) return false
  const { arrival, trace } = parseArrival(record.payload)
  const id = arrival.row ?? arrival.slot * EMAIL_SPAN + arrival.email
  const row = tx.sql.get(
    'SELECT segment, position, arrival_stored FROM email WHERE id = ? AND slot = ? AND key = ? AND arrival_segment = ?',
    id,
    arrival.slot,
    arrival.email,
    segment,
  ) as readonly [number, number, number] | undefined
  if (row === undefined) return true
  const payload = formatArrival({ ...arrival, segment: row[0], position: row[1] }, trace)
  const size = recordSize(payload.length)
  const place = target.add(rawRecord(ARRIVAL, payload), size)
  tx.sql.run('UPDATE email SET arrival_segment = ?, arrival_stored = ? WHERE id = ?', place.segment, size, id)
  tx.bodies.count(segment, -row[2])
  return true
}

/** Forgets compacted segments that were retired so long ago. @returns their numbers: their files go after the commit. */
export function forgetRetired(tx: Transaction, now: number, graceMs: number): number[] {
  const removed: number[] = []
  const rows = tx.sql.all("SELECT id FROM segment WHERE state = 'retired' AND retired_at <= ?", now - graceMs)
  for (const [id] of rows) {
    tx.sql.run('DELETE FROM segment WHERE id = ?', id as number)
    removed.push(id as number)
  }
  return removed
}
