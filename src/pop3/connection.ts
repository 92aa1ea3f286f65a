/** A connection: bytes in to lines, answers out, back pressure both ways, deadlines without timers of their own. @module */
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import type { Clock } from '#lib/clock.ts'
import { type ContextSource, serverHandshake } from '#lib/tls-handshake.ts'
import { type LineEvent, LineFramer } from '#wire/pop3/line-framer.ts'
import {
  CLOSING_MS,
  FLUSH_BYTES,
  HANDSHAKE_MS,
  READ_AHEAD_BYTES,
  SLICE_MS,
  SLOW_READER_MS,
  WRITE_AHEAD_BYTES,
} from './limits.ts'

/** The peer is gone, or the session was told to end: nothing more is answered. */
export class ConnectionGone extends Error {
  override readonly name = 'ConnectionGone'
}

/** What the connection waits for; only then may it be ended from outside. */
type Waiting = 'nothing' | 'input' | 'reader' | 'close'

export class Connection {
  /** How long the peer may be silent while we wait for a command; the session sets it. */
  patienceMs: number

  #socket: Socket
  readonly #clock: Clock
  readonly #framer = LineFramer.forCommands()
  readonly #onGone: () => void
  #waiting: Waiting = 'nothing'
  #deadline = Number.POSITIVE_INFINITY
  #proceed: (() => void) | undefined
  #interrupted = false
  /** The peer sends no more (a half-closed socket): what it sent is still answered. */
  #ended = false
  #gone = false
  /** When the peer last sent something, or took what was waiting for it. */
  #lastActivity: number
  #sliceStart = 0
  #pieces: Uint8Array[] = []
  #text = ''
  #gathered = 0
  #received = 0
  #sent = 0

  /** @param onGone Called once, when nothing can be read or written any more. */
  constructor(socket: Socket, clock: Clock, options: { readonly patienceMs: number; readonly onGone: () => void }) {
    this.#socket = socket
    this.#clock = clock
    this.#onGone = options.onGone
    this.patienceMs = options.patienceMs
    this.#lastActivity = clock.now()
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 60_000)
    this.#attach()
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

  /** How long the peer has neither sent nor read anything; 0 while a command is at work. */
  silentMs(now: number): number {
    return this.#waiting === 'nothing' ? 0 : now - this.#lastActivity
  }

  /**
   * The next line; flushes before it waits for the peer.
   * @throws {ConnectionGone} when there is nobody any more, or the session was told to end
   */
  async next(): Promise<LineEvent> {
    for (;;) {
      if (this.#gone) throw new ConnectionGone('The connection is gone')
      const event = this.#interrupted ? undefined : this.#framer.next()
      if (event !== undefined) {
        await this.share()
        return event
      }
      if (this.#gathered > 0) {
        // More lines may come meanwhile.
        await this.flush()
        continue
      }
      if (this.#ended || this.#interrupted) {
        this.close()
        throw new ConnectionGone(this.#ended ? 'The peer has closed its side' : 'The session was told to end')
      }
      await this.#input()
    }
  }

  /** The next line of a SASL exchange, which may be longer. */
  async nextAuthLine(): Promise<LineEvent> {
    this.#framer.expectAuthLine()
    return this.next()
  }

  /** Adds text, one character an octet; nothing goes out before {@link flush}. */
  writeText(text: string): void {
    this.#text += text
    this.#gathered += text.length
  }

  /** Adds bytes, not copied: they must not change. */
  write(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#endText()
    this.#pieces.push(bytes)
    this.#gathered += bytes.length
  }

  /** Whether enough was gathered that a loop should {@link flush}. */
  get due(): boolean {
    return this.#gathered >= FLUSH_BYTES
  }

  /**
   * Hands what was gathered to the socket, and waits while the peer is slow to read.
   * @throws {ConnectionGone} when there is nobody to read it
   */
  async flush(): Promise<void> {
    if (this.#gone) throw new ConnectionGone('The connection is gone')
    if (this.#gathered === 0) return
    this.#hand()
    if (this.#socket.writableLength > WRITE_AHEAD_BYTES) await this.#drained()
  }

  /** Lets other sessions run when this one has much to do in one go. */
  async share(): Promise<void> {
    if (performance.now() - this.#sliceStart < SLICE_MS) return
    await nextTurn()
    this.#sliceStart = performance.now()
  }

  /** Ends the session at its next wait for a command, without a word (RFC 1939 §3); at once if it is waiting. */
  interrupt(): void {
    this.#interrupted = true
    if (this.#waiting === 'input') this.#go()
  }

  /** Looks at the deadline; called for every connection by one timer. */
  tick(now: number): void {
    if (now < this.#deadline) return
    switch (this.#waiting) {
      case 'nothing':
        return
      case 'input':
        return this.interrupt()
      case 'reader':
      case 'close':
        return this.destroy()
    }
  }

  /** Says what is gathered, then closes; the socket is gone a little later at most. */
  close(): void {
    if (this.#gone || this.#waiting === 'close') return
    this.#hand()
    this.#wait('close', CLOSING_MS)
    this.#socket.end()
    // What still comes is dropped: unread bytes would make the system reset the connection and lose our last words.
    this.#socket.resume()
  }

  destroy(): void {
    this.#socket.destroy()
    this.#lose()
  }

  /**
   * Sends what is gathered (the answer to STLS) and does the handshake. What the client sent behind STLS is thrown
   * away: it came in the clear, from whomever (RFC 2595 §4).
   * @throws {ConnectionGone} when the handshake fails
   */
  async upgrade(source: ContextSource): Promise<void> {
    const plain = this.#socket
    plain.off('data', this.#onData)
    plain.off('end', this.#onEnd)
    plain.pause()
    this.#framer.takeRest()
    await this.flush()
    try {
      this.#socket = await serverHandshake(plain, source, HANDSHAKE_MS)
    } catch (cause) {
      this.destroy()
      throw new ConnectionGone('The TLS handshake failed', { cause })
    }
    this.#lastActivity = this.#clock.now()
    this.#attach()
  }

  async #input(): Promise<void> {
    this.#wait('input', this.patienceMs)
    if (this.#socket.isPaused()) this.#socket.resume()
    await new Promise<void>((resolve) => {
      this.#proceed = resolve
    })
    this.#waiting = 'nothing'
    this.#sliceStart = performance.now()
  }

  async #drained(): Promise<void> {
    this.#wait('reader', SLOW_READER_MS)
    this.#socket.once('drain', () => {
      this.#lastActivity = this.#clock.now()
      this.#go()
    })
    await new Promise<void>((resolve) => {
      this.#proceed = resolve
    })
    this.#waiting = 'nothing'
    this.#sliceStart = performance.now()
    if (this.#gone) throw new ConnectionGone('The connection is gone')
  }

  #hand(): void {
    this.#endText()
    const pieces = this.#pieces
    if (pieces.length === 0) return
    this.#pieces = []
    this.#sent += this.#gathered
    this.#gathered = 0
    const socket = this.#socket
    if (pieces.length > 1) socket.cork()
    for (const piece of pieces) socket.write(piece)
    if (pieces.length > 1) socket.uncork()
  }

  #endText(): void {
    if (this.#text === '') return
    this.#pieces.push(Buffer.from(this.#text, 'latin1'))
    this.#text = ''
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
    this.#lastActivity = this.#clock.now()
    this.#framer.push(chunk)
    if (this.#waiting === 'input') this.#go()
    else if (this.#framer.pendingBytes > READ_AHEAD_BYTES) this.#socket.pause()
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
}
