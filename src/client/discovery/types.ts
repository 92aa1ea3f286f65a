/** What is found out about the servers of an address, and the ports through which it is found out. @module */
import type { Security } from '../connect-options.ts'

export type MailProtocol = 'imap' | 'pop3' | 'smtp'

/** What is to be typed as the login. */
export interface LoginForm {
  /** `other`: something that the provider says. */
  readonly form: 'address' | 'local-part' | 'other'
  readonly value: string
}

/** Where a server was found, which is why it is taken. */
export type DiscoverySource =
  /** In a configuration file of the provider. */
  | { readonly kind: 'autoconfig'; readonly url: string }
  /** In Thunderbird's collection of such files. */
  | { readonly kind: 'ispdb'; readonly url: string }
  /** In the DNS (RFC 6186, RFC 8314 §5.1). */
  | { readonly kind: 'srv'; readonly name: string }
  /** By its usual name; the certificate that it showed is valid and for this name. */
  | { readonly kind: 'guess' }

/** A server of the address. */
export interface DiscoveredServer {
  readonly protocol: MailProtocol
  readonly host: string
  readonly port: number
  readonly security: Security
  readonly login: LoginForm
  readonly source: DiscoverySource
  /**
   * The server is of another domain, and only the DNS says so, which anybody on the way can: a person is to be asked
   * before a password goes there (RFC 6186 §6).
   */
  readonly askFirst: boolean
}

/** What a step of the search brought. */
export interface DiscoveryStep {
  /** URL, name in the DNS, or `host:port`. */
  readonly asked: string
  /**
   * `nothing`: there is no such thing. `failed`: no answer, or one that is no good; `detail` says what.
   * `untrusted`: a server is there whose certificate is not valid for its name.
   */
  readonly outcome: 'found' | 'nothing' | 'failed' | 'untrusted'
  readonly detail?: string
}

/** See `discover`. */
export interface Discovery {
  readonly address: string
  /** The best first, for each protocol; none without TLS. */
  readonly servers: readonly DiscoveredServer[]
  /** Servers without TLS that were named: never taken unless a person says so. */
  readonly plaintext: readonly DiscoveredServer[]
  /** Everything that was asked, in order. */
  readonly steps: readonly DiscoveryStep[]
}

export interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly host: string
  readonly port: number
}

/** A server to be looked at. */
export interface ProbeTarget {
  readonly protocol: MailProtocol
  readonly host: string
  readonly port: number
  readonly security: 'tls' | 'starttls'
}

/** The network as discovery needs it; tests put another one in place. */
export interface DiscoveryNetwork {
  /** The file at an `https:` URL; `undefined`: there is none. Anything else is thrown. */
  fetch(url: string, signal: AbortSignal): Promise<string | undefined>
  /** SRV records of a name, none where it has none. */
  srv(name: string, signal: AbortSignal): Promise<readonly SrvRecord[]>
  /** Whether a server of this protocol is there, with a certificate that is valid for the host. */
  probe(target: ProbeTarget, signal: AbortSignal): Promise<'fits' | 'nothing' | 'untrusted'>
}
