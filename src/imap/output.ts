import { ResponseWriter } from '#wire/imap/response-writer.ts'
import { type Language, translate } from './language.ts'

/** Written bytes above which a command in a loop should {@link Output.flush}. */
const FLUSH_BYTES = 65_536

/**
 * Memory that the system has copied all of, for whoever writes next: a page that is touched for the first time costs more
 * than what is written there.
 */
const spare: Buffer[] = []
const MOST_SPARE = 4

/** Takes what a session says; `undefined` means that more may come at once. */
export type Sink = (chunks: readonly Uint8Array[]) => Promise<void> | undefined

/**
 * What a session says: the writer, and the way to the socket. Nothing goes out before {@link flush}, so that a batch of
 * commands is answered in one write; the session flushes when it waits for the client.
 */
export class Output extends ResponseWriter {
  /** Of what {@link line} says. */
  language: Language = 'i-default'
  readonly #sink: Sink
  readonly #unsent: () => number
  /** Memory that what was written since the last flush may be in. */
  #slabs: Buffer[] = []
  #lastByte: number | undefined
  #taken = 0

  /** @param unsent Octets that the sink was given and the system has not taken. */
  constructor(sink: Sink, unsent: () => number = () => Number.POSITIVE_INFINITY) {
    super()
    this.#sink = sink
    this.#unsent = unsent
  }

  /** Whether the system has taken everything that was written: the memory it was in may be used again. */
  get allOut(): boolean {
    return this.size === 0 && this.#unsent() === 0
  }

  /** Whether enough was written that a loop should flush: `if (out.due) await out.flush()`. */
  get due(): boolean {
    return this.size >= FLUSH_BYTES
  }

  /**
   * Hands over what was written and waits while the client is slow to read.
   * @throws {ConnectionGone} when there is nobody to read it; let it pass.
   */
  async flush(): Promise<void> {
    if (this.size === 0) return
    await this.#sink(this.take())
    if (this.#slabs.length === 0) return
    if (this.allOut) for (const slab of this.#slabs) if (spare.length < MOST_SPARE) spare.push(slab)
    this.#slabs = []
  }

  protected override slab(bytes: number): Buffer {
    const slab = spare.pop() ?? super.slab(bytes)
    this.#slabs.push(slab)
    return slab
  }

  /** The rest of the line, for people, in their language. */
  override line(text: string): this {
    return super.line(translate(text, this.language))
  }

  override take(): Uint8Array[] {
    const chunks = super.take()
    const last = chunks.at(-1)
    if (last !== undefined) this.#lastByte = last.at(-1)
    for (const chunk of chunks) this.#taken += chunk.length
    return chunks
  }

  /** Octets written since the beginning. */
  get written(): number {
    return this.#taken + this.size
  }

  /** Whether the last response was not written to its end. Moves what was written into buffers: for emergencies. */
  get midLine(): boolean {
    for (const chunk of this.take()) this.raw(chunk)
    return this.#lastByte !== undefined && this.#lastByte !== 10
  }
}
