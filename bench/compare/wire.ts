/**
 * The driver's connections. They know as little as they can: a driver that parses is measured instead of the server.
 *
 * Octets are read into one buffer that all connections share, are searched for what is counted, and forgotten: a buffer
 * for each 16 KB of TLS would be garbage, which costs the more the longer a run has gone on.
 * @module
 */
import { connect, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls'
import type { Endpoint } from '../raw.ts'

const BUFFER_OCTETS = 256 * 1024
/** Lines that end a response are shorter. */
const TAIL_OCTETS = 1_024
/**
 * One for all connections: to make one costs more than a handshake. X25519 alone, so that both servers do the same:
 * Debian's Dovecot knows no ML-KEM, which Malle would choose.
 */
const context = createSecureContext({ ecdhCurve: 'X25519' })
const shared = Buffer.allocUnsafe(BUFFER_OCTETS)

export interface Openness {
  readonly tls?: boolean
  /** A session to resume. */
  readonly session?: Buffer
}

/** What came until the end that was waited for. */
export interface Answer {
  /** The last line, without its end. */
  readonly line: string
  /** The last octets with that line, not many. */
  readonly tail: string
  readonly octets: number
  /** How often the text that was asked for came. */
  readonly count: number
}

interface Waiting {
  readonly end: Ending
  readonly counted: Buffer | undefined
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

/**
 * Where an answer is complete, looked for in its last octets: a line that begins so, so many of the counted text, or
 * these octets.
 */
type Ending = { readonly line: string } | { readonly times: number } | { readonly octets: string }

/** One connection; one question at a time. */
export class Wire {
  readonly socket: Socket
  #waiting: Waiting | undefined
  /** The last octets, of which an answer's end has few. */
  readonly #tail = Buffer.allocUnsafe(TAIL_OCTETS)
  #tailOctets = 0
  #octets = 0
  #count = 0
  #gone: Error | undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', (error) => this.#end(error))
    socket.on('close', () => this.#end(new Error('The server closed the connection')))
  }

  /** Connects; the greeting is not waited for. */
  static async open({ host, port }: Endpoint, { tls = false, session }: Openness = {}): Promise<Wire> {
    let take: (octets: Buffer) => true = () => true
    const onread = { buffer: shared, callback: (octets: number) => take(shared.subarray(0, octets)) }
    // taken for TLS, too, though typed for sockets without it alone
    const secured = { host, port, secureContext: context, rejectUnauthorized: false, onread }
    const socket: Socket = tls
      ? connectTls(session === undefined ? secured : { ...secured, session })
      : connect({ host, port, noDelay: true, onread })
    const wire = new Wire(socket)
    take = (octets) => wire.#take(octets)
    if (tls) socket.setNoDelay(true)
    await new Promise<void>((resolve, reject) => {
      socket.once(tls ? 'secureConnect' : 'connect', resolve)
      socket.once('error', reject)
    })
    return wire
  }

  /** Whether TLS went on with an earlier session. */
  get resumed(): boolean {
    return this.socket instanceof TLSSocket && this.socket.isSessionReused()
  }

  /** What another connection needs to resume this one's session of TLS. */
  get session(): Buffer | undefined {
    return this.socket instanceof TLSSocket ? this.socket.getSession() : undefined
  }

  /** Sends, and waits for a line that begins with `line`; counts `counted` on the way. */
  ask(octets: string | Uint8Array, line: string, counted?: string): Promise<Answer> {
    return this.#ask(octets, { line }, counted)
  }

  /** Sends, and waits until `counted` has come so many times. */
  askTimes(octets: string | Uint8Array, counted: string, times: number): Promise<Answer> {
    return this.#ask(octets, { times }, counted)
  }

  /** Sends, and waits until what came ends with `end`; what came last is the answer's `line`. */
  askUntil(octets: string | Uint8Array, end: string): Promise<Answer> {
    return this.#ask(octets, { octets: end }, undefined)
  }

  /** Sends and does not wait. */
  send(octets: string | Uint8Array): void {
    this.socket.write(octets)
  }

  /** Waits until the server has closed the connection. */
  async ended(): Promise<void> {
    if (!this.socket.closed) await new Promise((resolve) => this.socket.once('close', resolve))
  }

  close(): void {
    this.#waiting = undefined
    this.socket.destroy()
  }

  #ask(octets: string | Uint8Array, end: Ending, counted: string | undefined): Promise<Answer> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone)
    if (this.#waiting !== undefined) throw new Error('The driver asks twice at one time')
    this.#octets = 0
    this.#count = 0
    return new Promise((resolve, reject) => {
      this.#waiting = { end, counted: counted === undefined ? undefined : Buffer.from(counted), resolve, reject }
      if (octets.length > 0) this.socket.write(octets)
      else if (this.#tailOctets > 0) this.#take(Buffer.alloc(0))
    })
  }

  /** Octets from the server; valid during the call. */
  #take(octets: Buffer): true {
    const waiting = this.#waiting
    if (waiting?.counted !== undefined)
      this.#count += occurrences(octets, waiting.counted, this.#tail.subarray(0, this.#tailOctets))
    this.#keep(octets)
    if (waiting === undefined) return true
    this.#octets += octets.length
    const line = this.#ended(waiting.end)
    if (line === undefined) return true
    this.#waiting = undefined
    const tail = this.#text
    this.#tailOctets = 0
    waiting.resolve({ line, tail, octets: this.#octets, count: this.#count })
    return true
  }

  /** Keeps what may be the end of an answer. */
  #keep(octets: Buffer): void {
    const fresh = Math.min(octets.length, TAIL_OCTETS)
    const old = Math.min(this.#tailOctets, TAIL_OCTETS - fresh)
    if (old > 0) this.#tail.copyWithin(0, this.#tailOctets - old, this.#tailOctets)
    octets.copy(this.#tail, old, octets.length - fresh)
    this.#tailOctets = old + fresh
  }

  get #text(): string {
    return this.#tail.toString('latin1', 0, this.#tailOctets)
  }

  #ended(end: Ending): string | undefined {
    if ('octets' in end) return this.#text.endsWith(end.octets) ? this.#text : undefined
    const length = this.#tailOctets
    if (length < 2 || this.#tail[length - 2] !== 13 || this.#tail[length - 1] !== 10) return undefined
    if ('times' in end) return this.#count >= end.times ? '' : undefined
    const text = this.#text
    const line = text.slice(text.lastIndexOf('\n', length - 2) + 1, -2)
    return line.startsWith(end.line) ? line : undefined
  }

  #end(error: Error): void {
    this.#gone ??= error
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.reject(error)
  }
}

/** @param before Octets that came before these. */
function occurrences(octets: Buffer, needle: Buffer, before: Buffer): number {
  let count = 0
  // one that began in the octets before
  if (needle.length > 1 && before.length > 0) {
    const seam = Buffer.concat([before.subarray(1 - needle.length), octets.subarray(0, needle.length - 1)])
    if (seam.includes(needle)) count += 1
  }
  for (let at = octets.indexOf(needle); at >= 0; at = octets.indexOf(needle, at + needle.length)) count += 1
  return count
}
