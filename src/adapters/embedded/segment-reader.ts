/** Reading bodies where the rows say they are. @module */
import fs from 'node:fs'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { countStreamed } from '#lib/young-buffers.ts'
import { bufferOf } from '#mail/bytes.ts'
import { DamagedBody, type StoredBody } from '#store/mail-store.ts'
import type { BodyPlace } from '#store/types.ts'
import { bigPath, type ShardPaths, segmentPath } from './layout.ts'
import { BODY, parseRecordHeader, RAW, RECORD_HEADER, type RecordHeader, unpackFrames } from './records.ts'

const readAsync = promisify(fs.read)

/**
 * Up to this size a read is answered at once: from the page cache it takes 0.1 ms, and as much again to compare the
 * checksum; a trip to the thread pool takes longer.
 */
const AT_ONCE = 524_288
const MOST_READ = 1_048_576
const CHUNK = 262_144
/** Files kept open for each shard. */
const MOST_FILES = 64

function allocate(octets: number): Uint8Array {
  return Buffer.allocUnsafeSlow(octets)
}

/** The open files of one shard, in one thread. */
export class SegmentReader {
  readonly #paths: ShardPaths
  /** By segment number or id of a big body, the one used last at the end. */
  readonly #open = new Map<number | string, OpenFile>()

  constructor(paths: ShardPaths) {
    this.#paths = paths
  }

  body(place: BodyPlace): StoredBody {
    return new PlacedBody(this, place)
  }

  /** Reads a whole body in pieces and compares its checksum, blocking. @throws {DamagedBody} */
  verify(place: BodyPlace, piece: number): void {
    new PlacedBody(this, place).verify(piece, () => {})
  }

  /** A whole body, blocking, its checksum compared. @throws {DamagedBody} */
  readAll(place: BodyPlace): Uint8Array {
    const chunks: Buffer[] = []
    new PlacedBody(this, place).verify(MOST_READ, (chunk) => chunks.push(Buffer.from(chunk)))
    return Buffer.concat(chunks)
  }

  /** The file, used until `release`; an open descriptor outlives the removal of its name. */
  acquire(place: BodyPlace): OpenFile {
    const key = place.kind === 'big' ? place.id : place.segment
    let file = this.#open.get(key)
    if (file === undefined) {
      const path = place.kind === 'big' ? bigPath(this.#paths, place.id) : segmentPath(this.#paths, place.segment)
      try {
        file = { fd: fs.openSync(path, 'r'), users: 0, forgotten: false }
      } catch (error) {
        throw new DamagedBody(`Cannot open "${path}"`, { cause: error })
      }
    } else this.#open.delete(key)
    this.#open.set(key, file)
    file.users += 1
    if (this.#open.size > MOST_FILES) this.#forgetOldest()
    return file
  }

  release(file: OpenFile): void {
    file.users -= 1
    if (file.forgotten && file.users === 0) fs.closeSync(file.fd)
  }

  /** Closes a file that is no more, as soon as nobody reads it. */
  forget(key: number | string): void {
    const file = this.#open.get(key)
    if (file === undefined) return
    this.#open.delete(key)
    file.forgotten = true
    if (file.users === 0) fs.closeSync(file.fd)
  }

  #forgetOldest(): void {
    for (const [key, file] of this.#open) {
      if (file.users > 0) continue
      this.forget(key)
      return
    }
  }

  close(): void {
    for (const key of Array.from(this.#open.keys())) this.forget(key)
  }
}

interface OpenFile {
  readonly fd: number
  users: number
  forgotten: boolean
}

class PlacedBody implements StoredBody {
  readonly size: number
  readonly #reader: SegmentReader
  readonly #place: BodyPlace
  readonly #offset: number
  readonly #codec: number

  constructor(reader: SegmentReader, place: BodyPlace) {
    this.#reader = reader
    this.#place = place
    this.size = place.length
    this.#offset = place.kind === 'big' ? 0 : place.offset - (place.offset % 8)
    this.#codec = place.kind === 'big' ? RAW : place.offset % 8
  }

  read(start: number, end: number, room = allocate): Uint8Array | Promise<Uint8Array> {
    this.#mustHold(start, end)
    if (end - start > MOST_READ) throw new RangeError(`Cannot read more than ${MOST_READ} octets at once`)
    if (start === end) return new Uint8Array(0)
    if (this.#codec !== RAW) return this.#unpacked(start, end)
    const whole = start === 0 && end === this.size
    const from = whole ? this.#offset : this.#offset + RECORD_HEADER + start
    const length = whole ? RECORD_HEADER + this.size : end - start
    const file = this.#reader.acquire(this.#place)
    const bytes = room(length)
    if (length <= AT_ONCE) {
      try {
        return this.#checked(bytes, readFully(file.fd, bytes, from), whole)
      } finally {
        this.#reader.release(file)
      }
    }
    return readFullyAsync(file.fd, bytes, from)
      .then((got) => this.#checked(bytes, got, whole))
      .finally(() => this.#reader.release(file))
  }

  async *stream(start: number, end: number): AsyncGenerator<Uint8Array, void, void> {
    this.#mustHold(start, end)
    if (start === 0 && end === this.size && this.size <= CHUNK) {
      if (this.size > 0) yield this.read(0, end)
      return
    }
    if (this.#codec !== RAW) {
      for (let at = start; at < end; at += CHUNK) yield this.#unpacked(at, Math.min(at + CHUNK, end))
      return
    }
    const header = start === 0 && end === this.size ? await this.#header() : undefined
    let checksum = 0
    for (let at = start; at < end; at += CHUNK) {
      const chunk = await this.read(at, Math.min(at + CHUNK, end))
      countStreamed(chunk.length)
      if (header !== undefined) {
        checksum = zlib.crc32(chunk, checksum)
        // Before the last octets leave: a client that misses them knows that something is wrong.
        if (at + CHUNK >= end && checksum !== header.checksum) throw this.#damaged('its checksum does not hold')
      }
      yield chunk
    }
  }

  verify(piece: number, each: (chunk: Buffer) => void): void {
    if (this.#codec !== RAW) {
      each(this.#unpacked(0, this.size))
      return
    }
    const file = this.#reader.acquire(this.#place)
    try {
      const head = Buffer.allocUnsafe(RECORD_HEADER)
      const header = this.#headerIn(head, readFully(file.fd, head, this.#offset))
      const bytes = Buffer.allocUnsafe(Math.min(piece, this.size))
      let checksum = 0
      for (let at = 0; at < this.size; at += piece) {
        const part = bytes.subarray(0, Math.min(piece, this.size - at))
        if (readFully(file.fd, part, this.#offset + RECORD_HEADER + at) < part.length) {
          throw this.#damaged('the file ends before')
        }
        checksum = zlib.crc32(part, checksum)
        each(part)
      }
      if (checksum !== header.checksum) throw this.#damaged('its checksum does not hold')
    } finally {
      this.#reader.release(file)
    }
  }

  #mustHold(start: number, end: number): void {
    if (start < 0 || end < start || end > this.size) {
      throw new RangeError(`Cannot read octets ${start} to ${end} of ${this.size}`)
    }
  }

  async #header(): Promise<RecordHeader> {
    const file = this.#reader.acquire(this.#place)
    try {
      const bytes = Buffer.allocUnsafe(RECORD_HEADER)
      return this.#headerIn(bytes, await readFullyAsync(file.fd, bytes, this.#offset))
    } finally {
      this.#reader.release(file)
    }
  }

  #headerIn(bytes: Uint8Array, got: number): RecordHeader {
    const header = got < RECORD_HEADER ? undefined : parseRecordHeader(bufferOf(bytes))
    if (header === undefined || header.kind !== BODY || header.codec !== this.#codec || header.length !== this.size) {
      throw this.#damaged('no record of this length begins there')
    }
    return header
  }

  /** What a read gave, the header taken off and the checksum compared where the whole was read. */
  #checked(bytes: Uint8Array, got: number, whole: boolean): Uint8Array {
    if (got < bytes.length) throw this.#damaged('the file ends before')
    if (!whole) return bytes
    const header = this.#headerIn(bytes, got)
    const payload = bytes.subarray(RECORD_HEADER)
    if (zlib.crc32(payload) !== header.checksum) throw this.#damaged('its checksum does not hold')
    return payload
  }

  /** Packed records are small (compaction packs up to 256 KB), so the whole record is read. */
  #unpacked(start: number, end: number): Buffer {
    const file = this.#reader.acquire(this.#place)
    try {
      const head = Buffer.allocUnsafe(RECORD_HEADER)
      const header = this.#headerIn(head, readFully(file.fd, head, this.#offset))
      const packed = Buffer.allocUnsafe(header.stored)
      if (readFully(file.fd, packed, this.#offset + RECORD_HEADER) < packed.length) {
        throw this.#damaged('the file ends before')
      }
      if (zlib.crc32(packed) !== header.checksum) throw this.#damaged('its checksum does not hold')
      return unpackFrames(packed, start, end)
    } finally {
      this.#reader.release(file)
    }
  }

  #damaged(why: string): DamagedBody {
    const place = this.#place
    const where = place.kind === 'big' ? `big body ${place.id}` : `segment ${place.segment} at ${this.#offset}`
    return new DamagedBody(`Cannot read ${where}: ${why}`)
  }
}

function readFully(fd: number, into: Uint8Array, position: number): number {
  let got = 0
  while (got < into.length) {
    const count = reading(() => fs.readSync(fd, into, got, into.length - got, position + got))
    if (count === 0) break
    got += count
  }
  return got
}

async function readFullyAsync(fd: number, into: Uint8Array, position: number): Promise<number> {
  let got = 0
  while (got < into.length) {
    const { bytesRead } = await readAsync(fd, into, got, into.length - got, position + got).catch(unreadable)
    if (bytesRead === 0) break
    got += bytesRead
  }
  return got
}

function reading(read: () => number): number {
  try {
    return read()
  } catch (error) {
    return unreadable(error)
  }
}

/** What a disk does not give (EIO) costs the message that lies there, not the session that asks for it. */
function unreadable(error: unknown): never {
  throw new DamagedBody(`The disk does not give it: ${(error as NodeJS.ErrnoException).code ?? String(error)}`, {
    cause: error,
  })
}
