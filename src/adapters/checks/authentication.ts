/** SPF, DKIM, ARC and DMARC of one message, by `mailauth`. This module is loaded by the checks thread alone. @module */
import { Readable } from 'node:stream'
import type { ARCChainEntry, ARCResult, DKIMResult, DMARCResult, SPFResult } from 'mailauth'
import { arc as verifyArc } from 'mailauth/lib/arc/index.js'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { evaluateDmarc } from 'mailauth/lib/dmarc/index.js'
import { spf as verifySpf } from 'mailauth/lib/spf/index.js'
import { MISSING_DOMAIN, parseAddresses } from '#mail/addresses.ts'
import type { MethodResult } from '#mail/authentication-results.ts'
import { type AuthenticationResults, parseAuthenticationResults } from '#mail/authentication-results.ts'
import { binaryOf } from '#mail/bytes.ts'
import { unfold } from '#mail/headers.ts'
import { parseDomain } from '#services/addresses.ts'
import type { Sending } from '#services/inbound-checks.ts'
import type { Resolver } from '#services/resolver.ts'
import { asMailauthResolver } from '../dns/mailauth-resolver.ts'
import { MIN_KEY_BITS } from './limits.ts'

/** A domain that a mechanism says something about. */
export interface Identified {
  /** `pass`, `fail`, `temperror` … */
  readonly result: string
  /** Lower case; empty where there is none. */
  readonly domain: string
}

/** One set of an ARC chain that is whole (RFC 8617 §4). */
export interface Seal {
  readonly domain: string
  /** What the sealer says it found. */
  readonly found: AuthenticationResults | undefined
}

export type DmarcPolicy = 'none' | 'quarantine' | 'reject'

/** What DMARC says (RFC 7489, RFC 9989). */
export type DmarcFinding =
  /** The domain asks for nothing. */
  | { readonly kind: 'none' }
  /** No domain speaks for the message: it has several authors, or none that can be read (RFC 9989 §5.3.1). */
  | { readonly kind: 'no-one-author'; readonly why: 'several authors' | 'no author' }
  /** The DNS does not say now what the domain of the author asks for, or who speaks for it. */
  | { readonly kind: 'temperror'; readonly author: string }
  | {
      readonly kind: 'pass' | 'fail'
      readonly author: string
      /** What counts for this author: of a subdomain, one that does not exist, or a test (`t=y`). */
      readonly policy: DmarcPolicy
      /** Organizational domain: identifiers in it may align. */
      readonly organization: string
      /** Share of the messages that the policy is for (RFC 7489 §6.3 `pct`). */
      readonly percent: number
    }

export interface Authentication {
  readonly spf: Identified
  readonly dkim: readonly Identified[]
  readonly arc: string
  /** Oldest first; empty where the chain does not pass. */
  readonly seals: readonly Seal[]
  readonly dmarc: DmarcFinding
  /** As they are written in Authentication-Results, DMARC's without what was made of it. */
  readonly results: readonly MethodResult[]
}

/** Verifies everything; what DNS does not say now is `temperror`. */
export async function authenticate(
  octets: AsyncIterable<Uint8Array>,
  sending: Sending,
  resolver: Resolver,
  hostname: string,
): Promise<Authentication> {
  const dns = asMailauthResolver(resolver)
  const options = { resolver: dns, minBitLength: MIN_KEY_BITS }
  const identity = { ip: sending.remoteAddress, helo: sending.helo, mta: hostname, resolver: dns }
  const [verified, spf, helo] = await Promise.all([
    dkimVerify(Readable.from(octets, { objectMode: false }), {
      ...options,
      sender: sending.sender,
      rejectRsaSha1: true,
    }),
    verifySpf({ ...identity, sender: sending.sender }),
    // both identities are checked (RFC 7208 §2.3)
    sending.sender === '' ? undefined : verifySpf({ ...identity, sender: '' }),
  ])
  const chain = verified.arc?.chain
  const arc =
    verified.arc === undefined
      ? undefined
      : await verifyArc({ ...verified.arc, chain: chain === false ? [] : (chain ?? []) }, options)
  const signatures = verified.results.filter(({ signingDomain }) => signingDomain !== undefined)
  const { response, reason } = await evaluateDmarc({
    headerFrom: verified.headerFrom,
    fromFields: verified.fromFields,
    spfDomains: spf.status.result === 'pass' ? [spf.domain] : [],
    dkimDomains: signatures
      .filter(({ status }) => verdictOn(status) === 'pass')
      .map(({ id, signingDomain = '', status: { aligned = false } }) => ({
        id: id ?? '',
        domain: signingDomain,
        aligned,
        underSized: 0,
      })),
    resolver: dns,
  })
  const dkim = signatures.map(dkimResult)
  const results = [...spfResults(spf, helo), ...(dkim.length === 0 ? [NOT_SIGNED] : dkim)]
  if (arc !== undefined && arc.status.result !== 'none') results.push(arcResult(arc))
  const shown = shownDomains(verified.headers?.parsed ?? [])
  const finding = dmarcFinding(response, reason, shown)
  results.push(dmarcResult(response, finding))
  return {
    spf: { result: spf.status.result, domain: spf.domain.toLowerCase() },
    dkim: signatures.map((signature, index) => ({
      result: dkim[index]?.result ?? 'none',
      domain: (signature.signingDomain ?? '').toLowerCase(),
    })),
    arc: arc?.status.result ?? 'none',
    seals: arc?.status.result === 'pass' ? (arc.chain ?? []).map(sealOf) : [],
    dmarc: finding,
    results,
  }
}

const NOT_SIGNED: MethodResult = { method: 'dkim', result: 'none', properties: {} }

// smtp.mailfrom or smtp.helo: the identity that was checked (RFC 8601 §2.7.2)
function spfResults(spf: SPFResult, helo: SPFResult | undefined): MethodResult[] {
  const of = ({ status, domain }: SPFResult, property: string, value: string): MethodResult => ({
    method: 'spf',
    result: status.result,
    ...(status.result.endsWith('error') &&
      typeof status.comment === 'string' && { comment: afterColon(status.comment) }),
    properties: { [property]: value === '' ? domain : value },
  })
  if (helo === undefined) return [of(spf, 'smtp.helo', '')]
  const first = of(spf, 'smtp.mailfrom', spf['envelope-from'] ?? '')
  return helo.status.result === 'none' ? [first] : [first, of(helo, 'smtp.helo', '')]
}

/** mailauth writes `host: words`. */
function afterColon(comment: string): string {
  return comment.slice(comment.indexOf(':') + 1).trim()
}

function dkimResult({
  status,
  signingDomain = '',
  selector = '',
  algo = '',
  signature = '',
}: DKIMResult): MethodResult {
  const { comment, underSized = 0 } = status
  const result = verdictOn(status)
  const unsigned = underSized > 0 ? `${underSized} octets of the body are not signed` : undefined
  const said = unsigned ?? (typeof comment === 'string' ? comment : undefined)
  return {
    method: 'dkim',
    result,
    ...(said !== undefined && { comment: said }),
    properties: {
      'header.d': signingDomain,
      'header.s': selector,
      'header.a': algo,
      // header.b: the first characters tell signatures apart (RFC 6008 §4)
      'header.b': signature.replace(/\s/g, '').slice(0, 8),
      ...(status.policy?.['dkim-rules'] !== undefined && { 'policy.dkim-rules': status.policy['dkim-rules'] }),
    },
  }
}

/**
 * A body that is another one fails (RFC 6376 §6.1.3, RFC 8601 §2.7.1); mailauth's lenient mode says "neutral". A signature
 * that leaves the end of the body to anybody (`l=`) speaks for nobody here: whoever has one could write what people see
 * (RFC 6376 §8.2; "policy", RFC 8601 §2.7.1).
 */
function verdictOn({ result, comment, underSized = 0 }: DKIMResult['status']): string {
  if (comment === 'body hash did not verify') return 'fail'
  return result === 'pass' && underSized > 0 ? 'policy' : result
}

function arcResult({ status, i }: ARCResult): MethodResult {
  const said = typeof status.comment === 'string' ? status.comment : undefined
  const comment = status.result === 'pass' ? `i=${i}` : said
  return { method: 'arc', result: status.result, ...(comment !== undefined && { comment }), properties: {} }
}

function sealOf(entry: ARCChainEntry): Seal {
  const field = entry['arc-authentication-results'] as { readonly original?: Uint8Array } | undefined
  const text = Buffer.from(field?.original ?? []).toString('utf8')
  // arc-info = instance [CFWS] ";" authres-payload (RFC 8617 §4.1.1)
  const payload = /^[^:]*:\s*i\s*=\s*\d+\s*;([\s\S]*)$/i.exec(text)?.[1]
  const domain = entry['arc-seal']?.parsed?.['d']?.value
  return {
    domain: typeof domain === 'string' ? domain.toLowerCase() : '',
    found: payload === undefined ? undefined : parseAuthenticationResults(payload),
  }
}

function dmarcResult(response: DMARCResult | false, finding: DmarcFinding): MethodResult {
  if (response === false || finding.kind === 'no-one-author')
    return { method: 'dmarc', result: 'permerror', properties: {} }
  const { status } = response
  const result = status.result === 'neutral' ? 'none' : status.result
  const applied = status.policy?.dmarc
  return {
    method: 'dmarc',
    result,
    properties: {
      ...(status.header?.from !== undefined && { 'header.from': status.header.from }),
      ...(applied !== undefined && { 'policy.dmarc': applied }),
    },
  }
}

/** Domains of From as mail programs may read it, who take more for an address than mailauth does. */
function shownDomains(fields: readonly { readonly key: string; readonly line: Uint8Array }[]): ReadonlySet<string> {
  const hosts = fields
    .filter(({ key }) => key === 'from')
    .flatMap(({ line }) => {
      const text = binaryOf(line)
      return parseAddresses(unfold(text.slice(text.indexOf(':') + 1)))
    })
    .flatMap(({ host }) =>
      host === undefined || host === MISSING_DOMAIN ? [] : [nameOf(Buffer.from(host, 'latin1').toString('utf8'))],
    )
  return new Set(hosts)
}

function nameOf(host: string): string {
  return parseDomain(host) ?? host.toLowerCase()
}

/** @param shown Where it is not just the domain that was asked about, somebody sees another author. */
function dmarcFinding(
  response: DMARCResult | false,
  reason: string | undefined,
  shown: ReadonlySet<string>,
): DmarcFinding {
  if (reason === 'no-author-domain' || shown.size === 0) return { kind: 'no-one-author', why: 'no author' }
  if (response === false || shown.size > 1) return { kind: 'no-one-author', why: 'several authors' }
  const author = (response.status.header?.from ?? response.domain).toLowerCase()
  if (!shown.has(nameOf(author))) return { kind: 'no-one-author', why: 'several authors' }
  const { result } = response.status
  if (result === 'temperror') return { kind: 'temperror', author }
  if (result !== 'pass' && result !== 'fail') return { kind: 'none' }
  const percent = /(?:^|;)\s*pct\s*=\s*(\d{1,3})\s*(?:;|$)/i.exec(response.rr ?? '')?.[1]
  return {
    kind: result,
    author,
    policy: policyOf(response.policy),
    organization: response.domain.toLowerCase(),
    percent: percent === undefined ? 100 : Math.min(100, Number(percent)),
  }
}

function policyOf(policy: string): DmarcPolicy {
  return policy === 'reject' || policy === 'quarantine' ? policy : 'none'
}
