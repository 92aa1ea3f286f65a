/** Which policy a connection is under: DANE before MTA-STS before nobody (RFC 8461 §2). @module */
import { done, type Result, refused } from '#lib/result.ts'
import type { Resolver } from '#services/resolver.ts'
import type { KnownStsPolicy } from '#store/tls-records.ts'
import { type DaneAnswer, daneLookup, isAuthenticated, unavailableOf } from './dane-lookup.ts'
import type { MtaSts } from './mta-sts.ts'
import { listsHost } from './sts-policy.ts'
import { opportunistic, type TlsPolicies, type TlsPolicy, type TlsRefusal } from './tls-policy.ts'

export interface TlsPoliciesDeps {
  readonly resolver: Pick<Resolver, 'mx' | 'a' | 'aaaa' | 'tlsa' | 'cname'>
  readonly mtaSts: Pick<MtaSts, 'policyFor'>
}

/** Policies as the DNS and the domains tell them. */
export function tlsPolicies({ resolver, mtaSts }: TlsPoliciesDeps): TlsPolicies {
  return {
    async policyFor(domain, host, port = 25) {
      const dane = await daneOf(resolver, domain, host, port)
      if (dane.kind === 'unavailable') {
        const reply = `4.7.5 DANE of ${host}: its TLSA records cannot be had: ${dane.reason}`
        return refused({ kind: 'unavailable', reply })
      }
      if (dane.kind === 'records' && dane.tlsa.length > 0) return done(danePolicy(domain, host, dane))
      const sts = await mtaSts.policyFor(domain)
      const policy = stsPolicyFor(domain, host, sts)
      // RFC 7672 §2.2: records of which none can be used ask for TLS all the same
      if (dane.kind === 'none' || !policy.ok || policy.value.level === 'verified') return policy
      return done({ ...policy.value, level: 'encrypted', source: 'dane', why: `DANE of ${host}` })
    },
  }
}

/** RFC 7672 §2.2.1: the MX records must have been validated too, or else the host's name is anybody's. */
async function daneOf(
  resolver: TlsPoliciesDeps['resolver'],
  domain: string,
  host: string,
  port: number,
): Promise<DaneAnswer> {
  const mx = await resolver.mx(domain)
  if (!isAuthenticated(mx)) return unavailableOf(mx) ?? { kind: 'none' }
  return daneLookup(resolver, host, port)
}

function danePolicy(domain: string, host: string, dane: Extract<DaneAnswer, { kind: 'records' }>): TlsPolicy {
  // RFC 7672 §3.2.2: the name where the records stand, the host before aliases, the domain of the address
  const names = [...new Set([dane.base, host, domain])]
  return { level: 'dane', source: 'dane', names, tlsa: dane.tlsa, why: `DANE of ${host}` }
}

function stsPolicyFor(domain: string, host: string, known: KnownStsPolicy | undefined): Result<TlsPolicy, TlsRefusal> {
  const plain = opportunistic(host)
  if (known === undefined || known.mode === 'none') return done(plain)
  const why = `MTA-STS of ${domain} (${known.mode})`
  const listed = listsHost(known, host)
  const asked: TlsPolicy = { ...plain, level: 'verified', source: 'mta-sts', why, sts: known }
  if (known.mode === 'testing') return done({ ...plain, testing: listed ? asked : { ...asked, names: [] } })
  if (listed) return done(asked)
  return refused({ kind: 'not-listed', reply: `4.7.5 ${why}: ${host} is not in its policy`, sts: known })
}
