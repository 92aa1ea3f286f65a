/** Bodies on their way in: small ones in memory, large ones straight into a file of their own. @module */
import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import zlib from 'node:zlib'
import { type BodyStage, StoreFull } from '#store/mail-store.ts'
import type { StagedBody } from '#store/types.ts'
import { bigPath, type ShardPaths } from './layout.ts'
import { BODY, formatRecordHeader, RAW, RECORD_HEADER } from './records.ts'

/** A body that is larger gets a file of its own. */
const MOST_IN_MEMORY = 1_048_576
/** Octets gathered before one write to the file. */
const GATHER = 262_144

/** One body; `write` keeps a reference to small chunks only until it is awaited. */
export class EmbeddedStage implements BodyStage {
  readonly #shard: number
  readonly #paths: ShardPaths
  readonly #sync: boolean
  #chunks: Uint8Array[] = []
  #gathered = 0
  #size = 0
  #checksum = 0
  #file: FileHandle | undefined
  #id: string | undefined
  #done = false

  constructor(shard: number, paths: ShardPaths, sync: boolean) {
    this.#shard = shard
    this.#paths = paths
    this.#sync = sync
  }

  write(chunk: Uint8Array): Promise<void> | void {
    if (this.#done) throw new Error('This body has been finished or abandoned')
    // Copied: the caller's buffer is a socket's and will be filled again.
    this.#chunks.push(Uint8Array.prototype.slice.call(chunk))
    this.#gathered += chunk.length
    this.#size += chunk.length
    if (this.#id === undefined ? this.#size > MOST_IN_MEMORY : this.#gathered >= GATHER) return this.#spill()
  }

  async #spill(): Promise<void> {
    const bytes = Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#gathered = 0
    this.#checksum = zlib.crc32(bytes, this.#checksum)
    try {
      if (this.#file === undefined) {
        // 52 random bits: a number that SQLite and JavaScript both keep exactly.
        this.#id = (randomBytes(8).readBigUInt64BE() >> 12n).toString(16).padStart(13, '0')
        this.#file = await open(bigPath(this.#paths, this.#id), 'wx', 0o600)
      }
      const position = RECORD_HEADER + this.#size - bytes.length
      await writeFully(this.#file, bytes, position)
    } catch (error) {
      await this.abandon()
      throw fullOr(error)
    }
  }

  async finish(): Promise<StagedBody> {
    if (this.#done) throw new Error('This body has been finished or abandoned')
    if (this.#id === undefined) {
      this.#done = true
      const bytes = new Uint8Array(this.#size)
      let at = 0
      for (const chunk of this.#chunks) {
        bytes.set(chunk, at)
        at += chunk.length
      }
      this.#chunks = []
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
      this.#done = true
      return { kind: 'big', id, shard: this.#shard, size, checksum }
    } catch (error) {
      await this.abandon()
      throw fullOr(error)
    }
  }

  async abandon(): Promise<void> {
    this.#done = true
    this.#chunks = []
    const file = this.#file
    this.#file = undefined
    await file?.close().catch(() => undefined)
    if (this.#id !== undefined) await rm(bigPath(this.#paths, this.#id), { force: true })
  }
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
