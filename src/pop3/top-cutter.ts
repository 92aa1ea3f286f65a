const LF = 10
const CR = 13

/**
 * Cuts a message for TOP (RFC 1939 §7): the header, the blank line behind it, and so many lines of the body. A line
 * ends in CRLF or in a bare LF.
 */
export class TopCutter {
  #linesLeft: number
  #inHeader = true
  /** Octets of the line at hand, its end not counted. */
  #lineOctets = 0
  #lineStartsWithCr = false
  #done = false

  constructor(lines: number) {
    this.#linesLeft = lines
  }

  /** Whether everything asked for has been given. */
  get done(): boolean {
    return this.#done
  }

  /** What of the chunk belongs to the answer; not copied. */
  push(chunk: Uint8Array): Uint8Array {
    for (let at = 0; at < chunk.length; at += 1) {
      const octet = chunk[at]
      if (octet !== LF) {
        if (this.#lineOctets === 0) this.#lineStartsWithCr = octet === CR
        this.#lineOctets += 1
        continue
      }
      if (this.#endsHere()) {
        this.#done = true
        return chunk.subarray(0, at + 1)
      }
    }
    return chunk
  }

  #endsHere(): boolean {
    const blank = this.#lineOctets === 0 || (this.#lineOctets === 1 && this.#lineStartsWithCr)
    this.#lineOctets = 0
    if (!this.#inHeader) this.#linesLeft -= 1
    else if (blank) this.#inHeader = false
    return !this.#inHeader && this.#linesLeft === 0
  }
}
