/** Records about certificates: who may sign them (CAA), and which key port 25 shows (TLSA). @module */
import type { DomainFacts } from '../dns-records.ts'
import type { CaaRecord, Resolver } from '../resolver.ts'
import { type DnsFinding, Findings, recordsOf } from './finding.ts'

/** For the host and for names below the domain, which have certificates of their own. */
export async function checkCaa(
  { domain, hostname, caa }: DomainFacts,
  resolver: Resolver,
): Promise<readonly DnsFinding[]> {
  const names = hostname === domain || hostname.endsWith(`.${domain}`) ? [hostname] : [hostname, domain]
  const all = await Promise.all(
    names.map(async (name) => {
      const findings = new Findings('caa', name, caa.map((one) => `0 issue "${one}"`).join(' '))
      const records = await relevant(resolver, name, findings)
      if (records === undefined || caa.length === 0) return findings.end()
      findings.found(...records.map(({ critical, tag, value }) => `${critical ? 128 : 0} ${tag} "${value}"`))
      const issuers = records.filter(({ tag }) => tag.toLowerCase() === 'issue').map(({ value }) => issuer(value))
      if (records.length === 0) findings.hint('caa-missing')
      else if (issuers.length > 0 && !caa.some((one) => issuers.includes(one)))
        findings.fault('caa-forbids', caa.join(', '))
      return findings.end()
    }),
  )
  return all.flat()
}

/** Those of the name or of the nearest above it that has any (RFC 8659 §3). */
async function relevant(
  resolver: Resolver,
  name: string,
  findings: Findings,
): Promise<readonly CaaRecord[] | undefined> {
  for (let above = name; above.includes('.'); above = above.slice(above.indexOf('.') + 1)) {
    const records = recordsOf(await resolver.caa(above), findings)
    if (records === undefined || records.length > 0) return records
  }
  return []
}

/** `letsencrypt.org` of `letsencrypt.org; validationmethods=dns-01`. */
function issuer(value: string): string {
  return (value.split(';')[0] ?? '').trim().toLowerCase()
}

/** Others believe them only where the zone is signed, and then refuse a key that none of them names (RFC 7672 §2.2). */
export async function checkTlsa({ hostname, tlsa }: DomainFacts, resolver: Resolver): Promise<readonly DnsFinding[]> {
  if (tlsa.length === 0) return []
  const findings = new Findings('tlsa', `_25._tcp.${hostname}`, tlsa.map((hash) => `3 1 1 ${hash}`).join(' '))
  const answer = await resolver.tlsa(`_25._tcp.${hostname}`)
  const records = recordsOf(answer, findings)
  if (records === undefined) return findings.end()
  const texts = records.map(({ usage, selector, matching, data }) => ({
    kind: `${usage} ${selector} ${matching}`,
    hash: Buffer.from(data).toString('hex'),
  }))
  findings.found(...texts.map(({ kind, hash }) => `${kind} ${hash}`))
  const signed = answer.ok ? answer.authenticated : answer.error.kind === 'none' && answer.error.authenticated
  if (records.length === 0) {
    if (signed) findings.hint('tlsa-missing')
    return findings.end()
  }
  // what names a whole certificate or an authority cannot be told from the key
  const comparable = texts.every(({ kind }) => kind === '3 1 1')
  if (comparable && !texts.some(({ hash }) => tlsa.includes(hash))) findings.fault('tlsa-differs')
  else if (!signed) findings.hint('tlsa-unsigned')
  return findings.end()
}
