/** Keeps the first bytes of what is appended, up to a limit; its memory grows with what it holds. */
export class GrowingBuffer {
  #memory: Buffer = Buffer.alloc(0)
  #length = 0
  #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  /** @returns Whether there is room left. */
  append(from: Buffer, start: number, end: number): boolean {
    const size = Math.min(end - start, this.#limit - this.#length)
    if (size <= 0) return this.#length < this.#limit
    const needed = this.#length + size
    if (needed > this.#memory.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#limit, Math.max(needed, this.#memory.length * 2, 1_024)))
      this.#memory.copy(larger, 0, 0, this.#length)
      this.#memory = larger
    }
    from.copy(this.#memory, this.#length, start, start + size)
    this.#length = needed
    return needed < this.#limit
  }

  /** What is held; the next `append` or `reset` may change it. */
  bytes(): Buffer {
    return this.#memory.subarray(0, this.#length)
  }

  /** Empties it. */
  reset(limit: number): void {
    this.#length = 0
    this.#limit = limit
  }
}
