/** The MTA-STS policies of other domains: found, fetched, kept as long as they hold (RFC 8461 §5.1). @module */
import type { Clock } from '#lib/clock.ts'
import type { Resolver } from '#services/resolver.ts'
import type { KnownStsPolicy, TlsRecords } from '#store/tls-records.ts'
import type { FetchFault, PolicyFetch } from './policy-fetch.ts'
import { parseStsPolicy, parseStsRecord } from './sts-policy.ts'

export interface MtaStsDeps {
  readonly resolver: Pick<Resolver, 'txt'>
  readonly records: Pick<TlsRecords, 'stsPolicy' | 'keepStsPolicy'>
  readonly fetch: PolicyFetch
  readonly clock: Clock
  /** A policy could not be had; mail goes on under the one that is known, or without. */
  readonly onFault: (domain: string, fault: FetchFault) => void
}

/** A policy in use is looked at again after this, so that who blocks it for a while does not end it (RFC 8461 §10.2). */
const REFRESH_MS = 86_400_000
/** What failed is not tried again before (RFC 8461 §3.3 says five minutes or more). */
const RETRY_MS = 300_000
/** Failures that are remembered. */
const MOST_FAILED = 10_000

export class MtaSts {
  readonly #deps: MtaStsDeps
  readonly #running = new Map<string, Promise<KnownStsPolicy | undefined>>()
  /** Domain and id, and when they failed. */
  readonly #failed = new Map<string, number>()

  constructor(deps: MtaStsDeps) {
    this.#deps = deps
  }

  /** The policy that holds now; `undefined`: none. */
  async policyFor(domain: string): Promise<KnownStsPolicy | undefined> {
    const { resolver, records, clock } = this.#deps
    const [txt, known] = await Promise.all([resolver.txt(`_mta-sts.${domain}`), records.stsPolicy(domain)])
    const now = clock.now()
    const holds = known !== undefined && known.fetchedAt + known.maxAgeSeconds * 1000 > now ? known : undefined
    const id = txt.ok ? parseStsRecord(txt.records) : undefined
    // RFC 8461 §5.1: what is known goes on to hold when the DNS says nothing of it any more
    if (id === undefined) return holds
    if (holds?.id === id) {
      if (now - holds.fetchedAt > REFRESH_MS) void this.#refresh(domain, id)
      return holds
    }
    return (await this.#fetched(domain, id)) ?? holds
  }

  /** Nobody waits for it. */
  async #refresh(domain: string, id: string): Promise<void> {
    try {
      await this.#fetched(domain, id)
    } catch (error) {
      this.#deps.onFault(domain, { failure: 'sts-policy-fetch-error', words: String(error) })
    }
  }

  /** One at a time for a domain. @returns `undefined`: it cannot be had. */
  #fetched(domain: string, id: string): Promise<KnownStsPolicy | undefined> {
    const key = `${domain} ${id}`
    const running = this.#running.get(key)
    if (running !== undefined) return running
    if (this.#deps.clock.now() - (this.#failed.get(key) ?? Number.NEGATIVE_INFINITY) < RETRY_MS) {
      return Promise.resolve(undefined)
    }
    const fetching = this.#fetch(domain, id).finally(() => this.#running.delete(key))
    this.#running.set(key, fetching)
    return fetching
  }

  async #fetch(domain: string, id: string): Promise<KnownStsPolicy | undefined> {
    const { fetch, records, clock } = this.#deps
    const key = `${domain} ${id}`
    const text = await fetch(domain)
    const policy = text.ok ? parseStsPolicy(text.value) : text.error
    if (typeof policy === 'object' && 'mode' in policy) {
      this.#failed.delete(key)
      const known = { id, ...policy, fetchedAt: clock.now() }
      await records.keepStsPolicy(domain, known)
      return known
    }
    this.#failed.delete(key)
    this.#failed.set(key, clock.now())
    for (const oldest of this.#failed.keys()) {
      if (this.#failed.size <= MOST_FAILED) break
      this.#failed.delete(oldest)
    }
    this.#deps.onFault(domain, typeof policy === 'string' ? { failure: 'sts-policy-invalid', words: policy } : policy)
    return undefined
  }
}
