import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'

/** Which certificate to show; asked at each handshake, so that a new one counts at once. */
export interface ContextSource {
  /** `undefined` as name: the client sent no SNI. */
  context(serverName: string | undefined): SecureContext | undefined
  /** `false`: all names get the same, and nobody needs to be asked in the middle of a handshake. */
  readonly choosesByName?: boolean
  /** Clients are asked for a certificate, which they need not have. */
  readonly requestsCertificate?: boolean
}

const TOO_LONG = 'TLS handshake took too long'
const CLOSED = 'Connection closed during the TLS handshake'

type SniAnswer = (error: Error | null, context?: SecureContext) => void

/**
 * Does the server side of a TLS handshake on a socket, for implicit TLS and after STARTTLS or STLS.
 * What was read from the socket before must be thrown away by the caller (STARTTLS injection).
 * @param alpn The protocol spoken here: a client that names others only is refused (RFC 7301 §3.2), one that names none
 * is not. `undefined`: nothing is negotiated.
 * @throws {Error} when the handshake fails or takes longer than `timeoutMs`; the socket is destroyed then.
 */
export async function serverHandshake(
  socket: Socket,
  source: ContextSource,
  timeoutMs: number,
  alpn?: string,
): Promise<TLSSocket> {
  const secureContext = source.context(undefined)
  if (secureContext === undefined) throw new Error('There is no certificate for TLS')
  const deadline = performance.now() + timeoutMs
  await firstOctets(socket, timeoutMs)
  const secure = new TLSSocket(socket, {
    isServer: true,
    secureContext,
    // what is wrong with a certificate is no reason to hang up: it only opens nothing
    ...(source.requestsCertificate === true ? { requestCert: true, rejectUnauthorized: false } : {}),
    ...(source.choosesByName === false
      ? {}
      : { SNICallback: (name: string, callback: SniAnswer) => callback(null, source.context(name)) }),
    ...(alpn === undefined ? {} : { ALPNProtocols: alpnList(alpn) }),
  })
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(TOO_LONG)), deadline - performance.now())
      const fail = (error?: Error) => reject(error ?? new Error(CLOSED))
      secure.once('error', fail)
      secure.once('_tlsError', fail)
      secure.once('close', () => fail())
      // A client that closes its side in mid-handshake will never end it: nothing is gained by the time that is left.
      secure.once('end', fail)
      secure.once('secure', () => {
        secure.off('end', fail)
        secure.removeAllListeners('error')
        secure.removeAllListeners('_tlsError')
        secure.removeAllListeners('close')
        resolve()
      })
      secure.once('secure', () => clearTimeout(timer))
      secure.once('close', () => clearTimeout(timer))
    })
  } catch (error) {
    secure.on('error', () => undefined)
    secure.destroy()
    throw error
  }
  if (source.requestsCertificate === true) secure.authorized = isVerified(secure)
  return secure
}

/**
 * Waits for the beginning of the ClientHello and leaves it in the socket, from where TLS takes it. A TLS socket that reads
 * from the system first keeps a buffer of 64 KB for good; for octets that are there already it makes one of 16 KB.
 */
async function firstOctets(socket: Socket, timeoutMs: number): Promise<void> {
  if (socket.readableLength > 0) return
  // stays: a stream that somebody listens to in this way never flows, and so nothing is lost until TLS takes over
  socket.on('readable', nothing)
  const problem = await new Promise<string | Error | undefined>((resolve) => {
    const timer = setTimeout(() => end(TOO_LONG), timeoutMs)
    const readable = (): void => end(socket.readableLength > 0 ? undefined : CLOSED)
    const closed = (): void => end(CLOSED)
    const end = (why: string | Error | undefined): void => {
      clearTimeout(timer)
      socket.off('readable', readable).off('close', closed).off('error', end)
      resolve(why)
    }
    socket.on('readable', readable).on('close', closed).on('error', end)
  })
  if (problem === undefined) return
  socket.on('error', nothing)
  socket.destroy()
  throw problem instanceof Error ? problem : new Error(problem)
}

function nothing(): void {}

/** What OpenSSL found of the peer's certificate. Only `tls.Server` sets `authorized`, from this same handle. */
function isVerified(secure: TLSSocket): boolean {
  const handle = (secure as unknown as { readonly _handle?: { verifyError?(): Error | null } })._handle
  // without a certificate a resumed session counts as verified
  return handle?.verifyError?.() === null && secure.getPeerX509Certificate() !== undefined
}

/** As ProtocolNameList (RFC 7301 §3.1). */
function alpnList(protocol: string): Buffer {
  return Buffer.concat([Buffer.of(protocol.length), Buffer.from(protocol, 'latin1')])
}
