/** Entries of an mbox as a stream: the line before a message, and its text with `From ` quoted (mboxrd). @module */
import { formatMboxDate } from '#mail/dates.ts'

/** The line that begins an entry. @param date ms since 1970. */
export function mboxSeparator(date: number): Uint8Array {
  return Buffer.from(`From MAILER-DAEMON ${formatMboxDate(date)}\n`, 'latin1')
}

/** A line that begins with any number of `>` and `From ` gets one more `>`. */
export class FromQuoter {
  /** The beginning of a line that may still become one to quote. */
  #held = ''
  #last = '\n'

  /** @param chunk Of a message; how it is cut does not matter. */
  push(chunk: Uint8Array): Uint8Array {
    const text = this.#held + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1')
    const lineBegins = this.#held !== '' || this.#last === '\n'
    const tail = TAIL.exec(text)?.[0] ?? ''
    const atStart = tail.length === text.length
    this.#held = atStart && !lineBegins ? '' : tail
    const ready = text.slice(0, text.length - this.#held.length)
    if (ready === '') return EMPTY
    this.#last = ready.at(-1) ?? ''
    const quoted = lineBegins ? ready.replace(/^(>*From )/, '>$1') : ready
    return Buffer.from(quoted.replace(/\n(>*From )/g, '\n>$1'), 'latin1')
  }

  /** The end of the entry: its last line, and the empty one behind it. */
  end(): Uint8Array {
    const held = this.#held
    if (held !== '') this.#last = held.at(-1) ?? ''
    this.#held = ''
    return Buffer.from(`${held}${this.#last === '\n' ? '\n' : '\n\n'}`, 'latin1')
  }
}

/** The last line, as far as it is there, while it can still become one to quote. */
const TAIL = /(?<=^|\n)>{0,1000}(?:F|Fr|Fro|From)?$/
const EMPTY = new Uint8Array()
