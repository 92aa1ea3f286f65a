/** Reads DMARC aggregate reports (RFC 7489 appendix C) and TLS reports (RFC 8460 §4.4) out of a message. @module */
import { isIP } from 'node:net'
import { attachedFiles } from '#mail/attached-files.ts'
import type { DmarcReport, DmarcRow, DomainReport, TlsFailure, TlsReport } from '#services/domain-reports.ts'
import { unpack } from './unpack.ts'
import { elementAt, parseXml, textAt, type XmlElement } from './xml.ts'

/** Of one message, however many files it has: all of them are unpacked and read while everybody's mail waits. */
const MOST_UNPACKED: number = 20 * 1024 * 1024
/** Rows of one message; what goes beyond is left out. */
const MOST_ROWS = 10_000
const MOST_POLICIES = 100
const MOST_FAILURES = 100
const MOST_FILES = 20
const MOST_TEXT = 255

const PACKED = /^application\/(?:zip|gzip|x-gzip|x-zip(?:-compressed)?|xml|json|tlsrpt\+(?:gzip|json)|octet-stream)$/
const NAMED = /\.(?:zip|gz|xml|json)$/i

/** All reports in a message, none where there is none. */
export function reportsIn(message: Uint8Array): DomainReport[] {
  const reports: DomainReport[] = []
  let files = 0
  let octets = MOST_UNPACKED
  let rows = MOST_ROWS
  for (const { type, name, bytes } of attachedFiles(message)) {
    if (!PACKED.test(type) && type !== 'text/xml' && !NAMED.test(name)) continue
    files += 1
    if (files > MOST_FILES || rows <= 0) break
    const unpacked = unpack(bytes, octets)
    if (unpacked === undefined) continue
    octets -= unpacked.length
    const text = new TextDecoder().decode(unpacked).trimStart()
    const found = reportsOf(text, rows)
    reports.push(...found)
    rows -= found.reduce((sum, report) => sum + 1 + (report.kind === 'dmarc' ? report.rows : report.failures).length, 0)
  }
  return reports
}

function reportsOf(text: string, mostRows: number): readonly DomainReport[] {
  if (text.startsWith('<')) return [dmarcReport(text, mostRows)].filter((report) => report !== undefined)
  return text.startsWith('{') ? tlsReports(text) : []
}

/** @returns `undefined`: it is none. */
export function dmarcReport(xml: string, mostRows: number = MOST_ROWS): DmarcReport | undefined {
  const root = parseXml(xml)
  if (root?.name !== 'feedback') return undefined
  const domain = domainOf(textAt(root, 'policy_published', 'domain'))
  const id = short(textAt(root, 'report_metadata', 'report_id'))
  const begin = seconds(textAt(root, 'report_metadata', 'date_range', 'begin'))
  const end = seconds(textAt(root, 'report_metadata', 'date_range', 'end'))
  if (domain === undefined || id === '' || begin === undefined || end === undefined) return undefined
  return {
    kind: 'dmarc',
    domain,
    by: short(textAt(root, 'report_metadata', 'org_name')),
    id,
    begin,
    end,
    policy: word(textAt(root, 'policy_published', 'p')),
    rows: root.children
      .filter(({ name }) => name === 'record')
      .slice(0, mostRows)
      .flatMap(dmarcRow),
  }
}

function dmarcRow(record: XmlElement): readonly DmarcRow[] {
  const row = elementAt(record, 'row')
  const source = row && textAt(row, 'source_ip')
  const count = row && whole(textAt(row, 'count'))
  if (row === undefined || source === undefined || isIP(source) === 0 || count === undefined) return []
  return [
    {
      source,
      count,
      disposition: word(textAt(row, 'policy_evaluated', 'disposition')),
      dkim: word(textAt(row, 'policy_evaluated', 'dkim')),
      spf: word(textAt(row, 'policy_evaluated', 'spf')),
      headerFrom: domainOf(textAt(record, 'identifiers', 'header_from')) ?? '',
    },
  ]
}

/** One a policy; none where it is no report. */
export function tlsReports(json: string): readonly TlsReport[] {
  let report: unknown
  try {
    report = JSON.parse(json)
  } catch {
    return []
  }
  const range = field(report, 'date-range')
  const id = short(textField(report, 'report-id'))
  const begin = Date.parse(textField(range, 'start-datetime'))
  const end = Date.parse(textField(range, 'end-datetime'))
  if (id === '' || Number.isNaN(begin) || Number.isNaN(end)) return []
  return listField(report, 'policies')
    .slice(0, MOST_POLICIES)
    .flatMap((each): readonly TlsReport[] => {
      const domain = domainOf(textField(field(each, 'policy'), 'policy-domain'))
      if (domain === undefined) return []
      const summary = field(each, 'summary')
      return [
        {
          kind: 'tls',
          domain,
          by: short(textField(report, 'organization-name')),
          id,
          begin,
          end,
          policy: word(textField(field(each, 'policy'), 'policy-type')),
          succeeded: whole(field(summary, 'total-successful-session-count')) ?? 0,
          failed: whole(field(summary, 'total-failure-session-count')) ?? 0,
          failures: listField(each, 'failure-details').slice(0, MOST_FAILURES).map(tlsFailure),
        },
      ]
    })
}

function tlsFailure(details: unknown): TlsFailure {
  return {
    type: word(textField(details, 'result-type')),
    mx: domainOf(textField(details, 'receiving-mx-hostname')) ?? '',
    count: whole(field(details, 'failed-session-count')) ?? 0,
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined
}

function textField(value: unknown, name: string): string {
  const found = field(value, name)
  return typeof found === 'string' ? found : ''
}

function listField(value: unknown, name: string): readonly unknown[] {
  const found = field(value, name)
  return Array.isArray(found) ? found : []
}

/** A count. */
function whole(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined
}

function seconds(text: string): number | undefined {
  const number = whole(text)
  return number === undefined || number > 8_640_000_000 ? undefined : number * 1000
}

/** One of the words that reports have. */
function word(text: string): string {
  return /^[\w-]{1,60}$/.test(text) ? text.toLowerCase() : ''
}

/** What strangers call themselves, for one line. */
function short(text: string): string {
  return text
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ')
    .trim()
    .slice(0, MOST_TEXT)
}

function domainOf(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, '')
  return name.length <= 253 && /^[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)*$/u.test(name) ? name : undefined
}
