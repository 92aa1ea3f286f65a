/** Line ends of mail on its way in (design §7). @module */

const CR = 13
const LF = 10

/** Makes every line end CRLF: bare LF and bare CR become CRLF, chunk by chunk. */
export class CrlfNormaliser {
  #afterCr = false

  /** The same octets with CRLF line ends; the input itself where nothing had to change. */
  push(chunk: Uint8Array): Uint8Array {
    if (chunk.length === 0) return chunk
    const fixes = this.#countFixes(chunk)
    const startsAfterCr = this.#afterCr
    this.#afterCr = chunk[chunk.length - 1] === CR
    if (fixes === 0) return chunk
    const out = Buffer.allocUnsafe(chunk.length + fixes)
    let at = 0
    let afterCr = startsAfterCr
    for (const byte of chunk) {
      if (byte === LF) {
        if (!afterCr) out[at++] = CR
        out[at++] = LF
        afterCr = false
        continue
      }
      if (afterCr) out[at++] = LF
      out[at++] = byte
      afterCr = byte === CR
    }
    return out.subarray(0, at)
  }

  /** What is owed at the end: a CR that stood last gets its LF. */
  end(): Uint8Array {
    const owed = this.#afterCr ? Uint8Array.of(LF) : new Uint8Array()
    this.#afterCr = false
    return owed
  }

  #countFixes(chunk: Uint8Array): number {
    let fixes = this.#afterCr && chunk[0] !== LF ? 1 : 0
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) {
      const before = at === 0 ? (this.#afterCr ? CR : undefined) : chunk[at - 1]
      if (before !== CR) fixes += 1
    }
    for (let at = chunk.indexOf(CR); at >= 0 && at < chunk.length - 1; at = chunk.indexOf(CR, at + 1)) {
      if (chunk[at + 1] !== LF) fixes += 1
    }
    return fixes
  }
}

/** Notices a bare LF or CR, which port 25 refuses (SMTP smuggling; RFC 5321 §2.3.8). */
export class BareLineEndDetector {
  #afterCr = false
  #found = false

  push(chunk: Uint8Array): void {
    if (this.#found || chunk.length === 0) return
    if (this.#afterCr && chunk[0] !== LF) this.#found = true
    for (let at = chunk.indexOf(LF); at >= 0 && !this.#found; at = chunk.indexOf(LF, at + 1)) {
      if (at === 0 ? !this.#afterCr : chunk[at - 1] !== CR) this.#found = true
    }
    for (let at = chunk.indexOf(CR); at >= 0 && at < chunk.length - 1 && !this.#found; at = chunk.indexOf(CR, at + 1)) {
      if (chunk[at + 1] !== LF) this.#found = true
    }
    this.#afterCr = chunk[chunk.length - 1] === CR
  }

  /** Whether one was found so far. */
  get found(): boolean {
    return this.#found
  }

  /** Says at the end that a CR which stood last had no LF. */
  end(): void {
    if (this.#afterCr) this.#found = true
  }
}
