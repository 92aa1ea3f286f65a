/** The relaxed form of a body (RFC 6376 §3.4.4), hashed as it comes. @module */
import { createHash } from 'node:crypto'

const CR = 13
const LF = 10
const SPACE = 32
const TAB = 9
const OUT_OCTETS = 65_536

/**
 * SHA-256 of a body in its relaxed form: white space within lines is one space, at their ends it goes, and so do empty
 * lines at the end. Whatever the lines are like, it takes time by the octet and memory once (mailauth's own joins the
 * pieces of a long line again and again: 35 s for one of 25 MB).
 */
export class RelaxedBodyHash {
  readonly #hash = createHash('sha256')
  readonly #out = Buffer.allocUnsafe(OUT_OCTETS)
  #used = 0
  /** Ends of lines that nothing followed yet. */
  #lines = 0
  /** White space that nothing followed yet on its line. */
  #space = false
  /** A CR whose LF may come. */
  #cr = false
  #some = false

  update(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at += 1) {
      const octet = chunk[at] ?? 0
      if (this.#cr) {
        this.#cr = false
        if (octet === LF) {
          this.#space = false
          this.#lines += 1
          continue
        }
        this.#content(CR)
      }
      if (octet === CR) this.#cr = true
      else if (octet === SPACE || octet === TAB) this.#space = true
      else if (this.#space || this.#lines > 0) this.#content(octet)
      else at = this.#run(chunk, at)
    }
  }

  /** Base64, as `bh=` has it. Ends it. */
  digest(): string {
    if (this.#cr) this.#content(CR)
    // "If the body is non-empty but does not end with a CRLF, a CRLF is added."
    if (this.#some) this.#put(CR, LF)
    this.#flush()
    return this.#hash.digest('base64')
  }

  /** Copies octets that stay as they are. @returns where the last one was. */
  #run(chunk: Uint8Array, from: number): number {
    const end = Math.min(chunk.length, from + OUT_OCTETS - this.#used)
    const out = this.#out
    let used = this.#used
    let at = from
    for (; at < end; at += 1) {
      const octet = chunk[at] ?? 0
      if (octet === CR || octet === SPACE || octet === TAB) break
      out[used] = octet
      used += 1
    }
    this.#used = used
    this.#some = true
    if (used === OUT_OCTETS) this.#flush()
    return at - 1
  }

  #content(octet: number): void {
    for (; this.#lines > 0; this.#lines -= 1) this.#put(CR, LF)
    if (this.#space) this.#put(SPACE)
    this.#space = false
    this.#some = true
    this.#put(octet)
  }

  #put(...octets: readonly number[]): void {
    for (const octet of octets) {
      this.#out[this.#used] = octet
      this.#used += 1
      if (this.#used === OUT_OCTETS) this.#flush()
    }
  }

  #flush(): void {
    this.#hash.update(this.#out.subarray(0, this.#used))
    this.#used = 0
  }
}
