/** Where DANE counts, and which records (RFC 7672 §2). Everything on the way must have been validated by DNSSEC. @module */
import type { DnsResult, Resolver, TlsaRecord } from '#services/resolver.ts'
import { usableTlsa } from './dane.ts'

/** What the DNS says about the certificate of a host. */
export type DaneAnswer =
  | {
      readonly kind: 'records'
      /** Those that can be used; none: TLS without looking at the certificate (RFC 7672 §2.2). */
      readonly tlsa: readonly TlsaRecord[]
      /** Where they stand: the name that goes into SNI (RFC 7672 §8.1). */
      readonly base: string
    }
  | { readonly kind: 'none' }
  /** It cannot be known whether there are records: nothing may be sent there now (RFC 7672 §2.1.1). */
  | { readonly kind: 'unavailable'; readonly reason: string }

/** @param host As the MX record says it. @param port Where it is connected to. */
export async function daneLookup(
  resolver: Pick<Resolver, 'a' | 'aaaa' | 'tlsa' | 'cname'>,
  host: string,
  port: number,
): Promise<DaneAnswer> {
  const [a, aaaa] = await Promise.all([resolver.a(host), resolver.aaaa(host)])
  // RFC 7672 §2.2.2: servers of zones that are not signed need not understand the question for TLSA
  const found = [a, aaaa].filter((one) => one.ok)
  if (found.length === 0) return unavailableOf(a) ?? unavailableOf(aaaa) ?? { kind: 'none' }
  if (!found.every((one) => one.authenticated)) return { kind: 'none' }
  const target = await endOfAliases(resolver, host)
  if (typeof target !== 'string') return target
  // RFC 7672 §2.2.3: first where the aliases end, then at the name itself
  for (const base of new Set([target, host])) {
    const answer = await resolver.tlsa(`_${port}._tcp.${base}`)
    if (answer.ok && answer.authenticated) return { kind: 'records', tlsa: usableTlsa(answer.records), base }
    const unavailable = unavailableOf(answer)
    if (unavailable !== undefined) return unavailable
  }
  return { kind: 'none' }
}

/** Whether an answer, or that there is none, has been validated. */
export function isAuthenticated(answer: DnsResult<unknown>): boolean {
  if (answer.ok) return answer.authenticated
  return answer.error.kind === 'none' && answer.error.authenticated
}

/** What the DNS does not tell now may be kept from us by somebody (RFC 7672 §2.1.1). */
export function unavailableOf(answer: DnsResult<unknown>): Extract<DaneAnswer, { kind: 'unavailable' }> | undefined {
  if (answer.ok || answer.error.kind !== 'temporary') return undefined
  return { kind: 'unavailable', reason: answer.error.reason }
}

/** The host's addresses have been validated, and so have the aliases that lead there. */
async function endOfAliases(
  resolver: Pick<Resolver, 'cname'>,
  from: string,
): Promise<string | Extract<DaneAnswer, { kind: 'unavailable' }>> {
  let at = from
  for (let aliases = 0; aliases < 8; aliases += 1) {
    const next = await resolver.cname(at)
    const unavailable = unavailableOf(next)
    if (unavailable !== undefined) return unavailable
    const [name] = next.ok && next.authenticated ? next.records : []
    if (name === undefined) break
    at = name
  }
  return at
}
