/**
 * DEFLATE between socket and session, on either end (RFC 4978). Every batch that is written ends with a sync flush. Input comes out in
 * small pieces at the pace of the session, however much a few bytes become. Who idles holds neither of zlib's states (300 KB
 * together): a deflater may begin anew after any flush, an inflater needs only what came last as its dictionary. A thread
 * keeps these states for the few who used theirs last, so that what thousands needed for a moment is not kept by malloc.
 * @module
 */
import {
  constants,
  createDeflateRaw,
  createInflateRaw,
  type DeflateRaw,
  type InflateRaw,
  type ZlibOptions,
} from 'node:zlib'
import {
  COMPRESSION_REST_MS,
  COMPRESSION_STATES,
  INFLATE_STEP_BYTES,
  UNCOMPRESSED_BEHIND_BYTES,
} from './peer-limits.ts'

/** How far back DEFLATE refers (RFC 1951 §2). */
const WINDOW_BYTES = 32_768
/** The end of a sync flush: an empty stored block (RFC 1951 §3.2.4). */
const FLUSH_MARK = 0x00_00_ff_ff

/** Those of this thread that hold states of zlib, who used them last at the end. */
const holders = new Set<Compression>()
/** How many are asked at a time to let go; some are at work. */
const ASKED = 4

/** Where inflated input goes. */
export interface InflatedInput {
  /** Some bytes; call {@link Compression.pause} when they are enough. */
  take(bytes: Uint8Array): void
  /** More may be pushed again. */
  drain(): void
  /** All of the input was taken. */
  end(): void
  /** What came is not DEFLATE. */
  fail(): void
  /** Whether the session is between commands; without it, {@link Compression.rest} alone lets go of memory. */
  readonly waits?: () => boolean
}

/** See the module. */
export class Compression {
  readonly #input: InflatedInput
  /** Batches at work. */
  #deflating = 0
  #deflater: DeflateRaw | undefined
  #deflated: Uint8Array[] = []
  #inflater: InflateRaw | undefined
  /** Pushed into this inflater. */
  #pushed = 0
  #full = false
  #paused = false
  #ending = false
  #closed = false
  /** The last four bytes of the input. */
  #mark = 0
  /** The last inflated bytes, {@link WINDOW_BYTES} at least where there were so many. */
  #window: Uint8Array[] = []
  #windowBytes = 0
  /** Input behind the final block: it is in the clear. */
  readonly #behind: Uint8Array[] = []
  #behindBytes = 0
  #usedAt = 0

  constructor(input: InflatedInput) {
    this.#input = input
  }

  /** Whether {@link InflatedInput.drain} must be awaited before the next push. */
  get full(): boolean {
    return this.#full
  }

  /** Whether states of zlib are held for it. */
  get holds(): boolean {
    return this.#deflater !== undefined || this.#inflater !== undefined
  }

  /** Takes input as it came. */
  push(chunk: Uint8Array, now: number): void {
    if (this.#closed) return
    this.#use(now)
    for (const byte of chunk.subarray(-4)) this.#mark = ((this.#mark << 8) | byte) >>> 0
    this.#inflater ??= this.#openInflater()
    const inflater = this.#inflater
    this.#pushed += chunk.length
    const end = this.#pushed
    this.#full = !inflater.write(chunk, () => {
      const unused = end - inflater.bytesWritten
      if (unused > 0) this.#keepBehind(chunk.subarray(-Math.min(unused, chunk.length)))
    })
  }

  /** No more input comes. */
  end(): void {
    this.#ending = true
    // The final block may have ended the inflater before: it says so once.
    if (this.#inflater === undefined || this.#inflater.readableEnded) this.#input.end()
    else this.#inflater.end()
  }

  pause(): void {
    this.#paused = true
    this.#inflater?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#inflater?.resume()
  }

  /** Deflates one batch, so that the peer can read it to its end. */
  deflate(chunks: readonly Uint8Array[], now: number): Promise<readonly Uint8Array[]> {
    this.#use(now)
    this.#deflater ??= this.#openDeflater()
    this.#deflating += 1
    const batch = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
    return new Promise((resolve) => {
      this.#deflater?.write(batch, () => {
        const deflated = this.#deflated
        this.#deflated = []
        this.#deflating -= 1
        resolve(deflated)
      })
    })
  }

  /** Lets go of zlib's memory where nothing has passed for a while; the session is between commands. */
  rest(now: number): void {
    if (now - this.#usedAt >= COMPRESSION_REST_MS) this.#letGo()
  }

  /** Ends it; gives what came behind the final block of the input. */
  close(): Uint8Array {
    this.#closed = true
    holders.delete(this)
    this.#deflater?.close()
    this.#deflater = undefined
    this.#closeInflater()
    this.#window = []
    return Buffer.concat(this.#behind)
  }

  /** Whoever used zlib longest ago makes room. */
  #use(now: number): void {
    this.#usedAt = now
    if (this.#closed || this.#input.waits === undefined) return
    holders.delete(this)
    for (let asked = 0; asked < ASKED && holders.size >= COMPRESSION_STATES; asked += 1) {
      const [oldest] = holders
      if (oldest === undefined) break
      holders.delete(oldest)
      if (oldest.#input.waits?.() === true) oldest.#letGo()
      if (oldest.holds) holders.add(oldest)
    }
    holders.add(this)
  }

  #letGo(): void {
    if (this.#deflating === 0) {
      this.#deflater?.close()
      this.#deflater = undefined
    }
    this.#letGoOfInflater()
    if (!this.holds) holders.delete(this)
  }

  /** Only where the input has come to the end of a block, and all of it was taken. */
  #letGoOfInflater(): void {
    const inflater = this.#inflater
    if (inflater === undefined || this.#mark !== FLUSH_MARK || this.#ending || this.#behind.length > 0) return
    if (inflater.bytesWritten !== this.#pushed || inflater.readableLength > 0) return
    this.#closeInflater()
    const window = Uint8Array.from(Buffer.concat(this.#window).subarray(-WINDOW_BYTES))
    this.#window = [window]
    this.#windowBytes = window.length
  }

  #openDeflater(): DeflateRaw {
    const deflater = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH, level: constants.Z_BEST_SPEED })
    deflater.on('data', (bytes: Uint8Array) => this.#deflated.push(bytes))
    // Nothing can be wrong with what we write; an end in the middle is the connection's.
    deflater.on('error', () => undefined)
    return deflater
  }

  #openInflater(): InflateRaw {
    const dictionary = Buffer.concat(this.#window).subarray(-WINDOW_BYTES)
    const options: ZlibOptions = { chunkSize: INFLATE_STEP_BYTES, finishFlush: constants.Z_SYNC_FLUSH }
    const inflater = createInflateRaw(dictionary.length > 0 ? { ...options, dictionary } : options)
    inflater.on('data', (bytes: Uint8Array) => {
      this.#remember(bytes)
      this.#input.take(bytes)
    })
    inflater.on('drain', () => {
      this.#full = false
      this.#input.drain()
    })
    inflater.on('end', () => {
      if (this.#ending) this.#input.end()
    })
    inflater.on('error', () => {
      if (!this.#closed) this.#input.fail()
    })
    if (this.#paused) inflater.pause()
    return inflater
  }

  #keepBehind(bytes: Uint8Array): void {
    this.#behindBytes += bytes.length
    if (this.#behindBytes <= UNCOMPRESSED_BEHIND_BYTES) this.#behind.push(bytes)
    else if (!this.#closed) {
      this.#behind.length = 0
      this.#input.fail()
    }
  }

  #closeInflater(): void {
    this.#inflater?.close()
    this.#inflater = undefined
    this.#pushed = 0
    this.#full = false
  }

  #remember(bytes: Uint8Array): void {
    this.#window.push(bytes)
    this.#windowBytes += bytes.length
    for (;;) {
      const oldest = this.#window[0]
      if (oldest === undefined || this.#windowBytes - oldest.length < WINDOW_BYTES) return
      this.#window.shift()
      this.#windowBytes -= oldest.length
    }
  }
}
