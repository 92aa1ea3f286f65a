import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { simpleParser } from 'mailparser'
import { openResolver } from '#adapters/dns/dns-resolver.ts'
import { openTlsRecords } from '#adapters/sqlite/tls-records.ts'
import type { NewMessage } from '#store/queue.ts'
import type { TlsRecords } from '#store/tls-records.ts'
import { startZoneServer, type ZoneServer } from '#testing/zone-server.ts'
import type { ConnectFailure } from './open-connection.ts'
import { opportunistic, type TlsPolicy } from './tls-policy.ts'
import { parseTlsRpt } from './tls-report.ts'
import { sendTlsReports, type TlsReportsDeps } from './tls-reports.ts'
import { TlsResults } from './tls-results.ts'

const DAY = Date.parse('2026-11-28T10:00:00Z')
const NEXT = Date.parse('2026-11-29T00:30:00Z')
const ZONE = `
  _smtp._tls.example.org. 0 TXT "v=TLSRPTv1; rua=mailto:tls%2Breports@example.org,https://example.org/tls,mailto:two@example.net"
  quiet.example. 0 A 192.0.2.1
`

interface Bench {
  readonly zone: ZoneServer
  readonly records: TlsRecords
  readonly results: TlsResults
  readonly deps: TlsReportsDeps
  readonly sent: { readonly message: NewMessage; readonly bytes: Buffer }[]
  readonly clock: { now: () => number; at: number }
  full: boolean
}

async function bench(t: TestContext): Promise<Bench> {
  const zone = await startZoneServer(ZONE)
  const directory = await mkdtemp(path.join(tmpdir(), 'malle-tls-reports-'))
  const records = await openTlsRecords(directory)
  t.after(async () => {
    await records[Symbol.asyncDispose]()
    await zone[Symbol.asyncDispose]()
    await rm(directory, { recursive: true })
  })
  const clock = { at: DAY, now: () => clock.at }
  const staged: Buffer[] = []
  const made: Bench = {
    zone,
    records,
    clock,
    sent: [],
    full: false,
    results: new TlsResults({ records, clock, after: () => () => undefined, onFault: assert.ifError }),
    deps: {
      records,
      resolver: openResolver({ servers: [zone.server], trustAd: 'loopback', timeoutMs: 5_000 }),
      clock,
      submitter: 'malle.example',
      stage: () => ({
        write: (chunk) => void staged.push(Buffer.from(chunk)),
        finish: async () => ({ kind: 'file', file: 'x', size: staged.reduce((sum, { length }) => sum + length, 0) }),
        abandon: async () => undefined,
      }),
      enqueue: async (messages) => {
        if (made.full) return { ok: false, error: { kind: 'full' } }
        for (const message of messages) made.sent.push({ message, bytes: Buffer.concat(staged.splice(0)) })
        return { ok: true, value: undefined }
      },
    },
  }
  return made
}

const PLAINTEXT = { ok: true, value: { tls: undefined, testingFault: undefined } } as const

const plain = opportunistic('mx.example.org')
const place = { host: 'mx.example.org', address: '192.0.2.1' }
const sts = { id: '1', mode: 'testing', mx: ['*.example.org'], maxAgeSeconds: 60, fetchedAt: 0 } as const
const dane: TlsPolicy = {
  ...plain,
  level: 'dane',
  source: 'dane',
  tlsa: [{ usage: 3, selector: 1, matching: 1, data: new Uint8Array([0xab, 1]) }],
}

test('domains that ask for it are told of a day once it is over, once', async (t) => {
  const { results, deps, sent, records, clock } = await bench(t)
  results.tried({ ...place, tls: { ...dane } }, 'example.org', failed('tls', '4.7.4 no', 454))
  results.tried({ ...place, tls: { ...dane } }, 'example.org', failed('tls', '4.7.4 alert'))
  results.tried({ ...place, tls: { ...plain } }, 'example.org', PLAINTEXT)
  results.tried({ ...place, tls: { ...plain } }, 'example.org', PLAINTEXT)
  results.fetchFault('example.org', { failure: 'sts-webpki-invalid', words: 'has expired' })
  results.tried({ ...place, tls: { ...plain } }, 'quiet.example', PLAINTEXT)
  // neither of these says anything about TLS to a domain
  results.tried({ ...place, tls: { ...plain, source: 'route' } }, 'example.org', PLAINTEXT)
  results.tried({ ...place, tls: { ...plain } }, 'example.org', failed('unreachable', '4.4.1 no'))
  await results.flush()
  assert.equal(await sendTlsReports(deps), 0)
  clock.at = NEXT
  assert.equal(await sendTlsReports(deps), 1)
  assert.equal(await sendTlsReports(deps), 0)
  assert.deepEqual(await records.days(), [])

  const [{ message, bytes } = assert.fail('nothing was sent')] = sent
  assert.equal(message.sender, '')
  assert.deepEqual(
    message.recipients.map((one) => one.address),
    ['tls+reports@example.org', 'two@example.net'],
  )
  assert.ok(!/[^\r]\n|\r[^\n]/.test(bytes.toString('latin1')))
  const mail = await simpleParser(bytes)
  assert.equal(
    mail.subject,
    'Report Domain: example.org Submitter: malle.example Report-ID: <2026-11-28.example.org@malle.example>',
  )
  assert.equal(mail.headers.get('tls-report-domain'), 'example.org')
  assert.equal(mail.headers.get('tls-report-submitter'), 'malle.example')
  assert.match(mail.text ?? '', /0 sessions were well, 5 were not/)
  const [attachment = assert.fail('nothing is attached')] = mail.attachments
  assert.equal(attachment.contentType, 'application/tlsrpt+gzip')
  assert.equal(attachment.filename, 'malle.example!example.org!1795824000!1795910399.json.gz')
  assert.deepEqual(JSON.parse(gunzipSync(attachment.content).toString()), {
    'organization-name': 'malle.example',
    'date-range': { 'start-datetime': '2026-11-28T00:00:00Z', 'end-datetime': '2026-11-28T23:59:59Z' },
    'contact-info': 'postmaster@malle.example',
    'report-id': '2026-11-28.example.org@malle.example',
    policies: [
      {
        policy: { 'policy-type': 'no-policy-found', 'policy-domain': 'example.org' },
        summary: { 'total-successful-session-count': 0, 'total-failure-session-count': 2 },
        'failure-details': [
          {
            'result-type': 'starttls-not-supported',
            'receiving-mx-hostname': 'mx.example.org',
            'receiving-ip': '192.0.2.1',
            'failed-session-count': 2,
          },
        ],
      },
      {
        policy: { 'policy-type': 'sts', 'policy-domain': 'example.org' },
        summary: { 'total-successful-session-count': 0, 'total-failure-session-count': 1 },
        'failure-details': [
          { 'result-type': 'sts-webpki-invalid', 'failed-session-count': 1, 'failure-reason-code': 'has expired' },
        ],
      },
      {
        policy: { 'policy-type': 'tlsa', 'policy-string': ['3 1 1 AB01'], 'policy-domain': 'example.org' },
        summary: { 'total-successful-session-count': 0, 'total-failure-session-count': 2 },
        'failure-details': [
          {
            'result-type': 'starttls-not-supported',
            'receiving-mx-hostname': 'mx.example.org',
            'receiving-ip': '192.0.2.1',
            'failed-session-count': 1,
            'failure-reason-code': '454 no',
          },
          {
            'result-type': 'validation-failure',
            'receiving-mx-hostname': 'mx.example.org',
            'receiving-ip': '192.0.2.1',
            'failed-session-count': 1,
            'failure-reason-code': '4.7.4 alert',
          },
        ],
      },
    ],
  })
})

test('what policies refuse is counted under them', async (t) => {
  const { results, records } = await bench(t)
  const policies = results.noting({
    policyFor: async (_, host) =>
      host === 'mx.example.org'
        ? { ok: false, error: { kind: 'unavailable', reply: '4.7.5 DANE of mx.example.org: SERVFAIL' } }
        : { ok: false, error: { kind: 'not-listed', reply: '4.7.5 no', sts } },
  })
  await policies.policyFor('example.org', 'mx.example.org')
  await policies.policyFor('example.org', 'other.example')
  // testing: mail goes on
  results.tried(
    { ...place, tls: { ...plain, testing: { ...plain, level: 'verified', source: 'mta-sts', sts } } },
    'example.org',
    PLAINTEXT,
  )
  await results.flush()
  const told = (await records.sessions('2026-11-28', 'example.org')).map(({ policy, failure, words, host }) => [
    policy.type,
    failure,
    words,
    host,
  ])
  assert.deepEqual(told, [
    ['sts', 'starttls-not-supported', '', 'mx.example.org'],
    ['sts', 'validation-failure', 'is not in the policy', 'other.example'],
    ['tlsa', 'dnssec-invalid', 'DANE of mx.example.org: SERVFAIL', 'mx.example.org'],
  ])
  const [first] = await records.sessions('2026-11-28', 'example.org')
  assert.deepEqual(first?.policy.text, ['version: STSv1', 'mode: testing', 'mx: *.example.org', 'max_age: 60'])
  assert.deepEqual(first?.policy.mx, ['*.example.org'])
})

test('what cannot be told now is told later, for three days', async (t) => {
  const state = await bench(t)
  const { results, deps, records, clock, zone } = state
  results.tried({ ...place, tls: plain }, 'example.org', PLAINTEXT)
  await results.flush()
  clock.at = NEXT
  zone.trouble('_smtp._tls.example.org', 'servfail')
  assert.equal(await sendTlsReports(deps), 0)
  zone.trouble('_smtp._tls.example.org', undefined)
  state.full = true
  assert.equal(await sendTlsReports(deps), 0)
  assert.deepEqual(await records.days(), ['2026-11-28'])
  clock.at += 3 * 86_400_000
  assert.equal(await sendTlsReports(deps), 0)
  assert.deepEqual(await records.days(), [])
})

test('counts are written when a day ends, and when there are many', async (t) => {
  const { results, records, clock } = await bench(t)
  results.tried({ ...place, tls: plain }, 'example.org', PLAINTEXT)
  clock.at = NEXT
  for (let i = 0; i < 1001; i += 1) results.tried({ ...place, tls: plain }, `d${i}.example`, PLAINTEXT)
  await results[Symbol.asyncDispose]()
  assert.deepEqual(await records.domains('2026-11-28'), ['example.org'])
  assert.equal((await records.domains('2026-11-29')).length, 1001)
})

for (const [record, addresses] of [
  ['v=TLSRPTv1;rua=mailto:a@example.org', ['a@example.org']],
  ['v=TLSRPTv1; rua = mailto:a@example.org?x , mailto:b@example.org ; other=1', ['a@example.org', 'b@example.org']],
  ['v=TLSRPTv1; rua=https://example.org', []],
  ['v=TLSRPTv1; rua=mailto:a%0d%0aRCPT@example.org', []],
  ['v=TLSRPTv1; rua=mailto:%zz@example.org', []],
  ['v=TLSRPTv2; rua=mailto:a@example.org', []],
] as const) {
  test(`parseTlsRpt(${record}) is ${addresses.join()}`, () => {
    assert.deepEqual(parseTlsRpt([record, 'v=spf1 -all']), addresses)
    assert.deepEqual(parseTlsRpt([record, record]), [])
  })
}

function failed(
  kind: ConnectFailure['kind'],
  words: string,
  code?: number,
): { readonly ok: false; readonly error: ConnectFailure } {
  const reply = code === undefined ? undefined : { code, status: undefined, text: `${code} no` }
  return { ok: false, error: { kind, words, reply } }
}

test('parseTlsRpt() takes ten addresses', () => {
  const many = Array.from({ length: 2_000 }, (_, n) => `mailto:victim${n}@example.net`)
  assert.equal(parseTlsRpt([`v=TLSRPTv1; rua=${many.join()}`]).length, 10)
})
