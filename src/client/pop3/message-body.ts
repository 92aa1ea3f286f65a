/** A message on its way in (RFC 1939 §5, RETR and TOP). @module */
import { Buffer } from 'node:buffer'
import { DotUnstuffer } from '#wire/pop3/dot-stuffing.ts'
import type { ProtocolError } from '../errors.ts'
import type { StreamedBody } from '../streamed-body.ts'

/** Where the bytes come from, and who waits for the end of them. */
interface Source {
  /** What was read already. */
  readonly first: Uint8Array
  readonly bareLf: boolean
  readonly limitOctets: number
  read(): Promise<Uint8Array>
  /** Given what came behind the message. */
  end(rest: Uint8Array): void
  fail(what: string): ProtocolError
}

/**
 * The bytes of a message, unstuffed, read as they are asked for: who reads slowly holds the server up. A loop that is
 * left early reads the rest away. Until it was read, nothing else of the connection is.
 */
export class MessageBody implements StreamedBody {
  readonly #source: Source
  readonly #unstuffer: DotUnstuffer
  #pending: Uint8Array
  #octets = 0
  #over = false

  constructor(source: Source) {
    this.#source = source
    this.#pending = source.first
    this.#unstuffer = new DotUnstuffer(source.bareLf)
  }

  /** Octets of the message given so far. */
  get octets(): number {
    return this.#octets
  }

  /** It was read to its end. */
  get complete(): boolean {
    return this.#over
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    try {
      while (!this.#over) {
        const chunk = await this.#next()
        if (chunk.length > 0) yield chunk
      }
    } finally {
      await this.drain()
    }
  }

  /** Reads away what is left. */
  async drain(): Promise<void> {
    while (!this.#over) await this.#next()
  }

  /** All of it in one piece; for small messages and headers. */
  async bytes(): Promise<Buffer> {
    const chunks: Uint8Array[] = []
    for await (const chunk of this) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  async #next(): Promise<Uint8Array> {
    const source = this.#source
    try {
      const chunk = this.#pending.length > 0 ? this.#pending : await source.read()
      this.#pending = EMPTY
      const { body, rest } = this.#unstuffer.push(chunk)
      this.#octets += body.length
      if (this.#octets > source.limitOctets)
        throw source.fail(`sent a message of more than ${source.limitOctets} octets`)
      if (rest !== undefined) {
        this.#over = true
        source.end(rest)
      }
      return body
    } catch (error) {
      // the connection is gone: nobody waits for its next response in vain
      if (!this.#over) {
        this.#over = true
        source.end(EMPTY)
      }
      throw error
    }
  }
}

const EMPTY = new Uint8Array()
