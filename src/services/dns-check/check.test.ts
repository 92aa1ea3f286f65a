import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { openResolver } from '#adapters/dns/dns-resolver.ts'
import { done, type Result, refused } from '#lib/result.ts'
import { startZoneServer, type ZoneServer } from '#testing/zone-server.ts'
import { type DomainFacts, dnsRecords, formatRecord } from '../dns-records.ts'
import { formatMtaStsPolicy, type MtaStsPolicy } from '../mta-sts-policy.ts'
import { checkDns } from './check.ts'
import type { DnsFinding } from './finding.ts'

const POLICY: MtaStsPolicy = { mode: 'enforce', mx: ['mail.example.org'] }
const FACTS: DomainFacts = {
  domain: 'example.org',
  hostname: 'mail.example.org',
  addresses: ['192.0.2.1', '2001:db8::1'],
  services: { imaps: { host: 'mail.example.org', port: 993 }, submissions: { host: 'mail.example.org', port: 465 } },
  dkim: [{ selector: 's1', text: `v=DKIM1; k=ed25519; p=${'A'.repeat(43)}=` }],
  dmarc: 'quarantine',
  reports: 'postmaster@example.org',
  mtaSts: POLICY,
  caa: ['letsencrypt.org'],
  tlsa: ['ab'.repeat(32)],
}
const REVERSE = `1.2.0.192.in-addr.arpa. PTR mail.example.org.
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR mail.example.org.
`
/** What `malle dns records` prints. */
const RIGHT = dnsRecords(FACTS).map(formatRecord)

interface Change {
  /** Lines that begin so are left out. */
  readonly without?: readonly string[]
  readonly plus?: string
  readonly facts?: Partial<DomainFacts>
  readonly policy?: Result<string, { readonly words: string }>
  readonly set?: (server: ZoneServer) => void
}

async function look({ without = [], plus = '', facts, policy, set }: Change = {}): Promise<readonly DnsFinding[]> {
  const lines = `${RIGHT.join('\n')}\n${REVERSE}`.split('\n')
  const kept = lines.filter((line) => !without.some((begin) => line.startsWith(begin)))
  await using server = await startZoneServer(`${kept.join('\n')}\n${plus}\n`)
  server.authenticate('_25._tcp.mail.example.org')
  set?.(server)
  const resolver = openResolver({ servers: [server.server], trustAd: 'loopback', timeoutMs: 400 })
  const fetchPolicy = async () => policy ?? done(formatMtaStsPolicy(POLICY))
  return await checkDns({ ...FACTS, ...facts }, { resolver, fetchPolicy })
}

/** What is not fine. */
async function faults(change: Change): Promise<string[]> {
  const findings = await look(change)
  return findings
    .filter(({ state }) => state !== 'ok')
    .map(({ state, kind, name, detail }) => [state, kind, name, detail].join(' ').trim())
}

test('a zone of what `malle dns records` prints is fine, every part of it', async () => {
  const findings = await look()
  assert.deepEqual(
    findings.filter(({ state }) => state !== 'ok'),
    [],
  )
  const purposes = new Set(findings.map(({ purpose }) => purpose))
  for (const { purpose } of dnsRecords(FACTS)) assert.ok(purposes.has(purpose), purpose)
  assert.ok(purposes.has('ptr'))
})

/** What is done to the zone, and exactly what is found then. */
const BROKEN: readonly (readonly [what: string, change: Change, ...found: readonly string[]])[] = [
  [
    'MX missing',
    { without: ['example.org. 3600 IN MX'] },
    'fault mx-missing example.org',
    'fault spf-without-us example.org 192.0.2.1, 2001:db8::1',
  ],
  [
    'MX of somebody else',
    { without: ['example.org. 3600 IN MX'], plus: 'example.org. MX 10 mx.example.net.' },
    'fault mx-elsewhere example.org',
    'fault spf-without-us example.org 192.0.2.1, 2001:db8::1',
  ],
  [
    'null MX',
    { without: ['example.org. 3600 IN MX'], plus: 'example.org. MX 0 .' },
    'fault mx-null example.org',
    'fault spf-without-us example.org 192.0.2.1, 2001:db8::1',
  ],
  [
    'another MX beside',
    { plus: 'example.org. MX 20 mx.example.net.' },
    'hint mx-also-elsewhere example.org mx.example.net',
  ],
  [
    'MX that is an alias',
    {
      without: ['mail.example.org. 3600 IN', '_25._tcp.mail'],
      plus: 'mail.example.org. CNAME host.example.org.\nhost.example.org. A 192.0.2.1\nhost.example.org. AAAA 2001:db8::1\nhost.example.org. TXT "v=spf1 a -all"',
      facts: { tlsa: [] },
    },
    'fault mx-is-cname example.org host.example.org',
  ],
  [
    'no address',
    { without: ['mail.example.org. 3600 IN A'], facts: { addresses: [] } },
    'fault address-missing mail.example.org',
    'fault mta-sts-elsewhere mta-sts.example.org',
    'hint autoconfig-missing autoconfig.example.org',
    'hint autodiscover-missing autodiscover.example.org',
  ],
  [
    'an address of before',
    { plus: 'mail.example.org. A 192.0.2.9' },
    'fault address-differs mail.example.org 192.0.2.9',
  ],
  ['no PTR', { without: ['1.2.0.192'] }, 'fault ptr-missing 192.0.2.1'],
  [
    'PTR of the provider that does not lead back',
    { without: ['1.2.0.192'], plus: '1.2.0.192.in-addr.arpa. PTR host-1.example.net.' },
    'fault ptr-not-back 192.0.2.1',
  ],
  [
    'PTR of the provider that leads back',
    {
      without: ['1.2.0.192'],
      plus: '1.2.0.192.in-addr.arpa. PTR host-1.example.net.\nhost-1.example.net. A 192.0.2.1',
    },
    'hint ptr-other-name 192.0.2.1',
  ],
  ['no SPF', { without: ['example.org. 3600 IN TXT "v=spf1'] }, 'fault spf-missing example.org'],
  ['two SPF', { plus: 'example.org. TXT "v=spf1 -all"' }, 'fault spf-two example.org'],
  ...(
    [
      ['SPF without us', 'v=spf1 ip4:192.0.2.0/31 -all', 'fault spf-without-us example.org 2001:db8::1'],
      ['SPF with a wrong term', 'v=spf1 mx ip4:192.0.2.0/33 -all', 'fault spf-syntax example.org ip4:192.0.2.0/33'],
      ['SPF with an unknown term', 'v=spf1 mx ipv4:192.0.2.1 -all', 'fault spf-syntax example.org ipv4:192.0.2.1'],
      ['SPF for everybody', 'v=spf1 mx +all', 'fault spf-plus-all example.org'],
      ['SPF without an end', 'v=spf1 mx', 'hint spf-open-end example.org'],
      [
        'SPF that includes nothing',
        'v=spf1 mx include:spf.example.net -all',
        'fault spf-include-missing example.org spf.example.net',
      ],
      [
        'SPF of too many lookups',
        `v=spf1 mx ${Array.from({ length: 10 }, (_, n) => `a:h${n}.example.net`).join(' ')} -all`,
        'fault spf-lookups example.org 11',
      ],
    ] as const
  ).map(
    ([what, spf, found]) =>
      [what, { without: ['example.org. 3600 IN TXT "v=spf1'], plus: `example.org. TXT "${spf}"` }, found] as const,
  ),
  [
    'SPF that includes itself',
    { without: ['example.org. 3600 IN TXT "v=spf1'], plus: 'example.org. TXT "v=spf1 include:example.org -all"' },
    'fault spf-without-us example.org 192.0.2.1, 2001:db8::1',
    'fault spf-lookups example.org 61',
  ],
  ['no DKIM key', { without: ['s1._domainkey'] }, 'fault dkim-missing s1._domainkey.example.org'],
  [
    'another DKIM key',
    { without: ['s1._domainkey'], plus: `s1._domainkey.example.org. TXT "v=DKIM1; k=ed25519; p=${'B'.repeat(43)}="` },
    'fault dkim-other-key s1._domainkey.example.org',
  ],
  [
    'a DKIM key taken back',
    { without: ['s1._domainkey'], plus: 's1._domainkey.example.org. TXT "v=DKIM1; p="' },
    'fault dkim-revoked s1._domainkey.example.org',
  ],
  ['a domain without keys', { facts: { dkim: [] } }, 'hint dkim-no-keys example.org'],
  ['no DMARC', { without: ['_dmarc'] }, 'fault dmarc-missing _dmarc.example.org'],
  ['two DMARC', { plus: '_dmarc.example.org. TXT "v=DMARC1; p=none"' }, 'fault dmarc-two _dmarc.example.org'],
  ...(
    [
      ['v=DMARC1; p=all', 'fault dmarc-syntax _dmarc.example.org p=all'],
      ['v=DMARC1; rua=mailto:a@example.org', 'fault dmarc-syntax _dmarc.example.org p='],
      ['v=DMARC1; p=reject; rua=a@example.org', 'fault dmarc-syntax _dmarc.example.org rua=a@example.org'],
      ['v=DMARC1; p=reject; pct=101', 'fault dmarc-syntax _dmarc.example.org pct=101'],
      ['p=reject', 'fault dmarc-syntax _dmarc.example.org p=reject'],
      ['v=DMARC1; p=none', 'hint dmarc-none _dmarc.example.org'],
      ['v=DMARC1; p=reject; rua=mailto:a@example.net', 'hint dmarc-reports-refused _dmarc.example.org example.net'],
      [
        'v=DMARC1; p=reject; rua=mailto:a@notexample.org',
        'hint dmarc-reports-refused _dmarc.example.org notexample.org',
      ],
    ] as const
  ).map(
    ([dmarc, found]) =>
      [`DMARC "${dmarc}"`, { without: ['_dmarc'], plus: `_dmarc.example.org. TXT "${dmarc}"` }, found] as const,
  ),
  ['no TLS-RPT', { without: ['_smtp._tls'] }, 'hint tls-rpt-missing _smtp._tls.example.org'],
  [
    'TLS-RPT to nobody',
    { without: ['_smtp._tls'], plus: '_smtp._tls.example.org. TXT "v=TLSRPTv1; rua=postmaster"' },
    'fault tls-rpt-syntax _smtp._tls.example.org',
  ],
  ['no MTA-STS', { without: ['_mta-sts'] }, 'hint mta-sts-missing _mta-sts.example.org'],
  [
    'the id of an older policy',
    { without: ['_mta-sts'], plus: '_mta-sts.example.org. TXT "v=STSv1; id=1"' },
    'fault mta-sts-id _mta-sts.example.org 1',
  ],
  [
    'an id that is none',
    { without: ['_mta-sts'], plus: '_mta-sts.example.org. TXT "v=STSv1; id=a b"' },
    'fault mta-sts-syntax _mta-sts.example.org',
  ],
  ['MTA-STS that is not served here', { facts: { mtaSts: null } }, 'fault mta-sts-unwanted _mta-sts.example.org'],
  [
    'an older policy',
    { policy: done(formatMtaStsPolicy({ ...POLICY, mode: 'testing' })) },
    'fault mta-sts-policy mta-sts.example.org',
  ],
  [
    'a policy that cannot be had',
    { policy: refused({ words: 'self-signed certificate' }) },
    'fault mta-sts-unreachable mta-sts.example.org self-signed certificate',
  ],
  [
    'the policy host elsewhere',
    { without: ['mta-sts'], plus: 'mta-sts.example.org. A 192.0.2.77' },
    'fault mta-sts-elsewhere mta-sts.example.org',
  ],
  ['a service missing', { without: ['_imaps'] }, 'hint srv-missing _imaps._tcp.example.org'],
  [
    'a service at another port',
    { without: ['_imaps'], plus: '_imaps._tcp.example.org. SRV 0 1 9993 mail.example.org.' },
    'fault srv-differs _imaps._tcp.example.org',
  ],
  [
    'a service that there is not',
    { without: ['_pop3s'], plus: '_pop3s._tcp.example.org. SRV 0 1 995 mail.example.org.' },
    'fault srv-unwanted _pop3s._tcp.example.org',
  ],
  [
    'autodiscover elsewhere',
    { without: ['autodiscover'], plus: 'autodiscover.example.org. A 192.0.2.77' },
    'fault autodiscover-elsewhere autodiscover.example.org',
  ],
  ['no autoconfig', { without: ['autoconfig'] }, 'hint autoconfig-missing autoconfig.example.org'],
  [
    'CAA of another authority',
    { without: ['example.org. 3600 IN CAA'], plus: 'example.org. CAA 0 issue "ca.example.net"' },
    'fault caa-forbids mail.example.org letsencrypt.org',
  ],
  [
    'CAA of nobody',
    { without: ['example.org. 3600 IN CAA'], plus: 'example.org. CAA 0 issue ";"' },
    'fault caa-forbids mail.example.org letsencrypt.org',
  ],
  ['no CAA', { without: ['example.org. 3600 IN CAA'] }, 'hint caa-missing mail.example.org'],
  [
    'TLSA of another key',
    { without: ['_25._tcp'], plus: `_25._tcp.mail.example.org. TLSA 3 1 1 ${'cd'.repeat(32)}` },
    'fault tlsa-differs _25._tcp.mail.example.org',
  ],
  ['no TLSA in a signed zone', { without: ['_25._tcp'] }, 'hint tlsa-missing _25._tcp.mail.example.org'],
  [
    'TLSA in a zone that is not signed',
    { set: (server) => server.authenticate() },
    'hint tlsa-unsigned _25._tcp.mail.example.org',
  ],
  ['a domain that is not there', { facts: { domain: 'gone.example' } }, 'fault no-such-domain gone.example'],
]

suite('a broken zone is told for what it is:', () => {
  for (const [what, change, ...found] of BROKEN)
    test(what, async () => assert.deepEqual((await faults(change)).toSorted(), [...found].toSorted()))
})

test('a DNS that fails says nothing about the domain', async () => {
  const findings = await look({ set: (server) => server.trouble('', 'servfail') })
  assert.ok(findings.length > 10)
  assert.deepEqual([...new Set(findings.map(({ state }) => state))], ['unanswered'])
})

test('findings tell what is expected and what is there', async () => {
  const plus = '_imaps._tcp.example.org. SRV 0 1 9993 other.example.org.'
  const finding = (await look({ without: ['_imaps'], plus })).find(({ kind }) => kind === 'srv-differs')
  assert.equal(finding?.expected, '0 1 993 mail.example.org.')
  assert.deepEqual(finding?.found, ['0 1 9993 other.example.org.'])
})
