/** The port of the DNS: what the rest asks of a resolver. A name is ASCII (IDNA done), without the dot at its end. @module */

/** Why there is no answer. */
export type DnsFailure =
  /** The name, or this type of it, is not there: an answer that may be relied on. */
  | { readonly kind: 'none'; readonly nameExists: boolean; readonly authenticated: boolean }
  /** Nobody answered in time, SERVFAIL (also: DNSSEC validation failed), or the answer cannot be read: try again later. */
  | { readonly kind: 'temporary'; readonly reason: string }

export interface DnsAnswer<T> {
  readonly ok: true
  readonly records: readonly T[]
  /** The resolver has validated it by DNSSEC (AD bit), over a way that is trusted (`dns.trust_ad`). */
  readonly authenticated: boolean
  /** Seconds. */
  readonly ttl: number
}

export type DnsResult<T> = DnsAnswer<T> | { readonly ok: false; readonly error: DnsFailure }

export interface MxRecord {
  readonly preference: number
  /** Empty: null MX (RFC 7505). */
  readonly exchange: string
}

export interface TlsaRecord {
  readonly usage: number
  readonly selector: number
  readonly matching: number
  readonly data: Uint8Array
}

export interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly port: number
  readonly target: string
}

export interface CaaRecord {
  readonly critical: boolean
  readonly tag: string
  readonly value: string
}

/** Each follows CNAMEs, times out by itself, and answers from a cache while the TTL lasts. Never throws. */
export interface Resolver {
  mx(name: string): Promise<DnsResult<MxRecord>>
  a(name: string): Promise<DnsResult<string>>
  aaaa(name: string): Promise<DnsResult<string>>
  /** Each record's strings joined. */
  txt(name: string): Promise<DnsResult<string>>
  tlsa(name: string): Promise<DnsResult<TlsaRecord>>
  srv(name: string): Promise<DnsResult<SrvRecord>>
  caa(name: string): Promise<DnsResult<CaaRecord>>
  ns(name: string): Promise<DnsResult<string>>
  /** Names of an address, IPv4 or IPv6. */
  ptr(address: string): Promise<DnsResult<string>>
  /** Where the name is another's (CNAME). */
  cname(name: string): Promise<DnsResult<string>>
}
