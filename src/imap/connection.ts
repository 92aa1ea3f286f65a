/** A connection: bytes in to events, answers out, back pressure both ways, deadlines without timers of their own. @module */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import type { Clock } from '#lib/clock.ts'
import { type ContextSource, serverHandshake } from '#lib/tls-handshake.ts'
import type { FrameEvent } from '#wire/imap/frame-events.ts'
import { CommandFramer } from '#wire/imap/framer.ts'
import { COMMAND_LIMITS } from '#wire/imap/limits.ts'
import { CLOSING_MS, HANDSHAKE_MS, READ_AHEAD_BYTES, SLICE_MS, SLOW_READER_MS, WRITE_AHEAD_BYTES } from './limits.ts'
import { ConnectionGone, Output } from './output.ts'

/** A socket, or in tests any duplex stream. */
export type Transport = Duplex & Partial<Pick<Socket, 'remoteAddress' | 'remotePort' | 'localPort'>>

/** The session must end although the peer is there: say this, then close. */
export class Farewell extends Error {
  override readonly name = 'Farewell'
}

/** What the connection waits for; only then does its deadline count. */
type Waiting = 'nothing' | 'input' | 'reader' | 'close'

export class Connection {
  framer: CommandFramer
  readonly out: Output
  /** How long the peer may be silent while we wait for it; the session sets it. */
  patienceMs: number
  /** Milliseconds of the clock at which a wakeable wait ends anyway. */
  wakeAt: number = Number.POSITIVE_INFINITY

  #socket: Transport
  readonly #clock: Clock
  readonly #onGone: () => void
  #waiting: Waiting = 'nothing'
  #deadline = Number.POSITIVE_INFINITY
  /** When the peer said something last, or was last answered. */
  #heardAt: number
  #proceed: (() => void) | undefined
  #woken = false
  #wakeable = false
  #farewell: string | undefined
  /** The peer sends no more (a half-closed socket): what it sent is still answered. */
  #ended = false
  #gone = false
  #sliceStart = 0
  #events = 0
  #received = 0
  #sent = 0

  /** @param onGone Called once, when nothing can be read or written any more. */
  constructor(
    socket: Transport,
    clock: Clock,
    options: { readonly patienceMs: number; readonly lineBytes: number; readonly onGone: () => void },
  ) {
    this.#socket = socket
    this.#clock = clock
    this.#onGone = options.onGone
    this.#heardAt = clock.now()
    this.patienceMs = options.patienceMs
    this.framer = new CommandFramer({ ...COMMAND_LIMITS, lineBytes: options.lineBytes })
    this.out = new Output((chunks) => this.#send(chunks))
    if (socket instanceof Socket) {
      socket.setNoDelay(true)
      socket.setKeepAlive(true, 60_000)
    }
    this.#attach()
  }

  get gone(): boolean {
    return this.#gone
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

  /**
   * The next event of the framer; flushes before it waits for the peer.
   * @throws {ConnectionGone} when there is nobody any more
   * @throws {Farewell} when the session was told to end
   */
  async next(): Promise<FrameEvent> {
    for (;;) {
      const event = await this.#next(false)
      if (event !== undefined) return event
    }
  }

  /** Like {@link next}, but `undefined` once {@link wake} was called or `wakeAt` is over. */
  nextOrWake(): Promise<FrameEvent | undefined> {
    return this.#next(true)
  }

  /** Changes how long lines may be; between commands only. What came already is kept. */
  limitLines(lineBytes: number): void {
    const rest = this.framer.takeRest()
    this.framer = new CommandFramer({ ...COMMAND_LIMITS, lineBytes })
    this.framer.push(rest)
  }

  /** Ends a {@link nextOrWake}, now or the next one. */
  wake(): void {
    this.#woken = true
    if (this.#wakeable) this.#go()
  }

  /** Ends the session with BYE at its next wait for the peer, at once if it is waiting. The first text counts. */
  end(farewell: string): void {
    this.#farewell ??= farewell
    if (this.#waiting === 'input') this.#go()
  }

  /** Looks at the deadlines; called for every connection by one timer. */
  tick(now: number): void {
    if (this.#wakeable && now >= this.wakeAt) this.wake()
    if (now < this.#deadline) return
    switch (this.#waiting) {
      case 'nothing':
        return
      case 'input':
        return this.end('Nothing was heard for too long')
      case 'reader':
      case 'close':
        return this.destroy()
    }
  }

  /** Says what is written, then closes; the socket is gone a little later at most. */
  close(): void {
    if (this.#gone) return
    this.#wait('close', CLOSING_MS)
    try {
      const rest = this.out.take()
      this.#socket.cork()
      for (const chunk of rest) this.#socket.write(chunk)
      this.#socket.uncork()
    } finally {
      this.#socket.end()
      // What still comes is dropped: unread bytes would make the system reset the connection and lose our last words.
      this.#socket.resume()
    }
  }

  destroy(): void {
    this.#socket.destroy()
    this.#lose()
  }

  /** Nothing more is read from here on; STARTTLS throws away what came (RFC 9051 §6.2.1). */
  holdInput(): void {
    this.#detach()
    this.#socket.pause()
    this.framer.takeRest()
  }

  /**
   * Does the handshake after {@link holdInput}, once the answer to STARTTLS is out.
   * @throws {ConnectionGone} when it fails
   */
  async upgrade(source: ContextSource): Promise<void> {
    await this.out.flush()
    const plain = this.#socket
    if (!(plain instanceof Socket)) throw new Error('TLS needs a socket')
    try {
      this.#socket = await serverHandshake(plain, source, HANDSHAKE_MS)
    } catch (cause) {
      this.destroy()
      throw new ConnectionGone('The TLS handshake failed', { cause })
    }
    this.#attach()
  }

  async #next(wakeable: boolean): Promise<FrameEvent | undefined> {
    for (;;) {
      if (this.#gone) throw new ConnectionGone('The connection is gone')
      if (this.#farewell !== undefined) throw new Farewell(this.#farewell)
      const event = this.framer.next()
      if (event !== undefined) {
        this.#events += 1
        if (this.#events % 16 === 0) await this.#share()
        return event
      }
      await this.out.flush()
      if (this.#gone) continue
      if (wakeable && this.#woken) {
        this.#woken = false
        return undefined
      }
      if (this.#ended) {
        this.close()
        throw new ConnectionGone('The peer has closed its side')
      }
      if (this.framer.pendingBytes > 0) continue
      await this.#input(wakeable)
      this.#wakeable = false
      this.#waiting = 'nothing'
      this.#sliceStart = performance.now()
    }
  }

  /** Waits for bytes, an end, or a call of {@link wake}; one promise is all that an idle session costs here. */
  #input(wakeable: boolean): Promise<void> {
    this.#wakeable = wakeable
    // An idling client is not heard of just because we spoke to it (RFC 9051 §5.4, RFC 2177 §3).
    if (!wakeable) this.#heardAt = this.#clock.now()
    this.#waiting = 'input'
    this.#deadline = this.#heardAt + this.patienceMs
    if (this.#socket.isPaused()) this.#socket.resume()
    return new Promise((resolve) => {
      this.#proceed = resolve
    })
  }

  /** Lets other sessions run when this one has much to do in one go. */
  async #share(): Promise<void> {
    if (performance.now() - this.#sliceStart < SLICE_MS) return
    await nextTurn()
    this.#sliceStart = performance.now()
  }

  #send(chunks: readonly Uint8Array[]): Promise<void> | undefined {
    if (this.#gone) throw new ConnectionGone('The connection is gone')
    const socket = this.#socket
    socket.cork()
    for (const chunk of chunks) {
      this.#sent += chunk.length
      socket.write(chunk)
    }
    socket.uncork()
    return socket.writableLength > WRITE_AHEAD_BYTES ? this.#drained() : undefined
  }

  async #drained(): Promise<void> {
    this.#wait('reader', SLOW_READER_MS)
    this.#socket.once('drain', () => this.#go())
    await new Promise<void>((resolve) => {
      this.#proceed = resolve
    })
    this.#waiting = 'nothing'
    if (this.#gone) throw new ConnectionGone('The connection is gone')
  }

  #wait(what: Waiting, patienceMs: number): void {
    this.#waiting = what
    this.#deadline = this.#clock.now() + patienceMs
  }

  #go(): void {
    const proceed = this.#proceed
    this.#proceed = undefined
    proceed?.()
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.#waiting === 'close') return
    this.#received += chunk.length
    this.#heardAt = this.#clock.now()
    this.framer.push(chunk)
    if (this.#waiting === 'input') this.#go()
    else if (this.framer.pendingBytes > READ_AHEAD_BYTES) this.#socket.pause()
  }

  readonly #onEnd = (): void => {
    this.#ended = true
    if (this.#waiting === 'input') this.#go()
  }

  readonly #lose = (): void => {
    if (this.#gone) return
    this.#gone = true
    this.#go()
    this.#onGone()
  }

  #attach(): void {
    const socket = this.#socket
    // Commands that came before the peer closed its side are answered (half-closed sockets).
    socket.allowHalfOpen = true
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('error', this.#lose)
    socket.on('close', this.#lose)
  }

  #detach(): void {
    this.#socket.off('data', this.#onData)
    this.#socket.off('end', this.#onEnd)
  }
}
