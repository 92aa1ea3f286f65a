/** What the DNS must say of a domain so that mail, mail programs and reports find this server. @module */
import { isIPv6 } from 'node:net'
import { type MtaStsPolicy, mtaStsId } from './mta-sts-policy.ts'

/** Services of a mail server that SRV records tell (RFC 6186 §3, RFC 8314 §5.1), the preferred before the other. */
export const MAIL_SERVICES = ['imaps', 'imap', 'pop3s', 'pop3', 'submissions', 'submission'] as const
export type MailService = (typeof MAIL_SERVICES)[number]

/** A name and a port that people reach. */
export interface PublicEndpoint {
  readonly host: string
  readonly port: number
}

/** Where people reach the services; what is missing is not offered. */
export type PublicServices = Readonly<Partial<Record<MailService, PublicEndpoint>>>

/** A DKIM key that is published. */
export interface DkimRecord {
  readonly selector: string
  /** `v=DKIM1; k=rsa; p=…` */
  readonly text: string
}

/** What is so, wherever it is known from. Names are in A-labels. */
export interface DomainFacts {
  readonly domain: string
  /** This server. */
  readonly hostname: string
  /** IP addresses; empty: not known here. */
  readonly addresses: readonly string[]
  readonly services: PublicServices
  readonly dkim: readonly DkimRecord[]
  readonly dmarc: 'none' | 'quarantine' | 'reject'
  /** Address for reports about DMARC and TLS. */
  readonly reports: string
  /** `null`: none is served. */
  readonly mtaSts: MtaStsPolicy | null
  /** Certificate authorities; empty: any. */
  readonly caa: readonly string[]
  /** SHA-256 of the public keys (SubjectPublicKeyInfo) of certificates that port 25 may show, in hexadecimal. */
  readonly tlsa: readonly string[]
}

/** What a record is there for. */
export type RecordPurpose =
  | 'mx'
  | 'address'
  | 'spf'
  | 'dkim'
  | 'dmarc'
  | 'mta-sts'
  | 'tls-rpt'
  | 'srv'
  | 'caa'
  | 'tlsa'
  | 'autoconfig'
  | 'autodiscover'

/** What a record says. Names have no dot at their end; an SRV target of `.` says that the service is not there. */
export type RecordData =
  | { readonly type: 'MX'; readonly preference: number; readonly exchange: string }
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'TXT'; readonly text: string }
  | { readonly type: 'CNAME'; readonly target: string }
  | {
      readonly type: 'SRV'
      readonly priority: number
      readonly weight: number
      readonly port: number
      readonly target: string
    }
  | { readonly type: 'CAA'; readonly flags: number; readonly tag: string; readonly value: string }
  | {
      readonly type: 'TLSA'
      readonly usage: number
      readonly selector: number
      readonly matching: number
      readonly data: string
    }

export type DnsRecord = { readonly name: string; readonly purpose: RecordPurpose } & RecordData

const TTL_SECONDS = 3_600
/** Of one string of a TXT record (RFC 1035 §3.3.14). */
const STRING_OCTETS = 255

/** Every record that should be there, those of one purpose together. */
export function dnsRecords(facts: DomainFacts): readonly DnsRecord[] {
  const { domain, hostname, addresses, reports, mtaSts } = facts
  const reportDomain = reports.slice(reports.lastIndexOf('@') + 1)
  const txt = (purpose: RecordPurpose, name: string, text: string): DnsRecord => ({ name, purpose, type: 'TXT', text })
  const alias = (purpose: RecordPurpose, label: string): DnsRecord => ({
    name: `${label}.${domain}`,
    purpose,
    type: 'CNAME',
    target: hostname,
  })
  const records: DnsRecord[] = [
    { name: domain, purpose: 'mx', type: 'MX', preference: 10, exchange: hostname },
    ...addresses.map(
      (address): DnsRecord => ({
        name: hostname,
        purpose: 'address',
        type: isIPv6(address) ? 'AAAA' : 'A',
        address,
      }),
    ),
    txt('spf', domain, 'v=spf1 mx -all'),
    // bounces have no sender: others look at the name that was given in HELO (RFC 7208 §2.4)
    ...(hostname === domain ? [] : [txt('spf', hostname, 'v=spf1 a -all')]),
    ...facts.dkim.map(({ selector, text }) => txt('dkim', `${selector}._domainkey.${domain}`, text)),
    txt('dmarc', `_dmarc.${domain}`, `v=DMARC1; p=${facts.dmarc}; rua=mailto:${reports}`),
    ...(reportDomain === domain ? [] : [txt('dmarc', `${domain}._report._dmarc.${reportDomain}`, 'v=DMARC1')]),
    txt('tls-rpt', `_smtp._tls.${domain}`, `v=TLSRPTv1; rua=mailto:${reports}`),
  ]
  if (mtaSts !== null) {
    records.push(txt('mta-sts', `_mta-sts.${domain}`, `v=STSv1; id=${mtaStsId(mtaSts)}`), alias('mta-sts', 'mta-sts'))
  }
  records.push(...serviceRecords(facts), alias('autoconfig', 'autoconfig'), alias('autodiscover', 'autodiscover'))
  records.push(...caaRecords(facts))
  for (const data of facts.tlsa) {
    const dane = { usage: 3, selector: 1, matching: 1 } as const
    records.push({ name: `_25._tcp.${hostname}`, purpose: 'tlsa', type: 'TLSA', ...dane, data })
  }
  return records
}

/** A service that is not offered is said not to be there (RFC 6186 §3.4), so that nobody goes on looking for it. */
function serviceRecords({ domain, services }: DomainFacts): DnsRecord[] {
  return MAIL_SERVICES.map((service) => {
    const place = services[service]
    const where =
      place === undefined ? { weight: 0, port: 0, target: '.' } : { weight: 1, port: place.port, target: place.host }
    return { name: `_${service}._tcp.${domain}`, purpose: 'srv', type: 'SRV', priority: 0, ...where }
  })
}

/** RFC 8659 §3: what stands at the domain counts for every name below it, so the host needs its own only elsewhere. */
function caaRecords({ domain, hostname, caa }: DomainFacts): DnsRecord[] {
  const names = isWithin(hostname, domain) ? [domain] : [domain, hostname]
  return names.flatMap((name) =>
    caa.map((value): DnsRecord => ({ name, purpose: 'caa', type: 'CAA', flags: 0, tag: 'issue', value })),
  )
}

function isWithin(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`)
}

/** One line of a zone file (RFC 1035 §5.1). */
export function formatRecord(record: DnsRecord): string {
  return `${dotted(record.name)} ${TTL_SECONDS} IN ${record.type} ${formatData(record)}`
}

/** What a record says, as a zone file has it. */
export function formatData(data: RecordData): string {
  switch (data.type) {
    case 'MX':
      return `${data.preference} ${dotted(data.exchange)}`
    case 'A':
    case 'AAAA':
      return data.address
    case 'TXT':
      return strings(data.text).map(quoted).join(' ')
    case 'CNAME':
      return dotted(data.target)
    case 'SRV':
      return `${data.priority} ${data.weight} ${data.port} ${dotted(data.target)}`
    case 'CAA':
      return `${data.flags} ${data.tag} ${quoted(data.value)}`
    case 'TLSA':
      return `${data.usage} ${data.selector} ${data.matching} ${data.data}`
  }
}

function dotted(name: string): string {
  return name.endsWith('.') ? name : `${name}.`
}

/** Our texts are ASCII. */
function strings(text: string): string[] {
  return text.match(new RegExp(`[^]{1,${STRING_OCTETS}}`, 'g')) ?? ['']
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
