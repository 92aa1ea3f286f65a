/** Builds a command as the client sends it (RFC 9051 §6, RFC 7888). @module */
import { ElementWriter } from './element-writer.ts'
import { LITERAL_MINUS_BYTES } from './limits.ts'

/** Bytes to send; after a chunk with `wait` the client waits for `+` before the next one. */
export interface CommandChunk {
  readonly bytes: Uint8Array
  readonly wait: boolean
}

export interface CommandWriterOptions {
  readonly utf8?: boolean
  /** What the server offers: none, LITERAL- (also in IMAP4rev2) or LITERAL+. */
  readonly literals?: 'none' | 'minus' | 'plus'
}

/** @example new CommandWriter().text('a LOGIN ').astring(user).sp().astring(password).chunks() */
export class CommandWriter extends ElementWriter {
  readonly #literals: 'none' | 'minus' | 'plus'
  readonly #chunks: CommandChunk[] = []
  #text = ''

  constructor(options: CommandWriterOptions = {}) {
    super(options.utf8)
    this.#literals = options.literals ?? 'none'
  }

  text(text: string): this {
    this.#text += text
    return this
  }

  literal(bytes: Uint8Array, binary = false): this {
    this.announce(bytes.length, binary)
    this.#chunks.push({ bytes, wait: false })
    return this
  }

  /** Announces a literal whose bytes the caller sends between these chunks; they are the next to be sent. */
  announce(size: number, binary = false): this {
    const plus = this.#literals === 'plus' || (this.#literals === 'minus' && size <= LITERAL_MINUS_BYTES)
    this.#text += `${binary ? '~' : ''}{${size}${plus ? '+' : ''}}\r\n`
    this.#flush(!plus)
    return this
  }

  /** Ends the command and gives all of it. */
  chunks(): readonly CommandChunk[] {
    this.#text += '\r\n'
    this.#flush(false)
    return this.#chunks
  }

  #flush(wait: boolean): void {
    if (this.#text === '') return
    this.#chunks.push({ bytes: Buffer.from(this.#text, 'latin1'), wait })
    this.#text = ''
  }
}
