/**
 * Reports of other mail servers about mail of our domains: who sends it and what DMARC made of it (RFC 7489 §7.2,
 * RFC 9990), and how TLS to our servers went (RFC 8460). The port of their store, and what is told of them.
 * @module
 */

/** One source of mail in a DMARC report. */
export interface DmarcRow {
  readonly source: string
  readonly count: number
  /** What was done with it: `none`, `quarantine` or `reject`. */
  readonly disposition: string
  /** Whether DKIM and SPF speak for the author: `pass` or `fail`. */
  readonly dkim: string
  readonly spf: string
  readonly headerFrom: string
}

export interface DmarcReport {
  readonly kind: 'dmarc'
  readonly domain: string
  /** Who reports. */
  readonly by: string
  readonly id: string
  /** Milliseconds since 1970. */
  readonly begin: number
  readonly end: number
  /** What the domain asked for: `none`, `quarantine`, `reject`. */
  readonly policy: string
  readonly rows: readonly DmarcRow[]
}

/** Why TLS failed. */
export interface TlsFailure {
  /** As RFC 8460 §4.3 names it: `certificate-expired`, `starttls-not-supported` … */
  readonly type: string
  readonly mx: string
  readonly count: number
}

export interface TlsReport {
  readonly kind: 'tls'
  readonly domain: string
  readonly by: string
  readonly id: string
  readonly begin: number
  readonly end: number
  /** `sts`, `tlsa` or `no-policy-found`. */
  readonly policy: string
  readonly succeeded: number
  readonly failed: number
  readonly failures: readonly TlsFailure[]
}

export type DomainReport = DmarcReport | TlsReport

/** Keeps reports; each once, however often it is sent. */
export interface DomainReports {
  /** @returns how many were new. */
  add(reports: readonly DomainReport[], now: number): number
  /** Those about a domain that end after a moment, oldest first. */
  of(domain: string, since: number): readonly DomainReport[]
}

/** Mail from one address, over all reports. */
export interface SourceSummary {
  readonly source: string
  readonly messages: number
  /** DMARC passed: DKIM or SPF speaks for the author. */
  readonly passed: number
  readonly dkim: number
  readonly spf: number
  readonly quarantined: number
  readonly rejected: number
  readonly headerFrom: readonly string[]
  readonly by: readonly string[]
}

export interface TlsSummary {
  readonly by: string
  readonly policy: string
  readonly succeeded: number
  readonly failed: number
  readonly failures: readonly TlsFailure[]
}

export interface ReportSummary {
  readonly domain: string
  readonly dmarc: {
    readonly reports: number
    readonly messages: number
    readonly passed: number
    readonly sources: readonly SourceSummary[]
  }
  readonly tls: { readonly reports: number; readonly receivers: readonly TlsSummary[] }
}

/** Adds reports up: sources with most mail that fails first, receivers with most failures first. */
export function summaryOf(domain: string, reports: readonly DomainReport[]): ReportSummary {
  const dmarc = reports.filter((report) => report.kind === 'dmarc')
  const tls = reports.filter((report) => report.kind === 'tls')
  const rows = dmarc.flatMap(({ by, rows: each }) => each.map((row) => ({ ...row, by })))
  const sources = Array.from(
    Map.groupBy(rows, ({ source }) => source),
    ([source, all]): SourceSummary => {
      const counted = (test: (row: DmarcRow) => boolean): number => sum(all.filter(test).map(({ count }) => count))
      return {
        source,
        messages: counted(() => true),
        passed: counted(({ dkim, spf }) => dkim === 'pass' || spf === 'pass'),
        dkim: counted(({ dkim }) => dkim === 'pass'),
        spf: counted(({ spf }) => spf === 'pass'),
        quarantined: counted(({ disposition }) => disposition === 'quarantine'),
        rejected: counted(({ disposition }) => disposition === 'reject'),
        headerFrom: distinct(all.map(({ headerFrom }) => headerFrom)),
        by: distinct(all.map(({ by }) => by)),
      }
    },
  ).sort((a, b) => b.messages - b.passed - (a.messages - a.passed) || b.messages - a.messages)
  const receivers = Array.from(
    Map.groupBy(tls, ({ by, policy }) => `${policy}\n${by}`).values(),
    (all): TlsSummary => ({
      by: all[0]?.by ?? '',
      policy: all[0]?.policy ?? '',
      succeeded: sum(all.map(({ succeeded }) => succeeded)),
      failed: sum(all.map(({ failed }) => failed)),
      failures: Array.from(
        Map.groupBy(
          all.flatMap(({ failures }) => failures),
          ({ type, mx }) => `${type}\n${mx}`,
        ).values(),
        (same) => ({ type: same[0]?.type ?? '', mx: same[0]?.mx ?? '', count: sum(same.map(({ count }) => count)) }),
      ),
    }),
  ).sort((a, b) => b.failed - a.failed || b.succeeded - a.succeeded)
  return {
    domain,
    dmarc: {
      reports: dmarc.length,
      messages: sum(sources.map(({ messages }) => messages)),
      passed: sum(sources.map(({ passed }) => passed)),
      sources,
    },
    tls: { reports: tls.length, receivers },
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts.filter((text) => text !== ''))].sort()
}
