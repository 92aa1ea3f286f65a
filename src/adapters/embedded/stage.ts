/** Bodies on their way in: small ones in memory, large ones straight into a file of their own. @module */
import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import zlib from 'node:zlib'
import { countStreamed } from '#lib/young-buffers.ts'
import { type BodyStage, StoreFull } from '#store/mail-store.ts'
import type { StagedBody, StagedBytes } from '#store/types.ts'
import type { Arrivals } from './arrivals.ts'
import { bigPath, type ShardPaths } from './layout.ts'
import { BODY, formatRecordHeader, RAW, RECORD_HEADER } from './records.ts'

/** A body that is larger gets a file of its own. */
const MOST_IN_MEMORY = 1_048_576
/** Octets gathered before one write to the file. */
const GATHER = 262_144

/** The first buffer of a body; it doubles as the body grows. */
const FIRST_BUFFER = 16_384

/** One body. Chunks are copied into one buffer, which a large body fills again and again: no garbage a chunk. */
export class EmbeddedStage implements BodyStage {
  readonly #shard: number
  readonly #paths: ShardPaths
  readonly #sync: boolean
  /** Bodies that a request named whose outcome nobody knows. */
  readonly #inDoubt: WeakSet<StagedBody>
  readonly #arrivals: Arrivals
  #finished: StagedBody | undefined
  #buffer: Buffer = Buffer.allocUnsafeSlow(0)
  /** Octets of the buffer that wait. */
  #gathered = 0
  #size = 0
  /** Octets in the file. */
  #spilled = 0
  #checksum = 0
  #file: FileHandle | undefined
  #id: string | undefined
  #done = false
  /** Others may wait for it. */
  #awaited = true

  constructor(shard: number, paths: ShardPaths, sync: boolean, inDoubt: WeakSet<StagedBody>, arrivals: Arrivals) {
    this.#inDoubt = inDoubt
    this.#arrivals = arrivals
    arrivals.begin()
    this.#shard = shard
    this.#paths = paths
    this.#sync = sync
  }

  write(chunk: Uint8Array): Promise<void> | void {
    if (this.#done) throw new Error('This body has been finished or abandoned')
    this.#size += chunk.length
    if (this.#size > MOST_IN_MEMORY) {
      // Nobody waits for a large one.
      this.#arrived()
      // The socket's buffers that this body came in.
      countStreamed(2 * chunk.length)
      return this.#writeLarge(chunk)
    }
    this.#arrivals.stir()
    this.#gather(chunk)
  }

  #gather(chunk: Uint8Array): void {
    const needed = this.#gathered + chunk.length
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, FIRST_BUFFER, 2 * this.#buffer.length))
      this.#buffer.copy(larger, 0, 0, this.#gathered)
      this.#buffer = larger
    }
    this.#buffer.set(chunk, this.#gathered)
    this.#gathered = needed
  }

  async #writeLarge(chunk: Uint8Array): Promise<void> {
    if (this.#id === undefined) await this.#spill()
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + GATHER - this.#gathered)
      this.#gather(piece)
      at += piece.length
      if (this.#gathered === GATHER) await this.#spill()
    }
  }

  async #spill(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#gathered)
    this.#checksum = zlib.crc32(bytes, this.#checksum)
    try {
      if (this.#file === undefined) {
        // 52 random bits: a number that SQLite and JavaScript both keep exactly.
        this.#id = (randomBytes(8).readBigUInt64BE() >> 12n).toString(16).padStart(13, '0')
        this.#file = await open(bigPath(this.#paths, this.#id), 'wx', 0o600)
      }
      await writeFully(this.#file, bytes, RECORD_HEADER + this.#spilled)
      this.#spilled += bytes.length
      this.#gathered = 0
    } catch (error) {
      await this.abandon()
      throw fullOr(error)
    }
  }

  async finish(): Promise<StagedBody> {
    if (this.#done) throw new Error('This body has been finished or abandoned')
    if (this.#id === undefined) {
      this.#end()
      // Its memory is its own; what the request packs is copied out of it anyway.
      const bytes = new Uint8Array(this.#buffer.buffer, 0, this.#size)
      this.#buffer = Buffer.allocUnsafeSlow(0)
      return { kind: 'bytes', bytes }
    }
    if (this.#gathered > 0) await this.#spill()
    const [id, file] = [this.#id, this.#file]
    if (file === undefined) throw new Error('This body has been abandoned')
    try {
      const [size, checksum] = [this.#size, this.#checksum]
      await writeFully(file, formatRecordHeader({ kind: BODY, codec: RAW, stored: size, length: size, checksum }), 0)
      if (this.#sync) {
        await file.datasync()
        await syncFolder(this.#paths.big)
      }
      await file.close()
      this.#file = undefined
      this.#end()
      this.#finished = { kind: 'big', id, shard: this.#shard, size, checksum }
      return this.#finished
    } catch (error) {
      await this.abandon()
      throw fullOr(error)
    }
  }

  #end(): void {
    this.#done = true
    this.#arrived()
  }

  #arrived(): void {
    if (this.#awaited) this.#arrivals.end()
    this.#awaited = false
  }

  async abandon(): Promise<void> {
    this.#end()
    this.#buffer = Buffer.allocUnsafeSlow(0)
    const file = this.#file
    this.#file = undefined
    await file?.close().catch(() => undefined)
    // A row may name it; if none does, it goes as an orphan.
    if (this.#finished !== undefined && this.#inDoubt.has(this.#finished)) return
    if (this.#id !== undefined) await rm(bigPath(this.#paths, this.#id), { force: true })
  }
}

/** Where the octets of a big body are. */
export function bigBytes({ id, size }: Extract<StagedBody, { kind: 'big' }>, paths: ShardPaths): StagedBytes {
  return { kind: 'file', path: bigPath(paths, id), offset: RECORD_HEADER, size }
}

/** Copies a big body into another shard. */
export async function copyBig(
  body: Extract<StagedBody, { kind: 'big' }>,
  from: ShardPaths,
  to: EmbeddedStage,
): Promise<StagedBody> {
  const source = await open(bigPath(from, body.id), 'r')
  try {
    const chunk = Buffer.allocUnsafe(GATHER)
    for (let at = 0; at < body.size; ) {
      const { bytesRead } = await source.read(chunk, 0, Math.min(GATHER, body.size - at), RECORD_HEADER + at)
      if (bytesRead === 0) throw new Error(`Big body ${body.id} ends before its ${body.size} octets`)
      await to.write(chunk.subarray(0, bytesRead))
      at += bytesRead
    }
    return await to.finish()
  } catch (error) {
    await to.abandon()
    throw error
  } finally {
    await source.close()
  }
}

async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at)
    at += bytesWritten
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function fullOr(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOSPC' || code === 'EDQUOT' ? new StoreFull('No space for a body', { cause: error }) : error
}
