/**
 * Bodies of multi-line responses, streaming both ways (RFC 1939 §3). A dot is stuffed at the beginning of a line, and
 * a line begins after CRLF and, so that clients that read bare LFs as line ends stay in step, after a bare LF too.
 * @module
 */

const LF = 10
const CR = 13
const DOT = 46
const NOTHING: Buffer = Buffer.alloc(0)

/** Bytes of one body to what goes on the wire behind the first line. */
export class DotStuffer {
  /** The last two octets, which decide whether a line begins and whether it ended in CRLF. */
  #last = LF
  #lastButOne = CR

  /** Gives the chunk itself, not copied, where nothing has to be stuffed. */
  push(chunk: Uint8Array): Uint8Array {
    const { length } = chunk
    if (length === 0) return chunk
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, length)
    const startsWithDot = this.#last === LF && bytes[0] === DOT
    const stuffed = startsWithDot || bytes.includes('\n.', 0, 'latin1') ? stuff(bytes, startsWithDot) : bytes
    this.#lastButOne = length > 1 ? (bytes[length - 2] ?? 0) : this.#last
    this.#last = bytes[length - 1] ?? 0
    return stuffed
  }

  /** The end of the body: CRLF where the last line had none, and the dot. */
  end(): Uint8Array {
    return this.#last === LF && this.#lastButOne === CR ? END : CRLF_END
  }
}

const END: Buffer = Buffer.from('.\r\n')
const CRLF_END: Buffer = Buffer.from('\r\n.\r\n')

function stuff(bytes: Buffer, startsWithDot: boolean): Buffer {
  let dots = startsWithDot ? 1 : 0
  for (let at = 1; at < bytes.length; at += 1) if (bytes[at] === DOT && bytes[at - 1] === LF) dots += 1
  const out = Buffer.allocUnsafe(bytes.length + dots)
  let to = 0
  let lineBegins = startsWithDot
  for (const octet of bytes) {
    if (lineBegins && octet === DOT) out[to++] = DOT
    out[to++] = octet
    lineBegins = octet === LF
  }
  return out
}

/** What {@link DotUnstuffer.push} found. */
export interface Unstuffed {
  /** Bytes of the body; may be empty. */
  readonly body: Uint8Array
  /** `undefined` while the body goes on; afterwards what came behind its end. */
  readonly rest: Uint8Array | undefined
}

/** Where the bytes read so far leave off: inside a line, at its beginning, behind a dot there, behind a dot and CR. */
type Place = 'line' | 'begin' | 'dot' | 'dot-cr'

/** Bytes from the wire, behind the first line, to the body and what comes after it. */
export class DotUnstuffer {
  readonly #bareLf: boolean
  #place: Place = 'begin'

  /** @param bareLf The first line ended in LF alone, so that a dot and LF end the body as well (quirk `bare-lf`). */
  constructor(bareLf = false) {
    this.#bareLf = bareLf
  }

  /** Not to be called again after it gave a `rest`. */
  push(chunk: Uint8Array): Unstuffed {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    // What is neither stuffed nor an end goes through as it is.
    if (this.#place === 'line' && !bytes.includes('\n.', 0, 'latin1') && bytes[bytes.length - 1] !== LF) {
      return { body: bytes, rest: undefined }
    }
    // A dot and a CR held back may come in front.
    const out = Buffer.allocUnsafe(bytes.length + 2)
    let to = 0
    let place = this.#place
    for (let at = 0; at < bytes.length; at += 1) {
      const octet = bytes[at] ?? 0
      if (place === 'begin' && octet === DOT) {
        place = 'dot'
        continue
      }
      if (place === 'dot' && octet === CR) {
        place = 'dot-cr'
        continue
      }
      if (octet === LF && (place === 'dot-cr' || (place === 'dot' && this.#bareLf))) {
        this.#place = 'begin'
        return { body: out.subarray(0, to), rest: bytes.subarray(at + 1) }
      }
      // A dot before anything but a second dot was not stuffed. RFC 1939 §3 would drop it all the same; kept, the body
      // of a server that does not stuff, or not after bare LFs, comes through whole.
      if (place === 'dot' && octet !== DOT) out[to++] = DOT
      if (place === 'dot-cr') {
        out[to++] = DOT
        out[to++] = CR
      }
      out[to++] = octet
      place = octet === LF ? 'begin' : 'line'
    }
    this.#place = place
    return { body: to === 0 ? NOTHING : out.subarray(0, to), rest: undefined }
  }
}
