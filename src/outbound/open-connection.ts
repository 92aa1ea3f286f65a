/**
 * Opens a connection to another mail server, with nodemailer's `SMTPConnection`: greeting, EHLO or HELO, STARTTLS, AUTH
 * (RFC 5321 §3.1, RFC 3207, RFC 4954).
 * @module
 */
import { readFile } from 'node:fs/promises'
import { isIP, connect as netConnect, type Socket } from 'node:net'
import { TLSSocket, type ConnectionOptions as TlsOptions } from 'node:tls'
import SMTPConnection, { type SMTPConnectionOptions, type SMTPError } from 'nodemailer/lib/smtp-connection'
import { systemClock } from '#lib/clock.ts'
import { done, type Result, refused } from '#lib/result.ts'
import { TIMEOUTS, type Timeouts } from './limits.ts'
import { peerFault, peerOf, type TlsFailure } from './peer-verdict.ts'
import { parseReply, type Reply } from './reply.ts'
import type { TlsPolicy } from './tls-policy.ts'
import { type ConnectOptions, type Extensions, OutboundConnection, wordsOf } from './transport.ts'

/** Why there is no connection. */
export interface ConnectFailure {
  /**
   * - `unreachable`: nobody answers, or what answers does not speak SMTP;
   * - `handshake`: STARTTLS was refused or did not come about, so another connection may do without;
   * - `tls`: it is not what the policy asks for;
   * - `refused`: the server wants none of us;
   * - `login`: the smarthost does not take our password.
   */
  readonly kind: 'unreachable' | 'handshake' | 'tls' | 'refused' | 'login'
  /** The server's words, or an enhanced status and ours. */
  readonly words: string
  /** The server's reply, where there is one. */
  readonly reply?: Reply | undefined
  /** Where it was TLS: as reports name it (RFC 8460 §4.3). */
  readonly failure?: TlsFailure | undefined
}

/**
 * Opens a connection. Opportunistic TLS that does not come about is left out in a second connection (RFC 7435 §3);
 * whatever the certificate is, such TLS is better than none.
 */
export async function openConnection(options: ConnectOptions): Promise<Result<OutboundConnection, ConnectFailure>> {
  const first = await setUp(options, options.tls.level === 'none')
  if (first.ok || first.error.kind !== 'handshake') return first
  if (options.tls.level === 'opportunistic' && options.implicitTls !== true) return setUp(options, true)
  const { words, reply, failure } = first.error
  const told = `4.7.4 ${because(options.tls)}no TLS with ${options.host}: ${words}`
  return refused({ kind: 'tls', words: told, reply, failure })
}

function because({ why }: TlsPolicy): string {
  return why === '' ? '' : `${why}: `
}

async function setUp(options: ConnectOptions, plaintext: boolean): Promise<Result<OutboundConnection, ConnectFailure>> {
  const { timeouts = TIMEOUTS } = options
  const socket = await dial(options, timeouts.connectMs)
  if (typeof socket === 'string') return refused({ kind: 'unreachable', words: socket })
  const late = setTimeout(() => socket.destroy(), timeouts.setUpMs)
  try {
    return await converse(options, plaintext, socket)
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    clearTimeout(late)
  }
}

/** Greeting, EHLO, STARTTLS and AUTH. */
async function converse(
  options: ConnectOptions,
  plaintext: boolean,
  socket: Socket,
): Promise<Result<OutboundConnection, ConnectFailure>> {
  const { tls, login, host, timeouts = TIMEOUTS } = options
  const connection = new SMTPConnection(await settings(options, plaintext, socket, timeouts))
  const error = await new Promise<SMTPError | undefined>((resolve) => {
    connection.once('error', resolve)
    connection.connect((failed) => resolve(failed ?? undefined))
  })
  connection.on('error', () => undefined)
  if (error !== undefined) {
    socket.destroy()
    // the last it said was that it can, and STARTTLS went out: what broke is TLS
    const asked = !plaintext && !connection.secure && /^250[ -]STARTTLS/im.test(connection.lastServerResponse || '')
    return refused(failureOf(error, asked || connection.upgrading === true))
  }
  // declared public: the TLS socket after STARTTLS
  const now = connection._socket
  if (now === false || now === null || now.destroyed) {
    return refused({ kind: 'unreachable', words: '4.4.2 Connection closed unexpectedly' })
  }
  const fault = now instanceof TLSSocket ? peerFault(peerOf(now), tls, systemClock.now()) : undefined
  if (fault !== undefined) {
    connection.close()
    const words = `4.7.5 ${because(tls)}the certificate of ${host} ${fault.words}`
    return refused({ kind: 'tls', words, failure: fault.failure })
  }
  const extensions = extensionsOf(connection.lastServerResponse || '')
  if (login !== undefined) {
    const failed = await new Promise<SMTPError | undefined>((resolve) => {
      connection.once('error', resolve)
      connection.login({ user: login.user, pass: login.password }, (why) => resolve(why ?? undefined))
    })
    if (failed !== undefined) {
      connection.close()
      const { words, reply } = failureOf(failed, false)
      return refused({ kind: 'login', words, reply })
    }
  }
  return done(new OutboundConnection(options, connection, now, extensions))
}

/** @returns the connected socket, or why there is none. */
function dial({ address, port, sourceAddress }: ConnectOptions, ms: number): Promise<Socket | string> {
  return new Promise((resolve) => {
    const socket = netConnect({
      host: address,
      port,
      ...(sourceAddress === undefined ? {} : { localAddress: sourceAddress }),
    })
    const fail = (why: string): void => {
      socket.destroy()
      resolve(`4.4.1 ${why}`)
    }
    socket.setTimeout(ms, () => fail(`No answer within ${Math.round(ms / 1000)} s`))
    socket.once('error', (error: NodeJS.ErrnoException) => fail(wordsOf(error)))
    socket.once('connect', () => {
      socket.setTimeout(0)
      socket.removeAllListeners()
      // until the set-up listens
      socket.on('error', () => undefined)
      resolve(socket)
    })
  })
}

async function settings(
  { host, hostname, tls, implicitTls, ca }: ConnectOptions,
  plaintext: boolean,
  socket: Socket,
  timeouts: Timeouts,
): Promise<SMTPConnectionOptions> {
  const [name = host] = tls.names
  const options: TlsOptions = {
    // who it is, is judged afterwards, by the policy
    rejectUnauthorized: false,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(ca === undefined ? {} : { ca: await readFile(ca) }),
  }
  return {
    host,
    connection: socket,
    secure: implicitTls === true,
    ignoreTLS: plaintext,
    requireTLS: tls.level !== 'none' && tls.level !== 'opportunistic',
    name: hostname,
    connectionTimeout: timeouts.greetingMs,
    greetingTimeout: timeouts.greetingMs,
    socketTimeout: timeouts.commandMs,
    socketCloseTimeout: 1_000,
    tls: options,
    logger: false,
  }
}

function failureOf(error: SMTPError, upgrading: boolean): ConnectFailure {
  const reply = typeof error.response === 'string' ? parseReply(error.response) : undefined
  if (upgrading || error.code === 'ETLS') {
    // a reply: it does not start; none: it did, and broke
    const failure = reply === undefined ? 'validation-failure' : 'starttls-not-supported'
    return { kind: 'handshake', words: reply?.text ?? wordsOf(error), reply, failure }
  }
  if (reply !== undefined && reply.code >= 400) return { kind: 'refused', words: reply.text, reply }
  if (error.code === 'EAUTH') return { kind: 'login', words: `4.7.8 ${wordsOf(error)}` }
  return { kind: 'unreachable', words: `4.4.2 ${wordsOf(error)}`, reply }
}

/** @param reply To EHLO; to HELO it has no extensions (RFC 5321 §4.1.1.1). */
function extensionsOf(reply: string): Extensions {
  const [, ...lines] = reply.split(/\r?\n/).map((line) => line.slice(4).trim().toUpperCase())
  const offers = new Map(lines.map((line) => [line.split(/[ \t=]/, 1)[0] ?? '', line]))
  const size = Number(/^SIZE[ \t]+(\d{1,15})$/.exec(offers.get('SIZE') ?? '')?.[1] ?? 0)
  return {
    pipelining: offers.has('PIPELINING'),
    chunking: offers.has('CHUNKING'),
    eightBitMime: offers.has('8BITMIME'),
    smtpUtf8: offers.has('SMTPUTF8'),
    dsn: offers.has('DSN'),
    size: size === 0 ? undefined : size,
  }
}
