/**
 * A connection to another mail server, once it is open (`open-connection.ts`). The transactions are ours
 * (`transaction.ts`), as what they need is not in nodemailer's `send()`: DSN for each recipient (RFC 3461 §4), CHUNKING
 * (RFC 3030), SMTPUTF8 for a header (RFC 6531), the time limit of each step (RFC 5321 §4.5.3.2), and knowing whether the
 * final dot had gone out when a connection broke.
 * @module
 */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { SMTPError } from 'nodemailer/lib/smtp-connection'
import { systemClock } from '#lib/clock.ts'
import { TIMEOUTS, type Timeouts } from './limits.ts'
import { NOT_LISTED, type PeerFault, peerFault, peerOf } from './peer-verdict.ts'
import { printable, type Reply, ReplyReader } from './reply.ts'
import { describeTls, type TlsPolicy } from './tls-policy.ts'

/** Where a connection goes, and what it must be. */
export interface ConnectOptions {
  /** IP address. */
  readonly address: string
  readonly port: number
  /** Its name, for people; the same as `address` where it has none. */
  readonly host: string
  /** Ours, in EHLO. */
  readonly hostname: string
  readonly sourceAddress?: string | undefined
  readonly tls: TlsPolicy
  /** TLS from the first octet (a route with `security = "tls"`). */
  readonly implicitTls?: boolean | undefined
  /** PEM file of the authority of its certificate. */
  readonly ca?: string | undefined
  readonly login?: { readonly user: string; readonly password: string } | undefined
  readonly timeouts?: Timeouts | undefined
  /** It is not as the recipient's domain asks for it: for mail with `TLS-Required: No` alone (RFC 8689). */
  readonly lenient?: boolean | undefined
}

/** What a server can do, from its answer to EHLO. */
export interface Extensions {
  readonly pipelining: boolean
  readonly chunking: boolean
  readonly eightBitMime: boolean
  readonly smtpUtf8: boolean
  readonly dsn: boolean
  /** Octets of the largest message; `undefined`: it does not say. */
  readonly size: number | undefined
}

/** An open connection, between transactions or within one. */
export class OutboundConnection {
  readonly options: ConnectOptions
  readonly extensions: Extensions
  readonly timeouts: Timeouts
  /** As an attempt tells it: `TLSv1.3 dane`; `undefined`: plaintext. */
  readonly tls: string | undefined
  /** What a policy in mode `testing` would have found (RFC 8461 §5). */
  readonly testingFault: PeerFault | undefined
  /** Transactions that were begun. */
  transactions = 0
  /** RSET comes before the next MAIL. */
  needsReset = false
  readonly #connection: SMTPConnection
  readonly #socket: Socket
  readonly #reader = new ReplyReader()
  readonly #waiting: ((reply: Reply | undefined) => void)[] = []
  #lost: string | undefined
  #drained: (() => void) | undefined
  readonly #whenLost: (() => void)[] = []

  constructor(options: ConnectOptions, connection: SMTPConnection, socket: Socket, extensions: Extensions) {
    this.options = options
    this.timeouts = options.timeouts ?? TIMEOUTS
    this.extensions = extensions
    this.#connection = connection
    this.#socket = socket
    this.tls = socket instanceof TLSSocket ? describeTls(options.tls, socket.getProtocol()) : undefined
    this.testingFault = testingFault(options.tls, socket)
    // the reader of the set-up ends here; its other listeners go on telling when the connection breaks
    socket.removeAllListeners('data')
    socket.on('data', (chunk: Buffer) => this.#received(chunk))
    socket.on('drain', () => this.#drained?.())
    connection.on('error', (error: SMTPError) => this.#end(wordsOf(error)))
    connection.on('end', () => this.#end('Connection closed unexpectedly'))
    socket.setTimeout(0)
    socket.resume()
  }

  /** `mx.example.net [192.0.2.1]:25`. */
  get name(): string {
    return nameOf(this.options)
  }

  /** Nothing can be said any more, and why. */
  get lost(): string | undefined {
    return this.#lost
  }

  /** Called at most once, when the connection breaks or is closed. */
  onLost(listener: () => void): void {
    if (this.#lost === undefined) this.#whenLost.push(listener)
    else listener()
  }

  /** Several writes that leave together. */
  batch<T>(write: () => T): T {
    this.#socket.cork()
    try {
      return write()
    } finally {
      this.#socket.uncork()
    }
  }

  /** Sends a command. @returns its reply, in the order of commands; `undefined`: the connection is lost. */
  command(line: string): Promise<Reply | undefined> {
    if (/[\r\n\0]/.test(line)) throw new Error('A command of several lines')
    this.#write(Buffer.from(`${line}\r\n`, 'utf8'))
    return this.reply()
  }

  /** The next reply that nobody waits for yet. */
  reply(): Promise<Reply | undefined> {
    if (this.#lost !== undefined) return Promise.resolve(undefined)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Octets of a message. @returns something to wait for before the next ones, or nothing. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#write(bytes) || this.#lost !== undefined) return undefined
    return new Promise((resolve) => {
      this.#drained = () => {
        this.#drained = undefined
        resolve()
      }
    })
  }

  /** Silence, from now on, after which the connection is given up; 0: for ever. */
  patience(ms: number): void {
    if (this.#lost === undefined) this.#socket.setTimeout(ms)
  }

  /** However often something comes meanwhile, it is given up after so long. @returns what calls that off. */
  giveUpAfter(ms: number): Disposable {
    const why = `Too slow: no end within ${Math.round(ms / 60_000)} min`
    const timer = setTimeout(() => this.destroy(why), ms)
    return { [Symbol.dispose]: () => clearTimeout(timer) }
  }

  /** Ends it without a word: what was begun must not be taken for whole. */
  destroy(why: string): void {
    this.#end(why)
    this.#socket.destroy()
  }

  /** QUIT, and its answer as long as that is worth waiting for. */
  async quit(): Promise<void> {
    if (this.#lost !== undefined) return
    this.patience(this.timeouts.quitMs)
    await this.command('QUIT')
    this.#end('Closed')
  }

  #write(bytes: Uint8Array): boolean {
    return this.#lost === undefined && this.#socket.write(bytes)
  }

  #received(chunk: Buffer): void {
    try {
      for (const reply of this.#reader.push(chunk)) {
        const waiter = this.#waiting.shift()
        if (waiter === undefined) return this.destroy(reply.text)
        waiter(reply)
        // RFC 5321 §3.8: it closes whatever was asked
        if (reply.code === 421) return this.destroy(reply.text)
      }
    } catch (error) {
      this.destroy(error instanceof Error ? error.message : String(error))
    }
  }

  #end(why: string): void {
    if (this.#lost !== undefined) return
    this.#lost = why
    this.#connection.close()
    for (const waiter of this.#waiting.splice(0)) waiter(undefined)
    this.#drained?.()
    for (const listener of this.#whenLost.splice(0)) listener()
  }
}

function testingFault({ testing }: TlsPolicy, socket: Socket): PeerFault | undefined {
  if (testing === undefined || !(socket instanceof TLSSocket)) return undefined
  // the policy does not list the host
  if (testing.names.length === 0) return NOT_LISTED
  return peerFault(peerOf(socket), testing, systemClock.now())
}

export function nameOf({ host, address, port }: Pick<ConnectOptions, 'host' | 'address' | 'port'>): string {
  const place = `[${address}]:${port}`
  return host === address ? place : `${host} ${place}`
}

const SYSTEM_WORDS: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'Connection refused'],
  ['ECONNRESET', 'Connection reset'],
  ['EHOSTUNREACH', 'No route to the host'],
  ['ENETUNREACH', 'Network is unreachable'],
  ['ETIMEDOUT', 'No answer'],
  ['EADDRNOTAVAIL', 'The source address is not of this machine'],
])

/** What broke, in a few words. */
export function wordsOf({ code, message }: NodeJS.ErrnoException): string {
  // error:0A000410:SSL routines:ssl3_read_bytes:ssl/tls alert handshake failure:../deps/…
  const openSsl = /error:[0-9A-F]{8}:[^:]*:[^:]*:([^:]+):/.exec(message)?.[1]
  return SYSTEM_WORDS.get(code ?? '') ?? printable(openSsl ?? message)
}
