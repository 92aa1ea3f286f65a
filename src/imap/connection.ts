/** An IMAP connection: bytes in to events, answers out; waits that a change in the mailbox may end. @module */
import type { Clock } from '#lib/clock.ts'
import { Compression } from '#lib/compression.ts'
import { ConnectionGone, PeerConnection, type Transport } from '#lib/peer-connection.ts'
import { PEER_ENDED } from '#lib/peer-endings.ts'
import type { ContextSource } from '#lib/tls-handshake.ts'
import type { FrameEvent } from '#wire/imap/frame-events.ts'
import { CommandFramer } from '#wire/imap/framer.ts'
import { READ_AHEAD_BYTES } from './limits.ts'
import { Output } from './output.ts'

/** The session must end although the peer is there: say this, then close. */
export class Farewell extends Error {
  override readonly name = 'Farewell'
}

export class Connection extends PeerConnection {
  readonly framer: CommandFramer = new CommandFramer()
  readonly out: Output
  /** Milliseconds of the clock at which a wakeable wait ends anyway. */
  wakeAt: number = Number.POSITIVE_INFINITY

  #woken = false
  #wakeable = false
  #farewell: string | undefined
  #events = 0
  /** What {@link ahead} looked at. */
  #ahead: FrameEvent | undefined
  #compression: Compression | undefined

  /** @param onGone Called once, when nothing can be read or written any more. */
  constructor(
    socket: Transport,
    clock: Clock,
    options: { readonly patienceMs: number; readonly lineBytes: number; readonly onGone: () => void },
  ) {
    super(socket, clock, { ...options, readAheadBytes: READ_AHEAD_BYTES })
    this.framer.lineBytes = options.lineBytes
    this.out = new Output(
      (chunks) => this.send(chunks),
      () => this.unsent,
    )
  }

  /**
   * The next event of the framer; flushes before it waits for the peer.
   * @throws {ConnectionGone} when there is nobody any more
   * @throws {Farewell} when the session was told to end
   */
  next(): Promise<FrameEvent> {
    return this.#next(false)
  }

  /** Like {@link next}, but `undefined` once {@link wake} was called or `wakeAt` is over. */
  nextOrWake(): Promise<FrameEvent | undefined> {
    return this.#next(true)
  }

  /**
   * {@link nextOrWake} for who waits long and often: between {@link rest} and this, nothing of the connection is kept but
   * one promise.
   * @returns an event, `woken`, or `undefined` when it is time to {@link rest}.
   */
  look(): FrameEvent | 'woken' | undefined {
    this.#wakeable = false
    this.work()
    this.needPeer()
    if (this.#farewell !== undefined) throw new Farewell(this.#farewell)
    const event = this.#ahead ?? this.framer.next()
    this.#ahead = undefined
    if (event !== undefined) return event
    if (this.#woken) {
      this.#woken = false
      return 'woken'
    }
    if (!this.ended) return undefined
    this.close()
    throw new ConnectionGone(PEER_ENDED)
  }

  /** Waits until {@link look} has something to say; what was written must be flushed. */
  rest(): Promise<void> {
    return this.#input(true)
  }

  /** What {@link next} will give, if it has come. */
  ahead(): FrameEvent | undefined {
    this.#ahead ??= this.framer.next()
    return this.#ahead
  }

  /** Takes what {@link ahead} gave: {@link next} gives what comes behind it. */
  passAhead(): void {
    this.#ahead = undefined
  }

  /** Ends a {@link nextOrWake}, now or the next one. */
  wake(): void {
    this.#woken = true
    if (this.#wakeable) this.go()
  }

  /** Ends the session with BYE at its next wait for the peer, at once if it is waiting. The first text counts. */
  end(farewell: string): void {
    this.#farewell ??= farewell
    if (this.waiting === 'input') this.go()
  }

  override tick(now: number): void {
    if (this.#wakeable && now >= this.wakeAt) this.wake()
    if (this.#betweenCommands) this.#compression?.rest(now)
    super.tick(now)
  }

  get #betweenCommands(): boolean {
    return this.waiting === 'input' && !this.framer.midCommand
  }

  /** The peer is waited for: its next bytes, or that it reads ours. */
  get waits(): boolean {
    return this.waiting !== 'nothing'
  }

  /** Both sides deflate (RFC 4978). */
  get compressed(): boolean {
    return this.#compression !== undefined
  }

  /**
   * Deflates from here on, after {@link holdInput}, once the answer is out.
   * @param early What {@link holdInput} gave.
   */
  async compress(early: Uint8Array): Promise<void> {
    await this.out.flush()
    this.#compression = new Compression({
      take: (bytes) => this.accept(bytes),
      drain: () => super.resumeInput(),
      end: () => this.finishInput(),
      fail: () => this.destroy('The peer sent what is not DEFLATE'),
      waits: () => this.#betweenCommands,
    })
    this.releaseInput()
    if (early.length > 0) this.receive(early)
  }

  /** No deflating any more, once the answer is out (RFC 8437 §4.1). */
  async uncompress(): Promise<void> {
    await this.out.flush()
    const plain = this.#compression?.close()
    this.#compression = undefined
    if (plain !== undefined && plain.length > 0) this.receive(plain)
  }

  /**
   * Does the handshake after {@link holdInput}, which throws away what came (RFC 9051 §6.2.1), once the answer to
   * STARTTLS is out.
   * @throws {ConnectionGone} when it fails
   */
  async upgrade(source: ContextSource): Promise<void> {
    await this.out.flush()
    await this.handshake(source)
  }

  protected override silent(): void {
    this.end('Nothing was heard for too long')
  }

  protected override lastWords(): readonly Uint8Array[] | Promise<readonly Uint8Array[]> {
    const last = this.out.take()
    if (this.#compression === undefined || last.length === 0) return last
    return this.#compression.deflate(last, this.clock.now())
  }

  protected override send(chunks: readonly Uint8Array[]): Promise<void> | undefined {
    return this.#compression === undefined ? super.send(chunks) : this.#sendDeflated(this.#compression, chunks)
  }

  async #sendDeflated(compression: Compression, chunks: readonly Uint8Array[]): Promise<void> {
    this.needPeer()
    await super.send(await compression.deflate(chunks, this.clock.now()))
  }

  protected override receive(chunk: Uint8Array): void {
    if (this.#compression === undefined) return super.receive(chunk)
    this.#compression.push(chunk, this.clock.now())
    if (this.#compression.full) super.pauseInput()
  }

  protected override receiveEnd(): void {
    if (this.#compression === undefined) super.receiveEnd()
    else this.#compression.end()
  }

  protected override pauseInput(): void {
    if (this.#compression === undefined) super.pauseInput()
    else this.#compression.pause()
  }

  protected override resumeInput(): void {
    this.#compression?.resume()
    if (this.#compression?.full !== true) super.resumeInput()
  }

  protected override lose(why: string): void {
    super.lose(why)
    this.#compression?.close()
  }

  #next(wakeable: false): Promise<FrameEvent>
  #next(wakeable: true): Promise<FrameEvent | undefined>
  async #next(wakeable: boolean): Promise<FrameEvent | undefined> {
    for (;;) {
      this.needPeer()
      if (this.#farewell !== undefined) throw new Farewell(this.#farewell)
      const event = this.#ahead ?? this.framer.next()
      this.#ahead = undefined
      if (event !== undefined) {
        this.#events += 1
        if (this.#events % 16 === 0) await this.share()
        return event
      }
      await this.out.flush()
      if (this.gone) continue
      if (wakeable && this.#woken) {
        this.#woken = false
        return undefined
      }
      if (this.ended) {
        this.close()
        throw new ConnectionGone(PEER_ENDED)
      }
      if (this.framer.pendingBytes > 0) continue
      await this.#input(wakeable)
      this.#wakeable = false
      this.work()
    }
  }

  /** Waits for bytes, an end, or a call of {@link wake}. */
  #input(wakeable: boolean): Promise<void> {
    this.#wakeable = wakeable
    // An idling client is not heard of just because we spoke to it (RFC 9051 §5.4, RFC 2177 §3).
    if (!wakeable) this.heardAt = this.clock.now()
    return this.input(this.heardAt)
  }
}
