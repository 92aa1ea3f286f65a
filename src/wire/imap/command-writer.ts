/** Builds a command as the client sends it (RFC 9051 §6, RFC 7888). @module */
import { ElementWriter } from './element-writer.ts'
import { LITERAL_MINUS_BYTES } from './limits.ts'

/** Bytes to send, and what comes between them and the next chunk. */
export interface CommandChunk {
  readonly bytes: Uint8Array
  /** Wait for `+` first. */
  readonly wait: boolean
  /** Then send so many bytes that are not here: a literal that was only announced; mostly 0. */
  readonly follow: number
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
    this.#announce(bytes.length, binary, 0)
    this.#chunks.push({ bytes, wait: false, follow: 0 })
    return this
  }

  /** A literal whose bytes the caller sends itself (`follow`): a message that is streamed. */
  announce(size: number, binary = false): this {
    this.#announce(size, binary, size)
    return this
  }

  #announce(size: number, binary: boolean, follow: number): void {
    const plus = this.#literals === 'plus' || (this.#literals === 'minus' && size <= LITERAL_MINUS_BYTES)
    this.#text += `${binary ? '~' : ''}{${size}${plus ? '+' : ''}}\r\n`
    this.#flush(!plus, follow)
  }

  /** Ends the command and gives all of it. */
  chunks(): readonly CommandChunk[] {
    this.#text += '\r\n'
    this.#flush(false, 0)
    return this.#chunks
  }

  #flush(wait: boolean, follow: number): void {
    if (this.#text === '') return
    this.#chunks.push({ bytes: Buffer.from(this.#text, 'latin1'), wait, follow })
    this.#text = ''
  }
}
