/** Octets of a file, and what calls change in them. @module */

/** What a call changes in a file. */
export type Change =
  | { readonly position: number; readonly bytes: Buffer }
  /** The file then has this size. */
  | { readonly size: number }

/** Octets that grow in place. */
export class Content {
  #bytes: Buffer
  #size: number

  constructor(bytes: Buffer) {
    this.#bytes = Buffer.from(bytes)
    this.#size = bytes.length
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size)
  }

  copy(): Content {
    return new Content(this.bytes)
  }

  write(position: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.truncate(Math.max(this.#size, position + bytes.length))
    this.#bytes.set(bytes, position)
  }

  truncate(size: number): void {
    if (size > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(size, this.#bytes.length * 2))
      this.bytes.copy(larger)
      this.#bytes = larger
    } else if (size > this.#size) this.#bytes.fill(0, this.#size, size)
    this.#size = size
  }

  apply(change: Change): void {
    if ('size' in change) this.truncate(change.size)
    else this.write(change.position, change.bytes)
  }
}

/** Shared memory of SQLite: made anew by who opens the database first. */
export const isShared = (name: string): boolean => name.endsWith('-shm')
