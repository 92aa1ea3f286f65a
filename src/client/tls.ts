/** TLS as a client: what is trusted, and what went wrong in words. @module */
import { isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { ConnectionError } from './errors.ts'

/** How the server shows who it is, and we too. */
export interface TlsOptions {
  /** Certificates (PEM) to trust in place of the system's. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** The name that the certificate must bear, and that is sent along (SNI); default: the host. */
  readonly servername?: string
  /** `false` takes any certificate: for tests, as anybody may then stand in between. Default `true`. */
  readonly rejectUnauthorized?: boolean
  /**
   * SHA-256 of the server's certificate in hexadecimal, with or without colons, as
   * `openssl x509 -noout -fingerprint -sha256` prints it: exactly this one is trusted, whoever signed it and whatever
   * its name.
   */
  readonly pinnedSha256?: string
  /** Our certificate and its key (PEM), with which EXTERNAL logs in. */
  readonly cert?: string | Uint8Array
  readonly key?: string | Uint8Array
  /** Default `TLSv1.2`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
}

/** Where to connect, or the socket that goes on as TLS. */
export type TlsTarget = { readonly host: string } & ({ readonly port: number } | { readonly socket: Socket })

/**
 * Begins TLS; the handshake is over with {@link secured}.
 * @param protocol As in the registry of ALPN (RFC 7301): who serves another one is not what we look for. `undefined`
 * after STARTTLS.
 */
export function beginTls(target: TlsTarget, options: TlsOptions, protocol: string | undefined): TLSSocket {
  const { ca, cert, key, pinnedSha256 } = options
  const servername = options.servername ?? target.host
  const given: ConnectionOptions = {
    host: servername,
    // an address is never sent as a name
    ...(isIP(servername) === 0 ? { servername } : {}),
    rejectUnauthorized: pinnedSha256 === undefined && (options.rejectUnauthorized ?? true),
    minVersion: options.minVersion ?? 'TLSv1.2',
    ...(ca === undefined ? {} : { ca: [ca].flat().map((pem) => (typeof pem === 'string' ? pem : Buffer.from(pem))) }),
    ...(cert === undefined ? {} : { cert: Buffer.from(cert) }),
    ...(key === undefined ? {} : { key: Buffer.from(key) }),
    ...(protocol === undefined ? {} : { ALPNProtocols: [protocol] }),
  }
  if ('socket' in target) return connect({ ...given, socket: target.socket })
  return connect({ ...given, host: target.host, port: target.port })
}

/** Whether the certificate is the pinned one, where one is. */
export function isPinned(socket: TLSSocket, { pinnedSha256 }: TlsOptions): boolean {
  if (pinnedSha256 === undefined) return true
  const shown = socket.getPeerX509Certificate()?.fingerprint256
  return shown !== undefined && plainHex(shown) === plainHex(pinnedSha256)
}

/** The error of a pin that does not fit. */
export function wrongPin(host: string, socket: TLSSocket): ConnectionError {
  const shown = socket.getPeerX509Certificate()?.fingerprint256 ?? 'none'
  return new ConnectionError(
    'tls',
    `The certificate of ${host} is not the pinned one but ${shown}: if it was renewed, pin the new one`,
  )
}

function plainHex(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase()
}

const CERTIFICATE_CODES: ReadonlyMap<string, string> = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is self-signed: trust it with "ca" or "pinnedSha256"'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'its certificate is of an authority not known here: name it with "ca"'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its certificate is of an authority not known here: name it with "ca"'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'its certificate is of an authority not known here: name it with "ca"'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'its certificate is of an authority not known here: name it with "ca"'],
  ['CERT_HAS_EXPIRED', 'its certificate has expired'],
  ['CERT_NOT_YET_VALID', 'its certificate is not valid yet: is the clock right?'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another name: connect to that one, or set "servername"'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'it does not speak TLS there: another port, or STARTTLS?'],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'it does not speak TLS there: another port, or STARTTLS?'],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'it knows no TLS newer than 1.1'],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'it knows no TLS newer than 1.1'],
])

/** What a failed connection or handshake means. */
export function connectFailure(where: string, error: unknown, handshake: boolean): ConnectionError {
  if (error instanceof ConnectionError) return error
  const code = codeOf(error)
  const certificate = CERTIFICATE_CODES.get(code)
  if (certificate !== undefined)
    return new ConnectionError('tls', `Cannot trust ${where}: ${certificate}`, { cause: error })
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new ConnectionError('not-found', `Cannot find ${where}: check the name and the network`, { cause: error })
    case 'ECONNREFUSED':
      return new ConnectionError('refused', `Nobody listens at ${where}: check host and port`, { cause: error })
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
    case 'EADDRNOTAVAIL':
    case 'ETIMEDOUT':
      return new ConnectionError('unreachable', `Cannot reach ${where}: check the network`, { cause: error })
    default: {
      const what = error instanceof Error ? error.message : String(error)
      if (handshake)
        return new ConnectionError('tls', `The TLS handshake with ${where} failed: ${what}`, { cause: error })
      return new ConnectionError('closed', `The connection to ${where} broke: ${what}`, { cause: error })
    }
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}
