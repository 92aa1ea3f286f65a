/** A message on its way into a file of this machine: LF where all its line ends are CRLF, else as it is (design §7). @module */
import type { FileHandle } from 'node:fs/promises'

const LF = 10
const CR = 13
const BUFFER_OCTETS = 256 * 1024

/** Writes one message. Until a line end that is no CRLF comes, every LF in the file was a CRLF: it can be undone. */
export class NativeLineWriter {
  readonly #handle: FileHandle
  readonly #start: number
  #buffer: Buffer[] = []
  #buffered = 0
  #at: number
  #mixed = false
  /** A CR at the end of a chunk, whose LF may come. */
  #cr = false
  #octets = 0

  /** @param start Where in the file the message begins. */
  constructor(handle: FileHandle, start = 0) {
    this.#handle = handle
    this.#start = start
    this.#at = start
  }

  /** Octets taken in, before any change. */
  get octets(): number {
    return this.#octets
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#octets += chunk.length
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    if (!this.#mixed) {
      const native = this.#native(bytes)
      if (native !== undefined) return this.#put(native)
      await this.#undo()
    }
    await this.#put(Buffer.from(bytes))
  }

  /** Writes what is left. @returns Where the message ends in the file. */
  async finish(): Promise<number> {
    if (this.#cr) {
      this.#cr = false
      await this.#undo()
      await this.#put(Buffer.from('\r'))
    }
    await this.#flush()
    return this.#at
  }

  /** The chunk with LF for CRLF; `undefined` when another line end is in it. Fresh memory: the chunk may change. */
  #native(bytes: Buffer): Buffer | undefined {
    const out = Buffer.allocUnsafe(bytes.length + 1)
    let to = 0
    let from = 0
    if (this.#cr) {
      if (bytes[0] !== LF) return undefined
      out[to++] = LF
      from = 1
    }
    let cr = false
    while (from < bytes.length) {
      const next = bytes.indexOf(CR, from)
      const end = next < 0 ? bytes.length : next
      const bare = bytes.indexOf(LF, from)
      if (bare >= 0 && bare < end) return undefined
      to += bytes.copy(out, to, from, end)
      if (next < 0) break
      if (next + 1 === bytes.length) {
        cr = true
        break
      }
      if (bytes[next + 1] !== LF) return undefined
      out[to++] = LF
      from = next + 2
    }
    this.#cr = cr
    return out.subarray(0, to)
  }

  /** Gives every LF written so far its CR back. */
  async #undo(): Promise<void> {
    await this.#flush()
    const written = this.#at - this.#start
    this.#mixed = true
    // from the end to the beginning, so that nothing is overwritten before it was read
    let lines = 0
    const piece = Buffer.allocUnsafe(BUFFER_OCTETS)
    for (let at = 0; at < written; at += piece.length) {
      const { bytesRead } = await this.#handle.read(piece, 0, Math.min(piece.length, written - at), this.#start + at)
      for (let i = 0; i < bytesRead; i += 1) if (piece[i] === LF) lines += 1
    }
    let to = this.#at + lines
    this.#at = to
    for (let end = written; end > 0; end -= piece.length) {
      const begin = Math.max(0, end - piece.length)
      await this.#handle.read(piece, 0, end - begin, this.#start + begin)
      const wide = withCrlf(piece.subarray(0, end - begin))
      to -= wide.length
      await this.#handle.write(wide, 0, wide.length, to)
    }
    if (this.#cr) {
      this.#cr = false
      await this.#put(Buffer.from('\r'))
    }
  }

  async #put(bytes: Buffer): Promise<void> {
    this.#buffer.push(bytes)
    this.#buffered += bytes.length
    if (this.#buffered >= BUFFER_OCTETS) await this.#flush()
  }

  async #flush(): Promise<void> {
    if (this.#buffered === 0) return
    const all = this.#buffer.length === 1 ? (this.#buffer[0] ?? EMPTY) : Buffer.concat(this.#buffer)
    this.#buffer = []
    this.#buffered = 0
    for (let done = 0; done < all.length; ) {
      const { bytesWritten } = await this.#handle.write(all, done, all.length - done, this.#at)
      done += bytesWritten
      this.#at += bytesWritten
    }
  }
}

const EMPTY = Buffer.alloc(0)

function withCrlf(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length * 2)
  let to = 0
  for (const octet of bytes) {
    if (octet === LF) out[to++] = CR
    out[to++] = octet
  }
  return out.subarray(0, to)
}
