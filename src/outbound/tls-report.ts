/** A report about TLS as JSON and as mail (RFC 8460 §4.4, §5.3). Pure. @module */
import { gzipSync } from 'node:zlib'
import { formatDate } from '#mail/dates.ts'
import type { TlsSessions } from '#store/tls-records.ts'

export interface TlsReportFacts {
  /** That is reported to. */
  readonly domain: string
  /** `2026-11-29`, UTC. */
  readonly day: string
  readonly sessions: readonly TlsSessions[]
  /** Whoever reports: a domain, and whom to ask. */
  readonly submitter: string
  readonly contact: string
}

/** The same for the same day and domain, however often it is made. */
export function reportIdOf({ day, domain, submitter }: TlsReportFacts): string {
  return `${day}.${domain}@${submitter}`
}

/** The report as JSON (RFC 8460 §4.4). */
function tlsReportJson(facts: TlsReportFacts): string {
  const { domain, day, sessions, submitter, contact } = facts
  const policies = Map.groupBy(sessions, ({ policy }) => JSON.stringify(policy))
  return JSON.stringify({
    'organization-name': submitter,
    'date-range': { 'start-datetime': `${day}T00:00:00Z`, 'end-datetime': `${day}T23:59:59Z` },
    'contact-info': contact,
    'report-id': reportIdOf(facts),
    policies: [...policies.values()].map((alike) => policyJson(domain, alike)),
  })
}

function policyJson(domain: string, sessions: readonly TlsSessions[]): object {
  const failed = sessions.filter(({ failure }) => failure !== '')
  const well = sessions.filter(({ failure }) => failure === '')
  const { type, text, mx } = sessions[0]?.policy ?? { type: 'no-policy-found', text: [], mx: [] }
  return {
    policy: {
      'policy-type': type,
      ...(text.length === 0 ? {} : { 'policy-string': text }),
      'policy-domain': domain,
      ...(mx.length === 0 ? {} : { 'mx-host': mx }),
    },
    summary: {
      'total-successful-session-count': total(well),
      'total-failure-session-count': total(failed),
    },
    ...(failed.length === 0 ? {} : { 'failure-details': failed.map(failureJson) }),
  }
}

function failureJson({ failure, host, address, words, count }: TlsSessions): object {
  return {
    'result-type': failure,
    ...(host === '' ? {} : { 'receiving-mx-hostname': host }),
    ...(address === '' ? {} : { 'receiving-ip': address }),
    'failed-session-count': count,
    ...(words === '' ? {} : { 'failure-reason-code': words }),
  }
}

function total(sessions: readonly TlsSessions[]): number {
  return sessions.reduce((sum, { count }) => sum + count, 0)
}

/**
 * Addresses that want reports of a domain, the first ten; https: is not sent to.
 * @param records All TXT records of `_smtp._tls`: two of ours are as good as none (RFC 8460 §3).
 */
export function parseTlsRpt(records: readonly string[]): readonly string[] {
  const own = records.filter((one) => /^v=TLSRPTv1[ \t]*;/.test(one))
  const [record] = own
  if (record === undefined || own.length !== 1) return []
  const rua = /;[ \t]*rua[ \t]*=([^;]*)/.exec(record)?.[1] ?? ''
  const addresses = rua.split(',').flatMap((written) => {
    const [, encoded] = /^mailto:([^?]+)/i.exec(written.trim()) ?? []
    const address = encoded === undefined ? undefined : decoded(encoded)
    return address !== undefined && ADDRESS.test(address) ? [address] : []
  })
  // a domain must not have us write to thousands who never asked
  return addresses.slice(0, MOST_ADDRESSEES)
}

const MOST_ADDRESSEES = 10
const ADDRESS = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+$/

function decoded(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return undefined
  }
}

export interface TlsReportMail extends TlsReportFacts {
  readonly from: string
  readonly to: readonly string[]
  /** Milliseconds since 1970. */
  readonly at: number
}

/** The report as a message, lines ending in CRLF (RFC 8460 §5.3). */
export function composeTlsReport(mail: TlsReportMail): Buffer {
  const { domain, day, submitter, from, to, at, sessions } = mail
  const id = reportIdOf(mail)
  const boundary = `=_tls-${at.toString(36)}`
  const begin = Date.parse(`${day}T00:00:00Z`) / 1000
  const name = `${submitter}!${domain}!${begin}!${begin + 86_399}.json.gz`
  const zipped = gzipSync(tlsReportJson(mail)).toString('base64')
  const failed = total(sessions.filter(({ failure }) => failure !== ''))
  const lines = [
    `From: <${from}>`,
    `To: ${to.map((one) => `<${one}>`).join(',\r\n ')}`,
    `Subject: Report Domain: ${domain}`,
    ` Submitter: ${submitter}`,
    ` Report-ID: <${id}>`,
    `Date: ${formatDate(at)}`,
    `Message-ID: <${at.toString(36)}.${id}>`,
    `TLS-Report-Domain: ${domain}`,
    `TLS-Report-Submitter: ${submitter}`,
    // RFC 8460 §5.3: it goes out whatever is wrong with TLS, which is what it is about (RFC 8689 §3)
    'TLS-Required: No',
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type="tlsrpt";',
    ` boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    `This is a report about TLS to the mail servers of ${domain}`,
    `on ${day} (UTC): ${total(sessions) - failed} sessions were well, ${failed} were not.`,
    '',
    `--${boundary}`,
    'Content-Type: application/tlsrpt+gzip',
    'Content-Transfer-Encoding: base64',
    'Content-Disposition: attachment;',
    ` filename="${name}"`,
    '',
    ...(zipped.match(/.{1,76}/g) ?? []),
    '',
    `--${boundary}--`,
    '',
  ]
  return Buffer.from(lines.join('\r\n'), 'latin1')
}
