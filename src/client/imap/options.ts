import type { ConnectOptions, ProtocolPorts } from '../connect-options.ts'
import type { Credentials } from '../sasl.ts'

/** How an {@link ImapClient} connects and what it uses. */
export interface ImapClientOptions extends ConnectOptions {
  readonly credentials: Credentials
  /** Deflate both ways (RFC 4978) where the server can. Default `false`. */
  readonly compress?: boolean
  /** What to ENABLE, as far as the server can. Default {@link DEFAULT_ENABLE}. */
  readonly enable?: readonly string[]
  /** What the server is told about the program (RFC 2971); `false`: nothing. */
  readonly id?: Readonly<Record<string, string>> | false
  /** A lost connection is made again, and the mailbox taken up where it was. Default `true`. */
  readonly reconnect?: boolean
  /** Attempts in a row; default 8, over about two minutes. */
  readonly reconnectAttempts?: number
  /** How often a server without IDLE or NOTIFY is asked for news; default a minute. */
  readonly pollMs?: number
}

export const IMAP_PORTS: ProtocolPorts = { protocol: 'imap', tlsPort: 993, plainPort: 143 }

/** QRESYNC has CONDSTORE in it. */
export const DEFAULT_ENABLE: readonly string[] = ['IMAP4rev2', 'UTF8=ACCEPT', 'QRESYNC', 'CONDSTORE']
