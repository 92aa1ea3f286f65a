/** One pass over a message as it arrives (design §7): the MIME tree with offsets, lines, ENVELOPE, beginnings of text. @module */
import { isAscii } from 'node:buffer'
import { bufferOf } from './bytes.ts'
import { MAX_DELIMITER_LINE } from './limits.ts'
import type { ScannedMessage } from './scanned.ts'
import { TreeBuilder } from './tree-builder.ts'

const LF = 10
const CR = 13
const DASH = 45

/** Scans a message in one pass, in chunks cut anywhere; never throws on any bytes. Keeps headers, not bodies. */
export class MessageScanner {
  readonly #tree = new TreeBuilder()
  /** Octets consumed so far: where the next one stands in the message. */
  #position = 0
  #lines = 0
  #atLineStart = true
  /** Octets of the last complete line's end, 0 before there is one. */
  #lineEnd = 0
  #last = 0
  #hasNul = false
  #has8Bit = false
  #allCrlf = true
  /** The beginning of a line that cannot be judged yet: `-`, `--bound`, or a CR in a header. */
  readonly #held = Buffer.allocUnsafe(MAX_DELIMITER_LINE)
  #heldLength = 0

  /** Takes the next bytes; they may be reused afterwards. */
  push(chunk: Uint8Array): void {
    let bytes = bufferOf(chunk)
    this.#hasNul ||= bytes.indexOf(0) >= 0
    this.#has8Bit ||= !isAscii(bytes)
    while (this.#heldLength > 0 && bytes.length > 0) bytes = bytes.subarray(this.#refill(bytes))
    if (bytes.length === 0) return
    const consumed = this.#consume(bytes, false)
    this.#heldLength = bytes.copy(this.#held, 0, consumed)
  }

  /** Adds to the held line up to its end, judges it if that is possible now, and says how much of `bytes` it took. */
  #refill(bytes: Buffer): number {
    const lf = bytes.indexOf(LF)
    const most = Math.min(this.#held.length - this.#heldLength, lf < 0 ? bytes.length : lf + 1)
    bytes.copy(this.#held, this.#heldLength, 0, most)
    this.#heldLength += most
    const held = this.#held.subarray(0, this.#heldLength)
    const consumed = this.#consume(held, held.length === this.#held.length)
    this.#held.copyWithin(0, consumed, this.#heldLength)
    this.#heldLength -= consumed
    return most
  }

  /** Ends the message. The scanner is of no use afterwards. */
  end(): ScannedMessage {
    if (this.#heldLength > 0) this.#consume(this.#held.subarray(0, this.#heldLength), true)
    this.#heldLength = 0
    const { root, header, beginnings } = this.#tree.end(this.#position, this.#lines)
    return {
      size: this.#position,
      lines: this.#lines,
      hasNul: this.#hasNul,
      has8Bit: this.#has8Bit,
      allCrlf: this.#allCrlf,
      header,
      root,
      beginnings,
    }
  }

  /**
   * Scans bytes and says how many it consumed; what is left is the beginning of a line that needs more to be judged.
   * @param final Whether no more can come for it: then all is consumed.
   */
  #consume(bytes: Buffer, final: boolean): number {
    let at = 0
    while (at < bytes.length) {
      const next = this.#tree.inHeader ? this.#header(bytes, at, final) : this.#body(bytes, at, final)
      if (next === undefined) break
      at = next
    }
    return at
  }

  /** Lines of a header up to its end, a delimiter or the end of data; `undefined` when the next line is undecided. */
  #header(bytes: Buffer, from: number, final: boolean): number | undefined {
    let at = from
    while (at < bytes.length) {
      if (this.#atLineStart) {
        const blank = blankLine(bytes, at, final)
        if (blank === undefined) break
        if (blank > 0) {
          const end = this.#advance(bytes, at, at + blank)
          this.#tree.keepHeader(bytes, from, end)
          this.#tree.headerEnds(this.#position, this.#lines)
          return end
        }
        if (bytes[at] === DASH && this.#tree.delimiters.size > 0) {
          const stop = this.#delimiter(bytes, at, final, from)
          if (stop === undefined) break
          if (stop > at) return stop
        }
      }
      const lf = bytes.indexOf(LF, at)
      at = this.#advance(bytes, at, lf < 0 ? bytes.length : lf + 1)
    }
    this.#tree.keepHeader(bytes, from, at)
    return at === from ? undefined : at
  }

  /** Lines of a body up to a delimiter or the end of data; `undefined` when the next line is undecided. */
  #body(bytes: Buffer, from: number, final: boolean): number | undefined {
    const watching = this.#tree.delimiters.size > 0
    let at = from
    let lines = 0
    let crlf = this.#lineEnd !== 1
    let allCrlf = true
    // A line is judged by its first octet, and its end found natively: this loop is the speed of the scanner.
    for (;;) {
      if (watching && bytes[at] === DASH && (at > from || this.#atLineStart)) break
      const lf = bytes.indexOf(LF, at)
      if (lf < 0) break
      crlf = (lf > 0 ? bytes[lf - 1] : this.#last) === CR
      if (!crlf) allCrlf = false
      lines += 1
      at = lf + 1
    }
    if (lines > 0) {
      this.#lines += lines
      this.#position += at - from
      this.#atLineStart = true
      this.#lineEnd = crlf ? 2 : 1
      this.#last = LF
      this.#allCrlf &&= allCrlf
    }
    if (at < bytes.length) {
      if (watching && this.#atLineStart && bytes[at] === DASH) {
        const stop = this.#delimiter(bytes, at, final, from)
        if (stop === undefined) {
          this.#tree.keepBody(bytes, from, at)
          return at === from ? undefined : at
        }
        if (stop > at) return stop
      }
      const lf = bytes.indexOf(LF, at)
      at = this.#advance(bytes, at, lf < 0 ? bytes.length : lf + 1)
    }
    this.#tree.keepBody(bytes, from, at)
    return at
  }

  /**
   * Judges a line that begins with a dash. Where it is a delimiter, tells the tree and consumes it.
   * @param from Octets from here on belong to the part that a delimiter would end.
   * @returns The offset behind the delimiter; `at` when it is none; `undefined` when more is needed to know.
   */
  #delimiter(bytes: Buffer, at: number, final: boolean, from: number): number | undefined {
    if (at + 1 >= bytes.length) return final ? at : undefined
    if (bytes[at + 1] !== DASH) return at
    const lf = bytes.indexOf(LF, at)
    if (lf < 0 && !final && bytes.length - at < MAX_DELIMITER_LINE) return undefined
    const end = lf < 0 ? bytes.length : lf
    if (end - at >= MAX_DELIMITER_LINE) return at
    const found = this.#tree.delimiters.match(bytes, at, end)
    if (found === undefined) return at
    if (this.#tree.inHeader) this.#tree.keepHeader(bytes, from, at)
    else this.#tree.keepBody(bytes, from, at)
    const [start, linesBefore, lineEnd] = [this.#position, this.#lines, this.#lineEnd]
    const next = this.#advance(bytes, at, lf < 0 ? bytes.length : lf + 1)
    this.#tree.delimiter(found, { start, lines: linesBefore, lineEnd }, { start: this.#position, lines: this.#lines })
    return next
  }

  /** Consumes bytes that hold at most one LF, as their last. */
  #advance(bytes: Buffer, from: number, to: number): number {
    if (to <= from) return to
    this.#position += to - from
    const complete = bytes[to - 1] === LF
    if (complete) {
      const crlf = (to - 2 >= from ? bytes[to - 2] : this.#last) === CR
      this.#lines += 1
      this.#lineEnd = crlf ? 2 : 1
      this.#allCrlf &&= crlf
    }
    this.#atLineStart = complete
    this.#last = bytes[to - 1] ?? 0
    return to
  }
}

/** Octets of the blank line that begins here, 0 when the line is not blank, `undefined` when more is needed to know. */
function blankLine(bytes: Buffer, at: number, final: boolean): number | undefined {
  if (bytes[at] === LF) return 1
  if (bytes[at] !== CR) return 0
  if (at + 1 >= bytes.length) return final ? 0 : undefined
  return bytes[at + 1] === LF ? 2 : 0
}

/** Scans a message that is in memory. */
export function scanMessage(bytes: Uint8Array): ScannedMessage {
  const scanner = new MessageScanner()
  scanner.push(bytes)
  return scanner.end()
}
