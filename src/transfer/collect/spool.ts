/** One message between its source and a target that takes it in one go: small in memory, large in a file. @module */

import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'

const MEMORY_OCTETS = 1024 * 1024

/** See the module. To be disposed of. */
export class Spooled implements AsyncDisposable {
  readonly octets: number
  /** The header and what comes behind it, as much as was kept in memory. */
  readonly beginning: Buffer
  /** NUL is in it, which IMAP takes in another form. */
  readonly hasNul: boolean
  readonly #file: string | undefined

  private constructor(octets: number, beginning: Buffer, hasNul: boolean, file: string | undefined) {
    this.octets = octets
    this.beginning = beginning
    this.hasNul = hasNul
    this.#file = file
  }

  /** Takes a message in; one that breaks off leaves nothing behind. */
  static async of(body: AsyncIterable<Uint8Array>): Promise<Spooled> {
    const chunks: Buffer[] = []
    let octets = 0
    let hasNul = false
    let file: string | undefined
    let handle: Awaited<ReturnType<typeof open>> | undefined
    try {
      for await (const chunk of body) {
        octets += chunk.length
        hasNul ||= chunk.includes(0)
        if (handle === undefined && octets <= MEMORY_OCTETS) {
          chunks.push(Buffer.from(chunk))
          continue
        }
        if (handle === undefined) {
          file = path.join(tmpdir(), `malle-${randomUUID()}`)
          handle = await open(file, 'wx', 0o600)
          for (const kept of chunks) await handle.writeFile(kept)
        }
        await handle.writeFile(chunk)
      }
      await handle?.close()
    } catch (error) {
      await handle?.close()
      if (file !== undefined) await rm(file, { force: true })
      throw error
    }
    return new Spooled(octets, Buffer.concat(chunks), hasNul, file)
  }

  /** All of it in one piece; `undefined`: it is too large for that. */
  get bytes(): Uint8Array | undefined {
    return this.#file === undefined ? this.beginning : undefined
  }

  /** All of it, from the beginning. */
  stream(): Readable {
    return this.#file === undefined ? Readable.from([this.beginning]) : createReadStream(this.#file)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#file !== undefined) await rm(this.#file, { force: true })
  }
}
