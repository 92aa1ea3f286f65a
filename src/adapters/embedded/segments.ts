/** The writer's side of segments: appending, cutting torn tails, walking through records. @module */
import fs from 'node:fs'
import zlib from 'node:zlib'
import { type ShardPaths, segmentPath } from './layout.ts'
import { ARRIVAL, parseArrival, parseRecordHeader, RECORD_HEADER, type RecordHeader, recordSize } from './records.ts'
import type { SegmentFiles } from './segment-files.ts'

/**
 * Appends to one segment file. What is added is collected and reaches the disk at {@link flush};
 * places are known at once.
 */
export class SegmentAppender {
  readonly id: number
  readonly #files: SegmentFiles
  readonly #fd: number
  #written: number
  #end: number
  #buffers: Uint8Array[] = []

  /** @param size the whole records that the file begins with; anything after is cut. */
  constructor(paths: ShardPaths, files: SegmentFiles, id: number, size: number) {
    this.id = id
    this.#files = files
    this.#fd = files.open(segmentPath(paths, id))
    files.truncate(this.#fd, size)
    this.#written = size
    this.#end = size
  }

  /** Where the next record will lie. */
  get end(): number {
    return this.#end
  }

  /** Whether records wait for {@link flush}. */
  get pending(): boolean {
    return this.#buffers.length > 0
  }

  /** Adds the buffers of one record. @returns its offset. */
  add(record: readonly Uint8Array[]): number {
    const offset = this.#end
    for (const buffer of record) {
      if (buffer.length > 0) this.#buffers.push(buffer)
      this.#end += buffer.length
    }
    return offset
  }

  /** Writes and syncs what was added. */
  flush(): void {
    if (this.#buffers.length === 0) return
    this.#files.writev(this.#fd, this.#buffers, this.#written)
    this.#files.sync(this.#fd)
    this.#buffers = []
    this.#written = this.#end
  }

  /** Forgets what was added since `size` was the end, on disk too where that is possible. */
  rewind(size: number): void {
    this.#buffers = []
    this.#end = size
    this.#written = size
    try {
      this.#files.truncate(this.#fd, size)
    } catch {
      // What lies beyond the end belongs to no row and is overwritten by the next record.
    }
  }

  close(): void {
    this.#files.close(this.#fd)
  }
}

/** One record as a walk finds it. */
export interface WalkedRecord {
  readonly offset: number
  readonly header: RecordHeader
  /** Payload as stored; its checksum has been compared: see `whole`. */
  readonly payload: Buffer
  readonly whole: boolean
}

/** Reads a segment record by record, from `offset` up to `end`; stops where no record begins. */
export function* walkSegment(fd: number, offset: number, end: number): Generator<WalkedRecord, void, void> {
  const head = Buffer.allocUnsafe(RECORD_HEADER)
  let at = offset
  while (at + RECORD_HEADER <= end) {
    if (fs.readSync(fd, head, 0, RECORD_HEADER, at) < RECORD_HEADER) return
    const header = parseRecordHeader(head)
    if (header === undefined || at + RECORD_HEADER + header.stored > end) return
    const payload = Buffer.allocUnsafe(header.stored)
    if (fs.readSync(fd, payload, 0, header.stored, at + RECORD_HEADER) < header.stored) return
    yield { offset: at, header, payload, whole: zlib.crc32(payload) === header.checksum }
    at += recordSize(header.stored)
  }
}

/** What lies behind the committed end of a segment. */
export interface Tail {
  readonly segment: number
  readonly committed: number
  /** Of the last whole record. */
  readonly end: number
  /** Octets cut. */
  readonly cut: number
  /** It holds more than the one batch that a crash may leave: the index is older than the segment. Nothing was cut. */
  readonly older: boolean
  /** It is one that compaction moves records to. */
  readonly target: boolean
}

/**
 * Finds the end of the last whole record at or after `committed`, which is known to be one, and cuts the file there.
 * @param target compaction moves records there: its arrivals do not say which batch wrote them.
 */
export function cutTornTail(paths: ShardPaths, id: number, committed: number, target: boolean): Tail {
  const whole = { segment: id, committed, end: 0, cut: 0, older: false, target }
  const file = segmentPath(paths, id)
  let fd: number
  try {
    fd = fs.openSync(file, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return whole
    throw error
  }
  try {
    const { size } = fs.fstatSync(fd)
    let end = Math.min(committed, size)
    for (const record of walkSegment(fd, end, size)) {
      const next = record.offset + recordSize(record.header.stored)
      if (!record.whole || next > size) break
      end = next
      if (target || record.header.kind !== ARRIVAL) continue
      // A batch that begins behind the committed end followed one that was committed, and the index does not know it.
      const { batch = 0 } = parseArrival(record.payload).arrival
      if (batch > committed) return { ...whole, end: size, older: true }
    }
    if (end < size) fs.ftruncateSync(fd, end)
    return { ...whole, end, cut: size - end }
  } finally {
    fs.closeSync(fd)
  }
}
