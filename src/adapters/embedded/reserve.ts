/** A file that holds space for flags and expunges on a full disk. @module */
import fs from 'node:fs'
import path from 'node:path'

const CHUNK = 1_048_576

/** Filled while there is space, removed when there is none. */
export class Reserve {
  readonly #path: string
  readonly #bytes: number
  #filled = false

  constructor(file: string, bytes: number) {
    this.#path = file
    this.#bytes = bytes
  }

  /** Gives the space to whoever writes next. */
  release(): void {
    this.#filled = false
    fs.rmSync(this.#path, { force: true })
  }

  /** Whether the reserve is there, or could be made with as much again to spare. */
  fill(): boolean {
    if (this.#filled) return true
    try {
      if ((fs.statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0) < this.#bytes) {
        const { bavail, bsize } = fs.statfsSync(path.dirname(this.#path))
        if (bavail * bsize < this.#bytes * 2) return false
        this.#write()
      }
      this.#filled = true
      return true
    } catch {
      fs.rmSync(this.#path, { force: true })
      return false
    }
  }

  #write(): void {
    const fd = fs.openSync(this.#path, 'w', 0o600)
    try {
      // Ones, because some file systems store zeros as holes.
      const chunk = Buffer.alloc(CHUNK, 0xff)
      for (let at = 0; at < this.#bytes; at += CHUNK) fs.writeSync(fd, chunk, 0, Math.min(CHUNK, this.#bytes - at))
    } finally {
      fs.closeSync(fd)
    }
  }
}
