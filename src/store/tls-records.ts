/** The port of what is remembered about TLS with other mail servers: their MTA-STS policies, and how connections went. @module */

/** A policy that was fetched (RFC 8461 §3.2), as long as it holds. */
export interface KnownStsPolicy {
  /** Of the TXT record at the time. */
  readonly id: string
  readonly mode: 'enforce' | 'testing' | 'none'
  readonly mx: readonly string[]
  readonly maxAgeSeconds: number
  /** Milliseconds since 1970. */
  readonly fetchedAt: number
}

/** What connections to a domain had to be (RFC 8460 §4.4 `policy`). */
export interface AppliedPolicy {
  readonly type: 'sts' | 'tlsa' | 'no-policy-found'
  /** Its text: lines of the policy, TLSA records. */
  readonly text: readonly string[]
  /** Patterns of the policy (`mx-host`); empty with others. */
  readonly mx: readonly string[]
}

/** Connections that went alike. */
export interface TlsSessions {
  /** Of the recipients. */
  readonly domain: string
  readonly policy: AppliedPolicy
  /** Name and address of the mail server; empty: it did not come to a connection. */
  readonly host: string
  readonly address: string
  /** Empty: all was well. Else a result type of RFC 8460 §4.3, and words. */
  readonly failure: string
  readonly words: string
  readonly count: number
}

/** A few losses at a power cut are none: policies can be fetched again, and reports are a courtesy. */
export interface TlsRecords extends AsyncDisposable {
  stsPolicy(domain: string): Promise<KnownStsPolicy | undefined>
  keepStsPolicy(domain: string, policy: KnownStsPolicy): Promise<void>
  /** Drops policies whose time was over at `now`. */
  dropStsPolicies(now: number): Promise<void>
  /** Adds to what is known of a day (`2026-11-29`, UTC). */
  count(day: string, sessions: readonly TlsSessions[]): Promise<void>
  /** Days of which something is known, oldest first. */
  days(): Promise<readonly string[]>
  /** The domains of a day. */
  domains(day: string): Promise<readonly string[]>
  sessions(day: string, domain: string): Promise<readonly TlsSessions[]>
  /** Forgets a domain of a day, once it has been told; without a domain, the day. */
  forget(day: string, domain?: string): Promise<void>
}
