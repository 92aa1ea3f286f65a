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
      const timer = setTimeout(() => reject(new Error('TLS handshake took too long')), timeoutMs)
      const fail = (error?: Error) => reject(error ?? new Error('Connection closed during the TLS handshake'))
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
