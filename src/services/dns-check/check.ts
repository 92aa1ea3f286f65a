/** Compares what the DNS says of a domain with what it should say (`dns-records.ts`). @module */
import type { Result } from '#lib/result.ts'
import { type DnsRecord, type DomainFacts, dnsRecords, formatData } from '../dns-records.ts'
import { formatMtaStsPolicy, mtaStsId } from '../mta-sts-policy.ts'
import type { Resolver } from '../resolver.ts'
import { addressesOf, type DnsFinding, Findings, recordsOf, tagsOf, versioned } from './finding.ts'
import { checkCaa, checkTlsa } from './security.ts'
import { lookAtSpf, SPF_LOOKUPS } from './spf.ts'

export interface CheckDeps {
  readonly resolver: Resolver
  /** The MTA-STS policy of a domain as others get it, or in words why it cannot be had. */
  readonly fetchPolicy: (domain: string) => Promise<Result<string, { readonly words: string }>>
}

/** What is known during a check. */
interface Look extends CheckDeps {
  readonly facts: DomainFacts
  readonly records: readonly DnsRecord[]
  /** Where this server is. */
  readonly here: readonly string[]
}

/** Everything that is found, in the order of the records. */
export async function checkDns(facts: DomainFacts, deps: CheckDeps): Promise<readonly DnsFinding[]> {
  const records = dnsRecords(facts)
  const mx = await checkMx(facts, deps.resolver)
  if (mx.some(({ kind }) => kind === 'no-such-domain')) return mx
  const { here, findings } = await checkAddresses(facts, deps.resolver)
  const look: Look = { ...deps, facts, records, here }
  const rest = await Promise.all([
    checkReverse(look),
    checkSpf(look),
    checkDkim(look),
    checkDmarc(look),
    checkTlsReports(look),
    checkMtaSts(look),
    checkServices(look),
    checkAlias(look, 'autoconfig'),
    checkAlias(look, 'autodiscover'),
    checkCaa(facts, deps.resolver),
    checkTlsa(facts, deps.resolver),
  ])
  return [...mx, ...findings, ...rest.flat()]
}

async function checkMx({ domain, hostname }: DomainFacts, resolver: Resolver): Promise<readonly DnsFinding[]> {
  const findings = new Findings('mx', domain, `10 ${hostname}.`)
  const answer = await resolver.mx(domain)
  if (!answer.ok && answer.error.kind === 'none' && !answer.error.nameExists) {
    findings.fault('no-such-domain')
    return findings.end()
  }
  const records = recordsOf(answer, findings)
  if (records === undefined) return findings.end()
  findings.found(...records.map((one) => formatData({ type: 'MX', ...one })))
  const others = records.filter(({ exchange }) => exchange !== hostname)
  if (records.length === 0) findings.fault('mx-missing')
  else if (records.every(({ exchange }) => exchange === '')) findings.fault('mx-null')
  else if (others.length === records.length) findings.fault('mx-elsewhere')
  else if (others.length > 0) findings.hint('mx-also-elsewhere', others.map(({ exchange }) => exchange).join(', '))
  const alias = await resolver.cname(hostname)
  if (alias.ok && alias.records.length > 0) findings.fault('mx-is-cname', alias.records.join(', '))
  return findings.end()
}

async function checkAddresses(
  { hostname, addresses }: DomainFacts,
  resolver: Resolver,
): Promise<{ readonly here: readonly string[]; readonly findings: readonly DnsFinding[] }> {
  const findings = new Findings('address', hostname, addresses.join(' '))
  const found = await addressesOf(resolver, hostname, findings)
  if (found === undefined) return { here: addresses, findings: findings.end() }
  findings.found(...found)
  const missing = addresses.filter((address) => !found.includes(address))
  const extra = addresses.length === 0 ? [] : found.filter((address) => !addresses.includes(address))
  if (found.length === 0) findings.fault('address-missing')
  else if (missing.length > 0 || extra.length > 0) findings.fault('address-differs', [...missing, ...extra].join(', '))
  return { here: addresses.length > 0 ? addresses : found, findings: findings.end() }
}

/** Others want the name of an address to lead back to it (FCrDNS). */
async function checkReverse({ here, facts: { hostname }, resolver }: Look): Promise<readonly DnsFinding[]> {
  const all = await Promise.all(
    here.map(async (address) => {
      const findings = new Findings('ptr', address, `${hostname}.`)
      const names = recordsOf(await resolver.ptr(address), findings)
      if (names === undefined) return findings.end()
      findings.found(...names.map((name) => `${name}.`))
      if (names.length === 0) findings.fault('ptr-missing')
      else if (!names.includes(hostname)) {
        const back = await Promise.all(names.map((name) => addressesOf(resolver, name, findings)))
        if (back.some((addresses) => addresses?.includes(address) === true)) findings.hint('ptr-other-name')
        else findings.fault('ptr-not-back')
      }
      return findings.end()
    }),
  )
  return all.flat()
}

async function checkSpf({ records, here, resolver }: Look): Promise<readonly DnsFinding[]> {
  const all = await Promise.all(
    expectedOf(records, 'spf').map(async ({ name, data }) => {
      const findings = new Findings('spf', name, data)
      const look = await lookAtSpf(resolver, name)
      if ('kind' in look) {
        if (look.kind === 'none') findings.fault('spf-missing')
        else if (look.kind === 'syntax') findings.fault('spf-syntax', look.term)
        else if (look.kind === 'include') findings.fault('spf-include-missing', look.name)
        else if (look.kind === 'temporary') findings.unanswered(look.reason)
        else {
          findings.found(...look.records)
          findings.fault('spf-two')
        }
        return findings.end()
      }
      findings.found(look.record)
      const outside = here.filter((address) => look.result(address) !== 'pass')
      if (outside.length > 0) findings.fault('spf-without-us', outside.join(', '))
      if (look.lookups > SPF_LOOKUPS) findings.fault('spf-lookups', String(look.lookups))
      if (look.others === 'pass') findings.fault('spf-plus-all')
      else if (look.others === 'neutral') findings.hint('spf-open-end')
      return findings.end()
    }),
  )
  return all.flat()
}

async function checkDkim({ facts, records, resolver }: Look): Promise<readonly DnsFinding[]> {
  if (facts.dkim.length === 0) {
    const findings = new Findings('dkim', facts.domain, '')
    findings.hint('dkim-no-keys')
    return findings.end()
  }
  const all = await Promise.all(
    expectedOf(records, 'dkim').map(async ({ name, text, data }) => {
      const findings = new Findings('dkim', name, data)
      const texts = recordsOf(await resolver.txt(name), findings)
      if (texts === undefined) return findings.end()
      findings.found(...texts)
      const keys = texts.map(publicKey)
      if (texts.length === 0) findings.fault('dkim-missing')
      else if (keys.some((key) => key === '')) findings.fault('dkim-revoked')
      else if (texts.length > 1 || keys[0] !== publicKey(text)) findings.fault('dkim-other-key')
      return findings.end()
    }),
  )
  return all.flat()
}

/** `p=` without the blanks that panels of providers put into it. */
function publicKey(text: string): string | undefined {
  return tagsOf(text)?.get('p')?.replace(/\s+/g, '')
}

async function checkDmarc({ facts: { domain }, records, resolver }: Look): Promise<readonly DnsFinding[]> {
  const [{ name, data } = NOTHING] = expectedOf(records, 'dmarc')
  const findings = new Findings('dmarc', name, data)
  const texts = recordsOf(await resolver.txt(name), findings)
  if (texts === undefined) return findings.end()
  const [text, ...more] = versioned(texts, 'DMARC1')
  findings.found(...(text === undefined ? texts : [text, ...more]))
  if (text === undefined) findings.fault(texts.length > 0 ? 'dmarc-syntax' : 'dmarc-missing', texts[0])
  else if (more.length > 0) findings.fault('dmarc-two')
  else {
    const tags = tagsOf(text)
    const wrong = tags === undefined ? text : wrongTag(tags)
    if (wrong !== undefined) findings.fault('dmarc-syntax', wrong)
    else if (tags?.get('p')?.toLowerCase() === 'none') findings.hint('dmarc-none')
    for (const reporter of reportDomains(tags?.get('rua') ?? '', domain)) {
      const allowed = recordsOf(await resolver.txt(`${domain}._report._dmarc.${reporter}`), findings)
      if (allowed !== undefined && versioned(allowed, 'DMARC1').length === 0)
        findings.hint('dmarc-reports-refused', reporter)
    }
  }
  return findings.end()
}

/** RFC 7489 §6.3 */
const DMARC_TAGS: ReadonlyMap<string, RegExp> = new Map([
  ['p', /^(?:none|quarantine|reject)$/i],
  ['sp', /^(?:none|quarantine|reject)$/i],
  ['np', /^(?:none|quarantine|reject)$/i],
  ['adkim', /^[rs]$/i],
  ['aspf', /^[rs]$/i],
  ['pct', /^(?:100|\d{1,2})$/],
  ['ri', /^\d{1,10}$/],
  ['rua', /^\s*mailto:[^\s,]+@[^\s,]+(?:\s*,\s*mailto:[^\s,]+@[^\s,]+)*\s*$/i],
  ['ruf', /^\s*mailto:[^\s,]+@[^\s,]+(?:\s*,\s*mailto:[^\s,]+@[^\s,]+)*\s*$/i],
])

function wrongTag(tags: ReadonlyMap<string, string>): string | undefined {
  if (!tags.has('p')) return 'p='
  for (const [name, form] of DMARC_TAGS) {
    const value = tags.get(name)
    if (value !== undefined && !form.test(value)) return `${name}=${value}`
  }
  return undefined
}

/** Domains of others that reports go to, which must agree (RFC 7489 §7.1). */
function reportDomains(rua: string, domain: string): readonly string[] {
  const named = Array.from(rua.matchAll(/mailto:[^\s,@]+@([^\s,!]+)/gi), ([, name = '']) => name.toLowerCase())
  return [...new Set(named)].filter(
    (name) => name !== domain && !name.endsWith(`.${domain}`) && !domain.endsWith(`.${name}`),
  )
}

async function checkTlsReports({ records, resolver }: Look): Promise<readonly DnsFinding[]> {
  const [{ name, data } = NOTHING] = expectedOf(records, 'tls-rpt')
  const findings = new Findings('tls-rpt', name, data)
  const texts = recordsOf(await resolver.txt(name), findings)
  if (texts === undefined) return findings.end()
  const [text, ...more] = versioned(texts, 'TLSRPTv1')
  findings.found(...texts)
  if (text === undefined) findings.hint('tls-rpt-missing')
  else if (more.length > 0) findings.fault('tls-rpt-two')
  else if (!/^(?:mailto|https):\S/i.test(tagsOf(text)?.get('rua') ?? '')) findings.fault('tls-rpt-syntax')
  return findings.end()
}

async function checkMtaSts(look: Look): Promise<readonly DnsFinding[]> {
  const { facts, here, resolver, fetchPolicy } = look
  const { domain, mtaSts } = facts
  const name = `_mta-sts.${domain}`
  const expected = mtaSts === null ? '' : `"v=STSv1; id=${mtaStsId(mtaSts)}"`
  const findings = new Findings('mta-sts', name, expected)
  const texts = recordsOf(await resolver.txt(name), findings)
  if (texts === undefined) return findings.end()
  const [text, ...more] = versioned(texts, 'STSv1')
  findings.found(...texts)
  if (mtaSts === null) {
    if (text !== undefined) findings.fault('mta-sts-unwanted')
    return findings.end()
  }
  if (text === undefined) {
    findings.hint('mta-sts-missing')
    return findings.end()
  }
  const id = tagsOf(text)?.get('id')
  if (more.length > 0) findings.fault('mta-sts-two')
  else if (id === undefined || !/^[A-Za-z0-9]{1,32}$/.test(id)) findings.fault('mta-sts-syntax')
  else if (id !== mtaStsId(mtaSts)) findings.fault('mta-sts-id', id)
  const host = `mta-sts.${domain}`
  const policy = new Findings('mta-sts', host, formatMtaStsPolicy(mtaSts).trimEnd().replaceAll('\r\n', ', '))
  const addresses = await addressesOf(resolver, host, policy)
  policy.found(...(addresses ?? []))
  if (addresses !== undefined && !addresses.some((address) => here.includes(address))) policy.fault('mta-sts-elsewhere')
  if (addresses === undefined || addresses.length === 0) return [...findings.end(), ...policy.end()]
  const answer = await fetchPolicy(domain)
  if (!answer.ok) policy.fault('mta-sts-unreachable', answer.error.words)
  else {
    const lines = answer.value.split(/\r?\n/).filter((line) => line !== '')
    policy.found(lines.join(', '))
    if (!sameLines(lines, formatMtaStsPolicy(mtaSts).split('\r\n'))) policy.fault('mta-sts-policy')
  }
  return [...findings.end(), ...policy.end()]
}

/** Keys may come in any order, with any blanks (RFC 8461 §3.2). */
function sameLines(one: readonly string[], other: readonly string[]): boolean {
  const plain = (lines: readonly string[]): string =>
    lines
      .map((line) => line.replace(/\s+/g, '').toLowerCase())
      .filter((line) => line !== '')
      .toSorted()
      .join('\n')
  return plain(one) === plain(other)
}

async function checkServices({ records, resolver }: Look): Promise<readonly DnsFinding[]> {
  const all = await Promise.all(
    records.map(async (record) => {
      if (record.type !== 'SRV') return []
      const findings = new Findings('srv', record.name, formatData(record))
      const found = recordsOf(await resolver.srv(record.name), findings)
      if (found === undefined) return findings.end()
      findings.found(...found.map((one) => formatData({ type: 'SRV', ...one })))
      const there = found.filter(({ target }) => target !== '' && target !== '.')
      if (record.target === '.') {
        if (there.length > 0) findings.fault('srv-unwanted')
      } else if (found.length === 0) findings.hint('srv-missing')
      else if (!there.some(({ target, port }) => target === record.target && port === record.port))
        findings.fault('srv-differs')
      return findings.end()
    }),
  )
  return all.flat()
}

async function checkAlias(
  { facts: { domain, hostname }, here, resolver }: Look,
  purpose: 'autoconfig' | 'autodiscover',
): Promise<readonly DnsFinding[]> {
  const name = `${purpose}.${domain}`
  const findings = new Findings(purpose, name, `${hostname}.`)
  const addresses = await addressesOf(resolver, name, findings)
  if (addresses === undefined) return findings.end()
  findings.found(...addresses)
  if (addresses.length === 0) findings.hint(`${purpose}-missing`)
  else if (!addresses.some((address) => here.includes(address))) findings.fault(`${purpose}-elsewhere`)
  return findings.end()
}

const NOTHING = { name: '', data: '', text: '' }

/** Records of a purpose that are texts. */
function expectedOf(
  records: readonly DnsRecord[],
  purpose: DnsRecord['purpose'],
): readonly { readonly name: string; readonly data: string; readonly text: string }[] {
  return records.flatMap((record) =>
    record.purpose === purpose && record.type === 'TXT'
      ? [{ name: record.name, data: formatData(record), text: record.text }]
      : [],
  )
}
