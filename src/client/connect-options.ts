import type { Timers } from './timers.ts'
import type { TlsOptions } from './tls.ts'

/**
 * How the connection is protected. `tls`: from the first byte on (ports 993, 995). `starttls`: it begins in the clear
 * and nothing is said before TLS; a server without it is left. `none`: not at all, which must be asked for.
 */
export type Security = 'tls' | 'starttls' | 'none'

/** Where a server is and how to reach it. */
export interface ConnectOptions {
  readonly host: string
  /** Default: the protocol's own for `security`. */
  readonly port?: number
  /** Default: `tls`, or `starttls` where `port` is the protocol's port for that. */
  readonly security?: Security
  readonly tls?: TlsOptions
  /** Passwords and tokens may be sent although there is no TLS. Default `false`. */
  readonly allowPlaintext?: boolean
  /** From the first packet to the greeting; default 30 s. */
  readonly connectMs?: number
  /** Silence of a server that owes an answer; default 2 minutes. */
  readonly answerMs?: number
  /** Ends the connection, whatever it does. */
  readonly signal?: AbortSignal
  /** Tests set it. */
  readonly timers?: Timers
}

/** What a protocol is called and where it lives. */
export interface ProtocolPorts {
  /** As in the registry of ALPN. */
  readonly protocol: 'imap' | 'pop3'
  readonly tlsPort: number
  readonly plainPort: number
}

/** Port and security, whichever of the two was left out. */
export function resolveEndpoint(
  options: Pick<ConnectOptions, 'host' | 'port' | 'security'>,
  ports: ProtocolPorts,
): { readonly host: string; readonly port: number; readonly security: Security } {
  const security = options.security ?? (options.port === ports.plainPort ? 'starttls' : 'tls')
  const port = options.port ?? (security === 'tls' ? ports.tlsPort : ports.plainPort)
  return { host: options.host, port, security }
}
