/** Where messages are in what an SMTP client says (RFC 5321 §4.1.1.4, RFC 3030 §2). @module */

type Mode = 'lines' | 'data' | { left: number; readonly last: boolean }

const END = '\r\n.\r\n'

/** Is given all bytes, in any pieces, and told of each 354. */
export class MessageEnds {
  #mode: Mode = 'lines'
  #line = ''
  /** The last octets of DATA. */
  #tail = ''

  dataBegins(): void {
    this.#mode = 'data'
    // a dot at once is an end
    this.#tail = '\r\n'
  }

  /** @returns whether octets of a message are among them, and its end. */
  push(chunk: Buffer): { readonly inside: boolean; readonly ended: boolean } {
    let [inside, ended] = [false, false]
    for (let at = 0; at < chunk.length; ) {
      const mode = this.#mode
      if (mode === 'data') {
        inside = true
        const text = this.#tail + chunk.toString('latin1', at)
        const end = text.indexOf(END)
        if (end === -1) {
          this.#tail = text.slice(-END.length + 1)
          break
        }
        at += end + END.length - this.#tail.length
        this.#mode = 'lines'
        ended = true
      } else if (mode === 'lines') {
        const end = chunk.indexOf('\n', at)
        this.#line += chunk.toString('latin1', at, end === -1 ? chunk.length : end)
        at = end === -1 ? chunk.length : end + 1
        if (end === -1) break
        const [, size, last] = /^BDAT (\d+)( LAST)?/i.exec(this.#line) ?? []
        this.#line = ''
        if (Number(size) === 0) ended ||= last !== undefined
        else if (size !== undefined) this.#mode = { left: Number(size), last: last !== undefined }
      } else {
        inside = true
        const taken = Math.min(mode.left, chunk.length - at)
        mode.left -= taken
        at += taken
        if (mode.left > 0) break
        ended ||= mode.last
        this.#mode = 'lines'
      }
    }
    return { inside, ended }
  }
}
