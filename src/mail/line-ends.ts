/** Line ends of mail on its way in (design §7). @module */
import { bufferOf } from './bytes.ts'

const CR = 13
const LF = 10

/** Makes every line end CRLF: bare LF and bare CR become CRLF, chunk by chunk. */
export class CrlfNormaliser {
  #afterCr = false

  /** The same octets with CRLF line ends; the input itself where nothing had to change. */
  push(chunk: Uint8Array): Uint8Array {
    if (chunk.length === 0) return chunk
    const startsAfterCr = this.#afterCr
    this.#afterCr = chunk[chunk.length - 1] === CR
    if (isAllCrlf(chunk, startsAfterCr)) return chunk
    const fixes = countFixes(chunk, startsAfterCr)
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
}

/** Whether nothing has to change, as is usual: one look at each line, in a string, which is searched twice as fast. */
function isAllCrlf(chunk: Uint8Array, startsAfterCr: boolean): boolean {
  const text = bufferOf(chunk).toString('latin1')
  if (startsAfterCr && text[0] !== '\n') return false
  let at = startsAfterCr ? 1 : 0
  for (;;) {
    const cr = text.indexOf('\r', at)
    const lf = text.indexOf('\n', at)
    if (lf < 0) return cr < 0 || cr === text.length - 1
    if (cr < 0 || cr !== lf - 1) return false
    at = lf + 1
  }
}

function countFixes(chunk: Uint8Array, startsAfterCr: boolean): number {
  let fixes = startsAfterCr && chunk[0] !== LF ? 1 : 0
  for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) {
    const before = at === 0 ? (startsAfterCr ? CR : undefined) : chunk[at - 1]
    if (before !== CR) fixes += 1
  }
  for (let at = chunk.indexOf(CR); at >= 0 && at < chunk.length - 1; at = chunk.indexOf(CR, at + 1)) {
    if (chunk[at + 1] !== LF) fixes += 1
  }
  return fixes
}

/** Notices a bare LF or CR, which port 25 refuses (SMTP smuggling; RFC 5321 §2.3.8). */
export class BareLineEndDetector {
  #afterCr = false
  #found = false

  push(chunk: Uint8Array): void {
    if (this.#found || chunk.length === 0) return
    this.#found = !isAllCrlf(chunk, this.#afterCr)
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
