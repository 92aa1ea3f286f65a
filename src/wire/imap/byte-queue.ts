const LF = 10

/** Chunks of bytes in their order, taken without copying and never across two chunks. Holds no memory when empty. */
export class ByteQueue {
  readonly #chunks: Buffer[] = []
  /** Those before are used up. */
  #first = 0
  /** Bytes of the first chunk that are used up. */
  #at = 0
  #size = 0

  /** Bytes not taken yet. */
  get size(): number {
    return this.#size
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    this.#size += chunk.length
  }

  /** At least one byte and at most so many; `undefined` when there are none. */
  take(most: number): Buffer | undefined {
    const chunk = this.#chunks[this.#first]
    if (chunk === undefined) return undefined
    const bytes = chunk.subarray(this.#at, this.#at + most)
    this.#at += bytes.length
    this.#size -= bytes.length
    if (this.#at === chunk.length) this.#next()
    return bytes
  }

  /** Bytes up to and with the next LF (`whole`), or all of the first chunk where it has none. */
  takeLine(): { readonly bytes: Buffer; readonly whole: boolean } | undefined {
    const chunk = this.#chunks[this.#first]
    if (chunk === undefined) return undefined
    const end = chunk.indexOf(LF, this.#at)
    const bytes = this.take(end < 0 ? chunk.length : end + 1 - this.#at)
    return bytes === undefined ? undefined : { bytes, whole: end >= 0 }
  }

  takeAll(): readonly Buffer[] {
    const rest = this.#chunks.slice(this.#first)
    if (rest[0] !== undefined) rest[0] = rest[0].subarray(this.#at)
    this.#chunks.length = 0
    this.#first = 0
    this.#at = 0
    this.#size = 0
    return rest
  }

  #next(): void {
    this.#at = 0
    this.#first += 1
    if (this.#first === this.#chunks.length) this.#chunks.length = 0
    else if (this.#first >= 64 && this.#first * 2 > this.#chunks.length) this.#chunks.splice(0, this.#first)
    else return
    this.#first = 0
  }
}
