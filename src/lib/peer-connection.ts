/**
 * The server's end of a connection, whatever is spoken on it: back pressure both ways, deadlines without timers of their
 * own, TLS on a running connection, an end that is heard. Protocols add their framer and how they write.
 * @module
 */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import type { Clock } from './clock.ts'
import { PEER_CLOSED } from './peer-endings.ts'
import {
  CLOSING_MS,
  HANDSHAKE_MS,
  KEEP_ALIVE_MS,
  LAST_WORDS_MS,
  SLICE_MS,
  SLOW_READER_MS,
  WRITE_AHEAD_BYTES,
} from './peer-limits.ts'
import { type ContextSource, serverHandshake } from './tls-handshake.ts'
import { queueOf } from './write-queue.ts'

/** A socket, or in tests any duplex stream. */
export type Transport = Duplex & Partial<Pick<Socket, 'remoteAddress' | 'remotePort' | 'localPort'>>

/** The peer is gone, or the session was told to end: nothing more is answered. */
export class ConnectionGone extends Error {
  override readonly name = 'ConnectionGone'
}

/** What turns bytes into events. */
export interface InputFramer {
  push(chunk: Uint8Array): void
  /** Bytes pushed and not yet used. */
  readonly pendingBytes: number
  /** Takes away what was pushed and not used. */
  takeRest(): Uint8Array
}

export interface PeerOptions {
  /** See {@link PeerConnection.patienceMs}. */
  readonly patienceMs: number
  /** Bytes read ahead of the command at work before the peer is held. */
  readonly readAheadBytes: number
  /** Called once, when nothing can be read or written any more. */
  readonly onGone: () => void
}

/** What the connection waits for; only then does its deadline count. */
type Waiting = 'nothing' | 'input' | 'reader' | 'close'

/** See the module. */
export abstract class PeerConnection {
  /** How long the peer may be silent while we wait for it; the session sets it. */
  patienceMs: number
  protected abstract readonly framer: InputFramer
  protected readonly clock: Clock
  /** When the peer said something last, took what was waiting for it, or was answered, as the protocol counts. */
  protected heardAt: number
  /** `performance.now()` when bytes came last. */
  receivedAt = 0

  #socket: Transport
  readonly #readAheadBytes: number
  readonly #onGone: () => void
  #waiting: Waiting = 'nothing'
  #deadline = Number.POSITIVE_INFINITY
  #proceed: (() => void) | undefined
  #ended = false
  #gone = false
  #why = 'The connection is gone'
  #unsent = 0
  /** What the peer has still to take, when it was looked at last; `undefined`: not since this wait began. */
  #queue: string | undefined
  #closingSince = 0
  #sliceStart = 0
  #received = 0
  #sent = 0

  constructor(socket: Transport, clock: Clock, options: PeerOptions) {
    this.#socket = socket
    this.clock = clock
    this.#onGone = options.onGone
    this.#readAheadBytes = options.readAheadBytes
    this.heardAt = clock.now()
    this.patienceMs = options.patienceMs
    if (socket instanceof Socket) {
      socket.setNoDelay(true)
      socket.setKeepAlive(true, KEEP_ALIVE_MS)
    }
    this.#attach()
  }

  get gone(): boolean {
    return this.#gone
  }

  /**
   * How the connection ended, for the log; asked when it is {@link gone}. `unsent`: octets not taken of what was left when
   * it was closed. A session has ended by then, and its last words go out later, or do not.
   */
  get ending(): { readonly why: string; readonly unsent: number } {
    return { why: this.#why, unsent: this.#unsent }
  }

  /** The TLS socket, `undefined` in the clear. */
  get tls(): TLSSocket | undefined {
    return this.#socket instanceof TLSSocket ? this.#socket : undefined
  }

  get received(): number {
    return this.#received
  }

  get sent(): number {
    return this.#sent
  }

  /** Octets handed over that the system has not copied yet; only of a socket is that known. */
  protected get unsent(): number {
    return this.#socket instanceof Socket ? this.#socket.writableLength : Number.POSITIVE_INFINITY
  }

  /** The peer sends no more (a half-closed socket): what it sent is still answered. */
  protected get ended(): boolean {
    return this.#ended
  }

  protected get waiting(): Waiting {
    return this.#waiting
  }

  /** What is written and has not gone out. */
  protected abstract lastWords(): readonly Uint8Array[] | Promise<readonly Uint8Array[]>

  /** The peer was silent for too long. */
  protected abstract silent(): void

  /** Looks at the deadline; called for every connection by one timer. */
  tick(now: number): void {
    switch (this.#waiting) {
      case 'nothing':
        return
      case 'input':
        if (now >= this.#deadline) this.silent()
        return
      case 'reader':
        if (this.#takes()) {
          this.heardAt = now
          this.#deadline = now + SLOW_READER_MS
        }
        if (now >= this.#deadline) this.destroy(`The peer took nothing for ${SLOW_READER_MS / 1_000} seconds`)
        return
      case 'close':
        if (this.#takes() && now < this.#closingSince + LAST_WORDS_MS) this.#deadline = now + CLOSING_MS
        if (now >= this.#deadline) this.destroy('The peer did not close after our last words')
    }
  }

  /** Whether the peer has taken something of what waits for it since the last look: who is slow, but reads, stays. */
  #takes(): boolean {
    const before = this.#queue
    this.#queue = queueOf(this.#socket)
    return before !== undefined && before !== this.#queue
  }

  /** Says what is written, then closes; the socket is gone a little later at most. */
  close(): void {
    if (this.#gone || this.#waiting === 'close') return
    this.#wait('close', CLOSING_MS)
    this.#closingSince = this.clock.now()
    const last = this.lastWords()
    if (last instanceof Promise) {
      last.then(
        (chunks) => this.#finish(chunks),
        () => this.#finish([]),
      )
    } else this.#finish(last)
  }

  /** @param why For the log: whatever ends a connection says so. */
  destroy(why: string): void {
    // before the socket goes, and what it holds
    this.lose(why)
    this.#socket.destroy()
  }

  /** Nothing more is read from here on; what came is thrown away, or given to who knows what it is. */
  holdInput(): Uint8Array {
    this.#socket.off('data', this.#onData)
    this.#socket.off('end', this.#onEnd)
    this.#socket.pause()
    return this.framer.takeRest()
  }

  /** Reads again after {@link holdInput}. */
  protected releaseInput(): void {
    this.#socket.on('data', this.#onData)
    this.#socket.on('end', this.#onEnd)
  }

  /**
   * The handshake after {@link holdInput}, once the answer to STARTTLS or STLS is out.
   * @throws {ConnectionGone} when it fails
   */
  protected async handshake(source: ContextSource): Promise<void> {
    const plain = this.#socket
    if (!(plain instanceof Socket)) throw new Error('TLS needs a socket')
    try {
      this.#socket = await serverHandshake(plain, source, HANDSHAKE_MS)
    } catch (cause) {
      const why = `The TLS handshake failed: ${cause instanceof Error ? cause.message : String(cause)}`
      this.destroy(why)
      throw new ConnectionGone(why, { cause })
    }
    this.heardAt = this.clock.now()
    this.#attach()
  }

  /**
   * Waits for bytes, an end, or {@link go}, and then {@link work}; one promise is all that it costs.
   * @param since From when on the peer's patience is counted.
   */
  protected input(since: number): Promise<void> {
    this.#waiting = 'input'
    this.#deadline = since + this.patienceMs
    this.resumeInput()
    return new Promise((resolve) => {
      this.#proceed = resolve
    })
  }

  /** The wait is over. */
  protected work(): void {
    this.#waiting = 'nothing'
    this.#sliceStart = performance.now()
  }

  /** Ends a wait. */
  protected go(): void {
    const proceed = this.#proceed
    this.#proceed = undefined
    proceed?.()
  }

  /** Whether {@link share} would let others run. */
  protected get overTime(): boolean {
    return performance.now() - this.#sliceStart >= SLICE_MS
  }

  /** Lets other sessions run when this one has much to do in one go. */
  async share(): Promise<void> {
    if (!this.overTime) return
    await nextTurn()
    this.#sliceStart = performance.now()
  }

  /**
   * Hands bytes to the socket; a promise while the peer is slow to read, `undefined` when more may come at once.
   * @throws {ConnectionGone} when there is nobody to read it
   */
  protected send(chunks: readonly Uint8Array[]): Promise<void> | undefined {
    this.needPeer()
    this.#write(chunks)
    return this.#socket.writableLength > WRITE_AHEAD_BYTES ? this.#drained() : undefined
  }

  /** @throws {ConnectionGone} when there is nobody any more */
  protected needPeer(): void {
    if (this.#gone) throw new ConnectionGone(this.#why)
  }

  /** What came from the socket; a protocol may put a layer in between, which calls {@link accept}. */
  protected receive(chunk: Uint8Array): void {
    this.accept(chunk)
  }

  /** Bytes for the framer: whoever waits for them goes on, and a peer far ahead is held. */
  protected accept(chunk: Uint8Array): void {
    if (this.#waiting === 'close') return
    this.framer.push(chunk)
    if (this.#waiting === 'input') this.go()
    else if (this.framer.pendingBytes > this.#readAheadBytes) this.pauseInput()
  }

  /** The peer has closed its side; {@link finishInput} once all it sent was accepted. */
  protected receiveEnd(): void {
    this.finishInput()
  }

  protected finishInput(): void {
    this.#ended = true
    if (this.#waiting === 'input') this.go()
  }

  protected pauseInput(): void {
    this.#socket.pause()
  }

  protected resumeInput(): void {
    if (this.#socket.isPaused()) this.#socket.resume()
  }

  protected lose(why: string): void {
    if (this.#gone) return
    this.#gone = true
    this.#why = why
    if (this.#waiting === 'close') this.#unsent = this.#socket.writableLength
    this.go()
    this.#onGone()
  }

  #write(chunks: readonly Uint8Array[]): void {
    const socket = this.#socket
    if (chunks.length > 1) socket.cork()
    for (const chunk of chunks) {
      this.#sent += chunk.length
      socket.write(chunk)
    }
    if (chunks.length > 1) socket.uncork()
  }

  #finish(chunks: readonly Uint8Array[]): void {
    if (this.#gone) return
    this.#write(chunks)
    this.#socket.end()
    // What still comes is dropped: unread bytes would make the system reset the connection and lose our last words.
    this.#socket.resume()
  }

  async #drained(): Promise<void> {
    this.#wait('reader', SLOW_READER_MS)
    this.#socket.once('drain', () => {
      this.heardAt = this.clock.now()
      this.go()
    })
    await new Promise<void>((resolve) => {
      this.#proceed = resolve
    })
    this.work()
    this.needPeer()
  }

  #wait(what: Waiting, patienceMs: number): void {
    this.#waiting = what
    this.#queue = undefined
    this.#deadline = this.clock.now() + patienceMs
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.#waiting === 'close') return
    this.#received += chunk.length
    this.heardAt = this.clock.now()
    this.receivedAt = performance.now()
    this.receive(chunk)
  }

  readonly #onEnd = (): void => this.receiveEnd()

  readonly #onError = (error: NodeJS.ErrnoException): void =>
    this.lose(`The connection broke: ${error.code ?? error.message}`)

  readonly #onClose = (): void => this.lose(PEER_CLOSED)

  #attach(): void {
    const socket = this.#socket
    // Commands that came before the peer closed its side are answered (half-closed sockets).
    socket.allowHalfOpen = true
    this.releaseInput()
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
  }
}
