/**
 * The client's end of a connection, whatever is spoken on it: bytes are pulled, so that who does not read holds the
 * server up; a server that owes an answer has a deadline; TLS and DEFLATE on a running connection.
 * @module
 */
import { connect, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { Compression } from '#lib/compression.ts'
import { type ChannelBindings, channelBindings } from '#wire/sasl/channel-binding.ts'
import type { Security } from './connect-options.ts'
import { ConnectionError, ProtocolError } from './errors.ts'
import { CLOSING_MS, READ_AHEAD_BYTES, WRITE_AHEAD_BYTES } from './limits.ts'
import { systemTimers, type Timers } from './timers.ts'
import { beginTls, connectFailure, isPinned, type TlsOptions, wrongPin } from './tls.ts'

export interface OpenOptions {
  readonly host: string
  readonly port: number
  readonly security: Security
  readonly tls: TlsOptions
  /** As in the registry of ALPN. */
  readonly protocol: string
  /** For TCP, and for a TLS handshake. */
  readonly connectMs: number
  readonly signal?: AbortSignal | undefined
  readonly timers?: Timers | undefined
}

/** See the module. */
export class ClientConnection {
  readonly #options: OpenOptions
  readonly #timers: Timers
  readonly #where: string
  #socket: Socket
  readonly #chunks: Uint8Array[] = []
  #queued = 0
  #wakeReader: (() => void) | undefined
  #wakeWriter: (() => void) | undefined
  #ended = false
  #failure: ConnectionError | undefined
  #closing = false
  #compression: Compression | undefined
  #patienceMs: number | undefined
  #heardAt: number
  #takeBackTimer: (() => void) | undefined
  #received = 0
  #sent = 0

  private constructor(socket: Socket, options: OpenOptions) {
    this.#options = options
    this.#timers = options.timers ?? systemTimers
    this.#where = `${options.host}:${options.port}`
    this.#socket = socket
    this.#heardAt = this.#timers.now()
    options.signal?.addEventListener('abort', this.#onAbort)
    this.#attach()
  }

  /** @throws {ConnectionError} */
  static async open(options: OpenOptions): Promise<ClientConnection> {
    const { host, port, security, tls, protocol } = options
    if (options.signal?.aborted === true) throw aborted(options.signal)
    const socket = security === 'tls' ? beginTls({ host, port }, tls, protocol) : connect({ host, port })
    await ready(socket, options, security === 'tls')
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 60_000)
    return new ClientConnection(socket, options)
  }

  /** Whether TLS protects it. */
  get secure(): boolean {
    return this.#socket instanceof TLSSocket
  }

  get compressed(): boolean {
    return this.#compression !== undefined
  }

  /** What SASL can bind a login to (RFC 5056); `undefined` in the clear. */
  get bindings(): ChannelBindings | undefined {
    const socket = this.#socket
    return socket instanceof TLSSocket ? channelBindings(socket, 'client') : undefined
  }

  /** Why nothing more can be read or written. */
  get failure(): ConnectionError | undefined {
    return this.#failure
  }

  /** Octets that came, as they were on the wire. */
  get received(): number {
    return this.#received
  }

  /** Octets that went out, as they were on the wire. */
  get sent(): number {
    return this.#sent
  }

  /** `host:port`, for messages to people. */
  get where(): string {
    return this.#where
  }

  /** From now on silence may last so long while {@link read} waits; `undefined`: for ever. */
  expect(patienceMs: number | undefined): void {
    this.#patienceMs = patienceMs
    this.#heardAt = this.#timers.now()
    if (patienceMs !== undefined && this.#takeBackTimer === undefined) this.#arm(patienceMs)
  }

  /**
   * The bytes that came next.
   * @throws {ConnectionError} when nothing more comes
   */
  async read(): Promise<Uint8Array> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        this.#queued -= chunk.length
        if (this.#queued < READ_AHEAD_BYTES) this.#resumeInput()
        return chunk
      }
      if (this.#failure !== undefined) throw this.#failure
      if (this.#ended) throw this.fail(closedError(this.#where))
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve
      })
    }
  }

  /**
   * Writes bytes; calls must not overlap while one waits.
   * @returns A promise while the server is slow to read, `undefined` when more may come at once.
   * @throws {ConnectionError} when there is nobody to read it
   */
  write(chunks: readonly Uint8Array[]): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#compression !== undefined) return this.#writeDeflated(this.#compression, chunks)
    this.#send(chunks)
    return this.#socket.writableLength > WRITE_AHEAD_BYTES ? this.#drained() : undefined
  }

  /**
   * TLS from here on, once the server has agreed to it.
   * @param early Octets that came behind its answer: somebody put them there (RFC 9051 §6.2.1, RFC 2595 §4).
   */
  async startTls(early: number): Promise<void> {
    const socket = this.#socket
    this.#detach()
    socket.pause()
    if (early > 0 || this.#queued > 0) {
      this.destroy()
      throw new ProtocolError(`${this.#where} sent more before TLS began: somebody may stand in between`)
    }
    const { host, tls } = this.#options
    const secure = beginTls({ host, socket }, tls, undefined)
    this.#socket = secure
    try {
      await ready(secure, this.#options, true)
    } catch (error) {
      this.#failure ??= connectFailure(this.#where, error, true)
      throw this.#failure
    }
    this.#heardAt = this.#timers.now()
    this.#attach()
  }

  /**
   * Both sides deflate from here on (RFC 4978), once the server has agreed to it.
   * @param early What came behind its answer: it is deflated already.
   */
  compress(early: Uint8Array): void {
    const compression = new Compression({
      take: (bytes) => this.#enqueue(bytes),
      drain: () => this.#resumeSocket(),
      end: () => this.#end(),
      fail: () => this.fail(new ConnectionError('closed', `${this.#where} sent what is not DEFLATE`)),
    })
    this.#compression = compression
    const chunks = [early, ...this.#chunks.splice(0)]
    this.#queued = 0
    for (const chunk of chunks) if (chunk.length > 0) this.#receive(chunk)
  }

  /** Nothing more is read or written, for this reason; the first one counts. */
  fail(error: ConnectionError): ConnectionError {
    if (this.#failure !== undefined) return this.#failure
    this.#failure = error
    this.destroy()
    return error
  }

  /** Says what was written, then closes. */
  async close(): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    this.#failure ??= new ConnectionError('aborted', `The connection to ${this.#where} is closed`)
    const socket = this.#socket
    if (!socket.destroyed) {
      await new Promise<void>((resolve) => {
        const takeBack = this.#timers.after(CLOSING_MS, () => {
          socket.destroy()
          resolve()
        })
        socket.once('close', () => {
          takeBack()
          resolve()
        })
        socket.end()
        // unread bytes would make the system reset the connection and lose our last words
        socket.resume()
      })
    }
    this.destroy()
  }

  /** Closes at once. */
  destroy(): void {
    this.#failure ??= new ConnectionError('aborted', `The connection to ${this.#where} is closed`)
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    this.#takeBackTimer?.()
    this.#takeBackTimer = undefined
    this.#compression?.close()
    this.#socket.destroy()
    this.#wake()
  }

  #arm(ms: number): void {
    this.#takeBackTimer = this.#timers.after(ms, () => {
      this.#takeBackTimer = undefined
      const patienceMs = this.#patienceMs
      if (patienceMs === undefined || this.#failure !== undefined) return
      // who does not wait for the server cannot blame it
      const waits = this.#wakeReader !== undefined || this.#wakeWriter !== undefined
      if (!waits) this.#heardAt = this.#timers.now()
      const left = this.#heardAt + patienceMs - this.#timers.now()
      if (left > 0) return this.#arm(left)
      const seconds = Math.round(patienceMs / 1000)
      this.fail(new ConnectionError('timeout', `${this.#where} has said nothing for ${seconds} seconds`))
    })
  }

  #send(chunks: readonly Uint8Array[]): void {
    const socket = this.#socket
    if (chunks.length > 1) socket.cork()
    for (const chunk of chunks) {
      this.#sent += chunk.length
      socket.write(chunk)
    }
    if (chunks.length > 1) socket.uncork()
    this.#heardAt = this.#timers.now()
  }

  async #writeDeflated(compression: Compression, chunks: readonly Uint8Array[]): Promise<void> {
    const deflated = await compression.deflate(chunks, this.#timers.now())
    if (this.#failure !== undefined) throw this.#failure
    this.#send(deflated)
    if (this.#socket.writableLength > WRITE_AHEAD_BYTES) await this.#drained()
  }

  async #drained(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wakeWriter = resolve
      this.#socket.once('drain', resolve)
    })
    this.#wakeWriter = undefined
    if (this.#failure !== undefined) throw this.#failure
    this.#heardAt = this.#timers.now()
  }

  #receive(chunk: Uint8Array): void {
    if (this.#compression === undefined) return this.#enqueue(chunk)
    this.#compression.push(chunk, this.#timers.now())
    if (this.#compression.full) this.#socket.pause()
  }

  #enqueue(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#queued += chunk.length
    if (this.#queued >= READ_AHEAD_BYTES) {
      this.#socket.pause()
      this.#compression?.pause()
    }
    this.#wakeOneReader()
  }

  #resumeInput(): void {
    this.#compression?.resume()
    this.#resumeSocket()
  }

  #resumeSocket(): void {
    if (this.#compression?.full !== true && this.#socket.isPaused()) this.#socket.resume()
  }

  #end(): void {
    this.#ended = true
    this.#wakeOneReader()
  }

  #wakeOneReader(): void {
    const wake = this.#wakeReader
    this.#wakeReader = undefined
    wake?.()
  }

  #wake(): void {
    this.#wakeOneReader()
    this.#wakeWriter?.()
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.#failure !== undefined) return
    this.#received += chunk.length
    this.#heardAt = this.#timers.now()
    this.#receive(chunk)
  }

  readonly #onEnd = (): void => {
    if (this.#compression === undefined) this.#end()
    else this.#compression.end()
  }

  readonly #onError = (error: Error): void => {
    this.fail(connectFailure(this.#where, error, false))
  }

  readonly #onClose = (): void => {
    // what came before is still read
    if (this.#chunks.length > 0) this.#end()
    else this.fail(closedError(this.#where))
  }

  readonly #onAbort = (): void => {
    this.fail(aborted(this.#options.signal))
  }

  #attach(): void {
    this.#socket.on('data', this.#onData)
    this.#socket.on('end', this.#onEnd)
    this.#socket.on('error', this.#onError)
    this.#socket.on('close', this.#onClose)
  }

  #detach(): void {
    this.#socket.off('data', this.#onData)
    this.#socket.off('end', this.#onEnd)
    this.#socket.off('error', this.#onError)
    this.#socket.off('close', this.#onClose)
    this.#socket.on('error', () => undefined)
  }
}

function closedError(where: string): ConnectionError {
  return new ConnectionError('closed', `${where} has closed the connection`)
}

function aborted(signal: AbortSignal | undefined): ConnectionError {
  return new ConnectionError('aborted', 'The connection was given up', { cause: signal?.reason })
}

/** Waits for TCP and, where asked for, the TLS handshake; the socket is destroyed when they fail. */
async function ready(socket: Socket, options: OpenOptions, handshake: boolean): Promise<void> {
  const { host, port, signal, connectMs, tls } = options
  const where = `${host}:${port}`
  let connected = socket instanceof TLSSocket ? !socket.connecting : false
  socket.once('connect', () => {
    connected = true
  })
  let forget: () => void = () => undefined
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error): void => reject(connectFailure(where, error, handshake && connected))
      const close = (): void =>
        fail(
          handshake && connected
            ? new ConnectionError('tls', `${where} closed the connection during the TLS handshake`)
            : closedError(where),
        )
      const abort = (): void => reject(aborted(signal))
      const takeBack = (options.timers ?? systemTimers).after(connectMs, () => {
        const seconds = Math.round(connectMs / 1000)
        reject(new ConnectionError('timeout', `${where} could not be reached within ${seconds} seconds`))
      })
      const event = handshake ? 'secureConnect' : 'connect'
      socket.once('error', fail)
      socket.once('close', close)
      socket.once(event, resolve)
      signal?.addEventListener('abort', abort)
      forget = () => {
        takeBack()
        socket.off('error', fail)
        socket.off('close', close)
        socket.off(event, resolve)
        signal?.removeEventListener('abort', abort)
      }
    })
    if (socket instanceof TLSSocket && !isPinned(socket, tls)) throw wrongPin(host, socket)
  } catch (error) {
    forget()
    socket.on('error', () => undefined)
    socket.destroy()
    throw error
  }
  forget()
}
