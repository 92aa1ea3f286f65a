/** A POP3 connection: lines in, answers out. @module */
import type { Socket } from 'node:net'
import type { Clock } from '#lib/clock.ts'
import { ConnectionGone, PeerConnection } from '#lib/peer-connection.ts'
import { PEER_ENDED } from '#lib/peer-endings.ts'
import type { ContextSource } from '#lib/tls-handshake.ts'
import { type LineEvent, LineFramer } from '#wire/pop3/line-framer.ts'
import { FLUSH_BYTES, JOINED_BYTES, READ_AHEAD_BYTES, ROOM_BYTES, SPARE_ROOMS } from './limits.ts'

const spareRooms: Buffer[] = []

export class Connection extends PeerConnection {
  protected readonly framer: LineFramer = LineFramer.forCommands()
  #interrupted = false
  #pieces: Uint8Array[] = []
  #text = ''
  #gathered = 0
  #room: Buffer | undefined
  #roomUsed = 0

  /** @param onGone Called once, when nothing can be read or written any more. */
  constructor(socket: Socket, clock: Clock, options: { readonly patienceMs: number; readonly onGone: () => void }) {
    super(socket, clock, { ...options, readAheadBytes: READ_AHEAD_BYTES })
  }

  /** How long the peer has neither sent nor read anything; 0 while a command is at work. */
  silentMs(now: number): number {
    return this.waiting === 'nothing' ? 0 : now - this.heardAt
  }

  /** The next line where it is there already, and nobody else has to run first: else ask {@link next}. */
  take(): LineEvent | undefined {
    if (this.gone || this.#interrupted || this.overTime) return undefined
    return this.framer.next()
  }

  /**
   * The next line; flushes before it waits for the peer.
   * @throws {ConnectionGone} when there is nobody any more, or the session was told to end
   */
  async next(): Promise<LineEvent> {
    for (;;) {
      this.needPeer()
      const event = this.#interrupted ? undefined : this.framer.next()
      if (event !== undefined) {
        if (this.overTime) await this.share()
        return event
      }
      const slow = this.flush()
      if (slow !== undefined) {
        // More lines may come meanwhile.
        await slow
        continue
      }
      if (this.ended || this.#interrupted) {
        this.close()
        throw new ConnectionGone(this.ended ? PEER_ENDED : 'The session was told to end')
      }
      await this.input(this.clock.now())
      this.work()
    }
  }

  /** The next line of a SASL exchange, which may be longer. */
  async nextAuthLine(): Promise<LineEvent> {
    this.framer.expectAuthLine()
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
   * Hands what was gathered to the socket.
   * @returns A promise while the peer is slow to read, `undefined` when more may come at once.
   * @throws {ConnectionGone} when there is nobody to read it
   */
  flush(): Promise<void> | undefined {
    this.needPeer()
    if (this.#gathered === 0) return undefined
    const slow = this.send(this.lastWords())
    if (this.#room === undefined) return slow
    // What the system has not taken stays where it is, and nobody else gets that memory.
    if (this.unsent === 0 && spareRooms.length < SPARE_ROOMS) spareRooms.push(this.#room)
    this.#room = undefined
    return slow
  }

  /**
   * Memory for so many octets that the next {@link flush} sends, and that is not looked at after it: one room serves
   * all sessions of a thread, one after the other, and no message leaves a buffer for the collector.
   */
  room(octets: number): Buffer {
    // TLS says later that it has encrypted what it was given
    if (octets > ROOM_BYTES || this.tls !== undefined) return Buffer.allocUnsafeSlow(octets)
    if (this.#room === undefined || this.#roomUsed + octets > ROOM_BYTES) {
      this.#room = spareRooms.pop() ?? Buffer.allocUnsafeSlow(ROOM_BYTES)
      this.#roomUsed = 0
    }
    const start = this.#roomUsed
    this.#roomUsed += octets
    return this.#room.subarray(start, this.#roomUsed)
  }

  /** Ends the session at its next wait for a command, without a word (RFC 1939 §3); at once if it is waiting. */
  interrupt(): void {
    this.#interrupted = true
    if (this.waiting === 'input') this.go()
  }

  /**
   * Sends what is gathered (the answer to STLS) and does the handshake. What the client sent behind STLS is thrown
   * away: it came in the clear, from whomever (RFC 2595 §4).
   * @throws {ConnectionGone} when the handshake fails
   */
  async upgrade(source: ContextSource): Promise<void> {
    this.holdInput()
    await this.flush()
    await this.handshake(source)
  }

  protected override silent(): void {
    this.interrupt()
  }

  protected override lastWords(): readonly Uint8Array[] {
    this.#endText()
    const pieces = this.#pieces
    const gathered = this.#gathered
    this.#pieces = []
    this.#gathered = 0
    // One write of a few KB more costs less than one of many pieces.
    return pieces.length > 1 && gathered <= JOINED_BYTES ? [Buffer.concat(pieces, gathered)] : pieces
  }

  #endText(): void {
    if (this.#text === '') return
    this.#pieces.push(Buffer.from(this.#text, 'latin1'))
    this.#text = ''
  }
}
