import { ResponseWriter } from '#wire/imap/response-writer.ts'

/** Written bytes above which a command in a loop should {@link Output.flush}. */
export const FLUSH_BYTES = 65_536

/** Takes what a session says; `undefined` means that more may come at once. */
export type Sink = (chunks: readonly Uint8Array[]) => Promise<void> | undefined

/**
 * What a session says: the writer, and the way to the socket. Nothing goes out before {@link flush}, so that a batch of
 * commands is answered in one write; the session flushes when it waits for the client.
 */
export class Output extends ResponseWriter {
  readonly #sink: Sink

  constructor(sink: Sink) {
    super()
    this.#sink = sink
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
  }
}

/** The peer is gone, or the session was told to end: nothing more is answered. */
export class ConnectionGone extends Error {
  override readonly name = 'ConnectionGone'
}
