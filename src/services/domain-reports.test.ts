import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SqliteDomainReports } from '#adapters/sqlite/domain-reports.ts'
import { type DmarcReport, type DmarcRow, summaryOf, type TlsReport } from './domain-reports.ts'

const DAY = 86_400_000
const NOW = 1_800_000_000_000

function row(source: string, count: number, dkim: string, spf: string, disposition = 'none'): DmarcRow {
  return { source, count, dkim, spf, disposition, headerFrom: 'example.org' }
}

function dmarc(id: string, rows: readonly DmarcRow[], by = 'Big', day = 0): DmarcReport {
  const begin = NOW - (day + 1) * DAY
  return { kind: 'dmarc', domain: 'example.org', by, id, begin, end: begin + DAY, policy: 'reject', rows }
}

const TLS: TlsReport = {
  kind: 'tls',
  domain: 'example.org',
  by: 'Big',
  id: '1',
  begin: NOW - DAY,
  end: NOW,
  policy: 'sts',
  succeeded: 3,
  failed: 1,
  failures: [{ type: 'certificate-expired', mx: 'mx', count: 1 }],
}

test('a report is kept once, by domain and time, and not for ever', () => {
  using reports = new SqliteDomainReports(':memory:')
  assert.equal(reports.add([dmarc('1', []), dmarc('2', [], 'Big', 40), TLS], NOW), 3)
  assert.equal(reports.add([dmarc('1', []), dmarc('1', [], 'Other')], NOW), 1)
  assert.deepEqual(
    reports.of('example.org', NOW - 30 * DAY).map(({ kind, by, id }) => [kind, by, id]),
    [
      ['dmarc', 'Big', '1'],
      ['dmarc', 'Other', '1'],
      ['tls', 'Big', '1'],
    ],
  )
  assert.deepEqual(reports.of('example.com', 0), [])
  reports.add([], NOW + 401 * DAY)
  assert.deepEqual(reports.of('example.org', 0), [])
})

test('summaryOf() adds up sources, those with most mail that fails first, and TLS by receiver', () => {
  const summary = summaryOf('example.org', [
    dmarc('1', [row('192.0.2.1', 100, 'pass', 'pass'), row('192.0.2.9', 5, 'fail', 'fail', 'reject')]),
    dmarc('2', [row('192.0.2.1', 10, 'fail', 'pass'), row('192.0.2.9', 1, 'fail', 'fail', 'quarantine')], 'Other'),
    TLS,
    { ...TLS, id: '2', succeeded: 4, failed: 2, failures: [{ type: 'certificate-expired', mx: 'mx', count: 2 }] },
  ])
  assert.deepEqual(summary, {
    domain: 'example.org',
    dmarc: {
      reports: 2,
      messages: 116,
      passed: 110,
      sources: [
        {
          source: '192.0.2.9',
          messages: 6,
          passed: 0,
          dkim: 0,
          spf: 0,
          quarantined: 1,
          rejected: 5,
          headerFrom: ['example.org'],
          by: ['Big', 'Other'],
        },
        {
          source: '192.0.2.1',
          messages: 110,
          passed: 110,
          dkim: 100,
          spf: 110,
          quarantined: 0,
          rejected: 0,
          headerFrom: ['example.org'],
          by: ['Big', 'Other'],
        },
      ],
    },
    tls: {
      reports: 2,
      receivers: [
        {
          by: 'Big',
          policy: 'sts',
          succeeded: 7,
          failed: 3,
          failures: [{ type: 'certificate-expired', mx: 'mx', count: 3 }],
        },
      ],
    },
  })
})
