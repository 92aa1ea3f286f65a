/** Bodies of the memory store: staged, kept, read back. @module */
import { crc32 } from 'node:zlib'
import { type BodyStage, DamagedBody, type StoredBody } from '#store/mail-store.ts'
import type { BodyPlace, StagedBody } from '#store/types.ts'

/** Larger bodies are staged as `big`. */
const BIG_BYTES = 1024 * 1024
const MAX_READ = 1024 * 1024
const CHUNK = 256 * 1024

/** All bytes of a memory store. */
export class Bodies {
  readonly #small = new Map<number, Uint8Array>()
  readonly #big = new Map<string, Uint8Array>()
  #last = 0

  stage(shard: number): BodyStage {
    const chunks: Uint8Array[] = []
    let id: string | undefined
    return {
      write: (chunk) => {
        chunks.push(Uint8Array.from(chunk))
      },
      finish: async () => {
        const bytes = joined(chunks)
        chunks.length = 0
        await Promise.resolve()
        if (bytes.length <= BIG_BYTES) return { kind: 'bytes', bytes }
        this.#last += 1
        id = `big-${this.#last}`
        this.#big.set(id, bytes)
        return { kind: 'big', id, shard, size: bytes.length, checksum: crc32(bytes) }
      },
      abandon: async () => {
        chunks.length = 0
        await Promise.resolve()
        if (id !== undefined) this.#big.delete(id)
      },
    }
  }

  async restage(body: StagedBody, shard: number): Promise<StagedBody> {
    await Promise.resolve()
    if (body.kind === 'bytes' || body.shard === shard) return body
    this.#last += 1
    const id = `big-${this.#last}`
    this.#big.set(id, this.staged(body))
    return { ...body, id, shard }
  }

  /** Where the body is from now on. A big body of another shard is a fault of the caller, found here and not in production. */
  keep(body: StagedBody, shard: number): BodyPlace {
    if (body.kind === 'big') {
      if (body.shard !== shard) throw new Error(`A body staged for shard ${body.shard} was sent to shard ${shard}`)
      return { kind: 'big', id: body.id, length: this.staged(body).length }
    }
    this.#last += 1
    this.#small.set(this.#last, body.bytes)
    return { kind: 'segment', segment: this.#last, offset: 0, length: body.bytes.length }
  }

  open(place: BodyPlace): StoredBody {
    const bytes = place.kind === 'big' ? this.#big.get(place.id) : this.#small.get(place.segment)
    const read = (start: number, end: number): Uint8Array => {
      if (bytes === undefined || bytes.length !== place.length) throw new DamagedBody('Cannot find the body')
      if (start < 0 || end < start || end > bytes.length || end - start > MAX_READ)
        throw new RangeError(`Cannot read octets ${start} to ${end} of ${bytes.length}`)
      return bytes.slice(start, end)
    }
    return {
      size: place.length,
      read: async (start, end) => {
        await Promise.resolve()
        return read(start, end)
      },
      async *stream(start, end) {
        for (let at = start; at < end; at += CHUNK) {
          await Promise.resolve()
          yield read(at, Math.min(at + CHUNK, end))
        }
      },
    }
  }

  /** The octets of a body that no request has named yet. */
  staged(body: StagedBody): Uint8Array {
    if (body.kind === 'bytes') return body.bytes
    const bytes = this.#big.get(body.id)
    if (bytes === undefined) throw new Error(`Body ${body.id} was never staged, or was abandoned`)
    return bytes
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
