/** How TLS to other servers went, counted for those who ask to be told (RFC 8460 §4.2). @module */
import type { Clock } from '#lib/clock.ts'
import type { Result } from '#lib/result.ts'
import type { TlsaRecord } from '#services/resolver.ts'
import type { AppliedPolicy, TlsRecords, TlsSessions } from '#store/tls-records.ts'
import type { ConnectFailure } from './open-connection.ts'
import { NOT_LISTED, type PeerFault, type TlsFailure } from './peer-verdict.ts'
import type { FetchFault } from './policy-fetch.ts'
import type { TlsPolicies, TlsPolicy, TlsRefusal } from './tls-policy.ts'
import type { ConnectOptions, OutboundConnection } from './transport.ts'

export interface TlsResultsDeps {
  readonly records: Pick<TlsRecords, 'count'>
  readonly clock: Clock
  /** Calls back after so many milliseconds, unless what it gives is called before. */
  readonly after: (ms: number, run: () => void) => () => void
  /** Counts could not be written; nothing else depends on them. */
  readonly onFault: (error: unknown) => void
}

/** How long counts stay in memory, and how many that are unlike each other. */
const FLUSH_MS = 30_000
const MOST_HELD = 1_000

/** Counts. It belongs to one thread. */
export class TlsResults implements AsyncDisposable {
  readonly #deps: TlsResultsDeps
  #held = new Map<string, TlsSessions>()
  #day = ''
  #cancel: (() => void) | undefined
  #writing: Promise<void> = Promise.resolve()
  #ended = false

  constructor(deps: TlsResultsDeps) {
    this.#deps = deps
  }

  /** What became of a connection to a server of a domain. */
  readonly tried = (
    { tls, host, address }: Pick<ConnectOptions, 'tls' | 'host' | 'address'>,
    domain: string,
    opened: Result<Pick<OutboundConnection, 'tls' | 'testingFault'>, ConnectFailure>,
  ): void => {
    // who answers for a smarthost is no domain; what did not come to TLS says nothing about it
    if (tls.source === 'route' || (!opened.ok && opened.error.kind !== 'tls')) return
    const fault = opened.ok ? faultOf(opened.value) : failureOf(opened.error)
    this.#note(domain, appliedPolicy(tls.testing ?? tls), host, address, fault)
  }

  /** The same policies; where nothing may be sent, that is counted. */
  noting(policies: TlsPolicies): TlsPolicies {
    return {
      policyFor: async (domain, host, port) => {
        const policy = await policies.policyFor(domain, host, port)
        if (!policy.ok) this.#note(domain, refusedPolicy(policy.error), host, '', refusalFault(policy.error))
        return policy
      },
    }
  }

  /** The MTA-STS policy of a domain could not be had. */
  fetchFault(domain: string, { failure, words }: FetchFault): void {
    this.#note(domain, { type: 'sts', text: [], mx: [] }, '', '', { failure, words })
  }

  /** Writes what is held. */
  flush(): Promise<void> {
    this.#cancel?.()
    this.#cancel = undefined
    const sessions = [...this.#held.values()]
    this.#held = new Map()
    if (sessions.length === 0) return this.#writing
    const day = this.#day
    this.#writing = this.#writing.then(async () => {
      try {
        await this.#deps.records.count(day, sessions)
      } catch (error) {
        this.#deps.onFault(error)
      }
    })
    return this.#writing
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true
    return this.flush()
  }

  #note(domain: string, policy: AppliedPolicy, host: string, address: string, fault: PeerFault | undefined): void {
    if (this.#ended) return
    const today = dayOf(this.#deps.clock.now())
    if (today !== this.#day || this.#held.size >= MOST_HELD) void this.flush()
    this.#day = today
    const failure: TlsFailure | '' = fault?.failure ?? ''
    const words = fault?.words ?? ''
    const key = JSON.stringify([domain, policy, host, address, failure, words])
    const count = (this.#held.get(key)?.count ?? 0) + 1
    this.#held.set(key, { domain, policy, host, address, failure, words, count })
    this.#cancel ??= this.#deps.after(FLUSH_MS, () => void this.flush())
  }
}

/** The day of a report (RFC 8460 §4.1: UTC). */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

function faultOf({ tls, testingFault }: Pick<OutboundConnection, 'tls' | 'testingFault'>): PeerFault | undefined {
  return tls === undefined ? { failure: 'starttls-not-supported', words: '' } : testingFault
}

function failureOf({ failure, reply, words }: ConnectFailure): PeerFault {
  if (failure !== undefined) return { failure, words }
  // a reply: it said that it has none; else it broke on the way
  if (reply !== undefined) return { failure: 'starttls-not-supported', words: reply.text }
  return { failure: 'validation-failure', words }
}

function refusalFault({ kind, reply }: TlsRefusal): PeerFault {
  return kind === 'not-listed' ? NOT_LISTED : { failure: 'dnssec-invalid', words: reply.replace(/^[\d.]+ /, '') }
}

function refusedPolicy({ sts }: TlsRefusal): AppliedPolicy {
  return sts === undefined ? { type: 'tlsa', text: [], mx: [] } : stsPolicy(sts)
}

function appliedPolicy({ source, tlsa, sts }: TlsPolicy): AppliedPolicy {
  if (source === 'dane') return { type: 'tlsa', text: tlsa.map(tlsaText), mx: [] }
  return sts === undefined ? { type: 'no-policy-found', text: [], mx: [] } : stsPolicy(sts)
}

function stsPolicy({ mode, mx, maxAgeSeconds }: NonNullable<TlsPolicy['sts']>): AppliedPolicy {
  const text = ['version: STSv1', `mode: ${mode}`, ...mx.map((one) => `mx: ${one}`), `max_age: ${maxAgeSeconds}`]
  return { type: 'sts', text, mx }
}

/** As in a zone file (RFC 6698 §2.2). */
function tlsaText({ usage, selector, matching, data }: TlsaRecord): string {
  return `${usage} ${selector} ${matching} ${Buffer.from(data).toString('hex').toUpperCase()}`
}
