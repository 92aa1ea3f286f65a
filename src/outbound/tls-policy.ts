/** What the TLS of a connection to another mail server must be, and why: DANE, MTA-STS, a route, or nobody. @module */
import type { Result } from '#lib/result.ts'
import type { TlsaRecord } from '#services/resolver.ts'
import type { KnownStsPolicy } from '#store/tls-records.ts'

/** What a connection must be before mail goes over it. */
export interface TlsPolicy {
  /**
   * - `none`: no TLS, not even where it is offered;
   * - `opportunistic`: TLS where offered, whoever the peer is, else plaintext (RFC 7435);
   * - `encrypted`: TLS, whoever the peer is;
   * - `verified`: TLS, and a certificate for one of `names` by an authority that this machine trusts;
   * - `dane`: TLS, and a certificate that one of `tlsa` tells (RFC 7672).
   */
  readonly level: 'none' | 'opportunistic' | 'encrypted' | 'verified' | 'dane'
  /** Who asks for it. */
  readonly source: 'nobody' | 'route' | 'mta-sts' | 'dane'
  /** What the peer may be called in its certificate. The first goes into SNI. */
  readonly names: readonly string[]
  /** Usable records alone; empty unless the level is `dane`. */
  readonly tlsa: readonly TlsaRecord[]
  /** Begins what the sender is told where it is not met: `MTA-STS of example.org (enforce)`. */
  readonly why: string
  /**
   * MTA-STS in mode `testing` (RFC 8461 §5): the level is `opportunistic`, but this is what would have been asked for;
   * without names where the policy does not list the host.
   */
  readonly testing?: TlsPolicy
  /** With `mta-sts`: the policy, for reports. */
  readonly sts?: KnownStsPolicy
}

/** Why nothing goes to a host, although it is there. Both may be otherwise later. */
export interface TlsRefusal {
  /** `not-listed`: no MX of the domain's MTA-STS policy; `unavailable`: its TLSA records cannot be had (RFC 7672 §2.1.1). */
  readonly kind: 'not-listed' | 'unavailable'
  /** Enhanced status and words for the queue: `4.7.5 MTA-STS of example.org (enforce): mx1.example.net is not in its policy`. */
  readonly reply: string
  /** With `not-listed`: the policy, for reports. */
  readonly sts?: KnownStsPolicy
}

/** Where connections to mail servers learn what they must be. */
export interface TlsPolicies {
  /**
   * @param domain Of the recipient, ASCII.
   * @param host Name of the mail server, as the MX record says it; the domain itself where it has no MX.
   * @param port Where it is connected to; absent: 25.
   */
  policyFor(domain: string, host: string, port?: number): Promise<Result<TlsPolicy, TlsRefusal>>
}

/** TLS where it is offered. */
export function opportunistic(host: string): TlsPolicy {
  return { level: 'opportunistic', source: 'nobody', names: [host], tlsa: [], why: '' }
}

/** As an attempt tells it: `TLSv1.3`, and what has been verified. @param protocol As Node names it; `null`: no TLS. */
export function describeTls(policy: TlsPolicy, protocol: string | null): string | undefined {
  if (protocol === null) return undefined
  if (policy.level === 'dane') return `${protocol} dane`
  if (policy.level !== 'verified') return protocol
  return `${protocol} ${policy.source === 'mta-sts' ? 'mta-sts' : 'verified'}`
}
