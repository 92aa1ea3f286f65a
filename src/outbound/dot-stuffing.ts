/** A message as DATA carries it (RFC 5321 §4.5.2). @module */

/** A CR or LF that stands alone: what follows it may be a command for another server (RFC 5321 §2.3.8). */
export class BareLineEnd extends Error {}

const CR = 13
const LF = 10
const DOT = 46
const STUFFED = Buffer.from('.')

/** Doubles dots at line starts; refuses CR or LF alone wherever pieces begin and end. */
export class DotStuffer {
  #afterCr = false
  #lineStart = true

  /** @returns what goes out for `chunk`, in pieces of it. @throws {BareLineEnd} */
  push(chunk: Uint8Array): Uint8Array[] {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    if (bytes.length === 0) return []
    const pieces: Uint8Array[] = []
    if (this.#afterCr !== (bytes[0] === LF)) throw new BareLineEnd('A CR or LF stands alone')
    let from = 0
    if (this.#lineStart && bytes[0] === DOT) pieces.push(STUFFED)
    let at = this.#afterCr ? 1 : 0
    if (at === 1 && bytes[1] === DOT) {
      pieces.push(bytes.subarray(0, 1), STUFFED)
      from = 1
    }
    this.#afterCr = false
    this.#lineStart = at === 1 && bytes.length === 1
    for (;;) {
      const lf = bytes.indexOf(LF, at)
      const cr = bytes.indexOf(CR, at)
      if (lf === -1) {
        if (cr !== -1 && cr !== bytes.length - 1) throw new BareLineEnd('A CR stands alone')
        this.#afterCr = cr !== -1
        this.#lineStart = at === bytes.length && at > 0
        break
      }
      if (cr !== lf - 1 || cr < at) throw new BareLineEnd('A CR or LF stands alone')
      at = lf + 1
      if (bytes[at] !== DOT) continue
      pieces.push(bytes.subarray(from, at), STUFFED)
      from = at
    }
    if (from < bytes.length) pieces.push(bytes.subarray(from))
    return pieces
  }

  /** What ends the message: CRLF where its last line has none, and the dot. @throws {BareLineEnd} */
  end(): Uint8Array {
    if (this.#afterCr) throw new BareLineEnd('A CR stands alone')
    return Buffer.from(this.#lineStart ? '.\r\n' : '\r\n.\r\n')
  }
}
