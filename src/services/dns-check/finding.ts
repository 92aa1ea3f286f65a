/** What a look at the DNS of a domain finds: facts, no sentences. @module */
import type { RecordPurpose } from '../dns-records.ts'
import type { DnsResult, Resolver } from '../resolver.ts'

/** What keeps mail from coming, going or being believed. */
export type FaultKind =
  | 'no-such-domain'
  | 'mx-missing'
  | 'mx-null'
  | 'mx-elsewhere'
  | 'mx-is-cname'
  | 'address-missing'
  | 'address-differs'
  | 'ptr-missing'
  | 'ptr-not-back'
  | 'spf-missing'
  | 'spf-two'
  | 'spf-syntax'
  | 'spf-include-missing'
  | 'spf-without-us'
  | 'spf-plus-all'
  | 'spf-lookups'
  | 'dkim-missing'
  | 'dkim-other-key'
  | 'dkim-revoked'
  | 'dmarc-missing'
  | 'dmarc-two'
  | 'dmarc-syntax'
  | 'mta-sts-two'
  | 'mta-sts-syntax'
  | 'mta-sts-id'
  | 'mta-sts-unwanted'
  | 'mta-sts-elsewhere'
  | 'mta-sts-unreachable'
  | 'mta-sts-policy'
  | 'tls-rpt-two'
  | 'tls-rpt-syntax'
  | 'srv-differs'
  | 'srv-unwanted'
  | 'autoconfig-elsewhere'
  | 'autodiscover-elsewhere'
  | 'caa-forbids'
  | 'tlsa-differs'

/** What could be better. */
export type HintKind =
  | 'mx-also-elsewhere'
  | 'ptr-other-name'
  | 'spf-open-end'
  | 'dkim-no-keys'
  | 'dmarc-none'
  | 'dmarc-reports-refused'
  | 'mta-sts-missing'
  | 'tls-rpt-missing'
  | 'srv-missing'
  | 'autoconfig-missing'
  | 'autodiscover-missing'
  | 'caa-missing'
  | 'tlsa-missing'
  | 'tlsa-unsigned'

export type CheckedPurpose = RecordPurpose | 'ptr'

export interface DnsFinding {
  readonly purpose: CheckedPurpose
  /** `unanswered`: the DNS did not answer, which says nothing about the domain. */
  readonly state: 'ok' | 'hint' | 'fault' | 'unanswered'
  readonly kind: FaultKind | HintKind | 'fine' | 'unanswered'
  /** Where it was looked. */
  readonly name: string
  /** As a zone file has it; empty: nothing. */
  readonly expected: string
  readonly found: readonly string[]
  /** A term, a number, a reason, an address: what the kind is about. */
  readonly detail: string
}

/** Gathers the findings of one purpose. */
export class Findings {
  readonly list: DnsFinding[] = []
  readonly #purpose: CheckedPurpose
  readonly #name: string
  readonly #expected: string
  #found: readonly string[] = []

  constructor(purpose: CheckedPurpose, name: string, expected: string) {
    this.#purpose = purpose
    this.#name = name
    this.#expected = expected
  }

  /** What is there, for all findings from here on. */
  found(...found: readonly string[]): void {
    this.#found = found
  }

  fault(kind: FaultKind, detail = ''): void {
    this.#add('fault', kind, detail)
  }

  hint(kind: HintKind, detail = ''): void {
    this.#add('hint', kind, detail)
  }

  unanswered(reason: string): void {
    this.#add('unanswered', 'unanswered', reason)
  }

  /** All of them; that it is fine where nothing was found. */
  end(): readonly DnsFinding[] {
    if (this.list.length === 0) this.#add('ok', 'fine', '')
    return this.list
  }

  #add(state: DnsFinding['state'], kind: DnsFinding['kind'], detail: string): void {
    const name = this.#name
    this.list.push({ purpose: this.#purpose, state, kind, name, expected: this.#expected, found: this.#found, detail })
  }
}

/** The records, none where there are none; `undefined` where the DNS did not answer, which is then among the findings. */
export function recordsOf<T>(answer: DnsResult<T>, findings: Findings): readonly T[] | undefined {
  if (answer.ok) return answer.records
  if (answer.error.kind === 'none') return []
  findings.unanswered(answer.error.reason)
  return undefined
}

/** IPv4 and IPv6 addresses of a name. */
export async function addressesOf(
  resolver: Resolver,
  name: string,
  findings: Findings,
): Promise<readonly string[] | undefined> {
  const [v4, v6] = await Promise.all([resolver.a(name), resolver.aaaa(name)])
  const one = recordsOf(v4, findings)
  const other = one === undefined ? undefined : recordsOf(v6, findings)
  return one === undefined || other === undefined ? undefined : [...one, ...other]
}

/** Texts that begin with a version, as `v=spf1` or `v=DMARC1`. */
export function versioned(texts: readonly string[], version: string): readonly string[] {
  const begin = `v=${version}`
  return texts.filter((text) => {
    const rest = text.trimStart()
    return (
      rest.slice(0, begin.length).toLowerCase() === begin.toLowerCase() && /^(?:$|[\s;])/.test(rest.slice(begin.length))
    )
  })
}

/** `a=b; c=d` by its names, in lower case; `undefined` where it is no such list. */
export function tagsOf(text: string): ReadonlyMap<string, string> | undefined {
  const tags = new Map<string, string>()
  for (const part of text.split(';')) {
    if (part.trim() === '') continue
    const [, name, value] = /^\s*([A-Za-z][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/s.exec(part) ?? []
    if (name === undefined || value === undefined || tags.has(name.toLowerCase())) return undefined
    tags.set(name.toLowerCase(), value)
  }
  return tags
}
