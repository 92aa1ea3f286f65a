import { Buffer } from 'node:buffer'
import { ConnectionError } from '../errors.ts'
import type { StreamedBody } from '../streamed-body.ts'

/** Octets of one body that may wait for its reader before the server is held up. */
const BODY_AHEAD_BYTES = 256 * 1024

/**
 * Bytes of a message: their number, known beforehand, and the bytes as they come. Who does not want them goes on to
 * the next message, or says {@link skip}.
 */
export class FetchedBody implements StreamedBody {
  /** Octets. */
  readonly size: number
  #chunks: Uint8Array[] = []
  #waiting = 0
  #complete = false
  #skipped = false
  #error: unknown
  #wakeReader: (() => void) | undefined
  #wakeWriter: (() => void) | undefined
  readonly #ahead: (waiting: number) => boolean

  /** @param ahead Whether so many octets may wait although nobody reads them. */
  constructor(size: number, ahead: (waiting: number) => boolean = () => false) {
    this.size = size
    this.#ahead = ahead
  }

  /** One that is there already. */
  static of(bytes: Uint8Array): FetchedBody {
    const body = new FetchedBody(bytes.length)
    if (bytes.length > 0) body.#chunks.push(bytes)
    body.#waiting = bytes.length
    body.#complete = true
    return body
  }

  /** Whether all of it has come. */
  get complete(): boolean {
    return this.#complete
  }

  /** Octets that have come and were not read. */
  get waiting(): number {
    return this.#waiting
  }

  /** A second loop goes on where the first stopped. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        this.#waiting -= chunk.length
        this.#goOn()
        yield chunk
        continue
      }
      if (this.#complete) return
      if (this.#error !== undefined) throw this.#error
      if (this.#skipped)
        throw new ConnectionError('aborted', 'The body was skipped: read it before the next message is asked for')
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve
      })
    }
  }

  /** What is left of it in one piece; only for bodies whose size is bearable. */
  async bytes(): Promise<Buffer> {
    const chunks: Uint8Array[] = []
    for await (const chunk of this) chunks.push(chunk)
    return chunks.length === 1 && Buffer.isBuffer(chunks[0]) ? chunks[0] : Buffer.concat(chunks)
  }

  /** Drops what is left of it. */
  skip(): void {
    if (this.#skipped) return
    this.#skipped = true
    this.#chunks = []
    this.#waiting = 0
    this.#wake()
  }

  /** Drops what has not come yet; what is there in full stays. */
  leave(): void {
    if (!this.#complete) this.skip()
  }

  /** Bytes that came; a promise while the reader has enough. */
  push(bytes: Uint8Array, last: boolean): Promise<void> | undefined {
    if (!this.#skipped && bytes.length > 0) {
      this.#chunks.push(bytes)
      this.#waiting += bytes.length
    }
    if (last) this.#complete = true
    this.#wakeOneReader()
    return this.#full(last) ? this.#room() : undefined
  }

  /** Nothing more comes. */
  fail(error: unknown): void {
    if (this.#complete || this.#error !== undefined) return
    this.#error = error
    this.#wake()
  }

  /** Looks again whether more may wait. */
  hurry(): void {
    this.#goOn()
  }

  #full(last: boolean): boolean {
    if (this.#skipped || last) return false
    return this.#waiting > BODY_AHEAD_BYTES && !this.#ahead(this.#waiting)
  }

  async #room(): Promise<void> {
    while (this.#full(false) && this.#error === undefined) {
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve
      })
    }
  }

  #goOn(): void {
    const wake = this.#wakeWriter
    this.#wakeWriter = undefined
    wake?.()
  }

  #wakeOneReader(): void {
    const wake = this.#wakeReader
    this.#wakeReader = undefined
    wake?.()
  }

  #wake(): void {
    this.#wakeOneReader()
    this.#goOn()
  }
}

/** A part and its bytes. */
export interface FetchedPart {
  /** `[1, 2]` for part 1.2. */
  readonly part: readonly number[]
  readonly text: 'HEADER' | 'TEXT' | 'MIME' | undefined
  /** Without its transfer encoding. */
  readonly decoded: boolean
  /** `undefined`: there is no such part. */
  readonly body: FetchedBody | undefined
}

/** Parts in the order in which they come. */
export class FetchedParts implements AsyncIterable<FetchedPart> {
  readonly #parts: FetchedPart[] = []
  #next = 0
  #complete = false
  #error: unknown
  #wake: (() => void) | undefined

  add(part: FetchedPart): void {
    this.#parts.push(part)
    this.#goOn()
  }

  end(): void {
    this.#complete = true
    this.#goOn()
  }

  fail(error: unknown): void {
    this.#error ??= error
    this.#goOn()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FetchedPart, void, void> {
    for (;;) {
      const part = this.#parts[this.#next]
      if (part !== undefined) {
        this.#next += 1
        yield part
        part.body?.leave()
      } else if (this.#complete) return
      else if (this.#error !== undefined) throw this.#error
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
    }
  }

  #goOn(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
