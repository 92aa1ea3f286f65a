import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DomainFacts, dnsRecords, formatRecord } from './dns-records.ts'
import { formatMtaStsPolicy, mtaStsId } from './mta-sts-policy.ts'

const FACTS: DomainFacts = {
  domain: 'example.org',
  hostname: 'mail.example.org',
  addresses: ['192.0.2.1', '2001:db8::1'],
  services: {
    imaps: { host: 'mail.example.org', port: 993 },
    submissions: { host: 'mail.example.org', port: 465 },
    submission: { host: 'smtp.example.org', port: 587 },
  },
  dkim: [{ selector: 's1', text: `v=DKIM1; k=rsa; p=${'A'.repeat(300)}` }],
  dmarc: 'quarantine',
  reports: 'postmaster@example.org',
  mtaSts: { mode: 'testing', mx: ['mail.example.org'] },
  caa: ['letsencrypt.org'],
  tlsa: ['ab'.repeat(32)],
}

function zone(facts: DomainFacts): string[] {
  return dnsRecords(facts).map(formatRecord)
}

test('dnsRecords() are the lines of a zone', () => {
  assert.deepEqual(zone(FACTS), [
    'example.org. 3600 IN MX 10 mail.example.org.',
    'mail.example.org. 3600 IN A 192.0.2.1',
    'mail.example.org. 3600 IN AAAA 2001:db8::1',
    'example.org. 3600 IN TXT "v=spf1 mx -all"',
    'mail.example.org. 3600 IN TXT "v=spf1 a -all"',
    `s1._domainkey.example.org. 3600 IN TXT "v=DKIM1; k=rsa; p=${'A'.repeat(237)}" "${'A'.repeat(63)}"`,
    '_dmarc.example.org. 3600 IN TXT "v=DMARC1; p=quarantine; rua=mailto:postmaster@example.org"',
    '_smtp._tls.example.org. 3600 IN TXT "v=TLSRPTv1; rua=mailto:postmaster@example.org"',
    '_mta-sts.example.org. 3600 IN TXT "v=STSv1; id=b9b047279ec2b01a9ab8"',
    'mta-sts.example.org. 3600 IN CNAME mail.example.org.',
    '_imaps._tcp.example.org. 3600 IN SRV 0 1 993 mail.example.org.',
    '_imap._tcp.example.org. 3600 IN SRV 0 0 0 .',
    '_pop3s._tcp.example.org. 3600 IN SRV 0 0 0 .',
    '_pop3._tcp.example.org. 3600 IN SRV 0 0 0 .',
    '_submissions._tcp.example.org. 3600 IN SRV 0 1 465 mail.example.org.',
    '_submission._tcp.example.org. 3600 IN SRV 0 1 587 smtp.example.org.',
    'autoconfig.example.org. 3600 IN CNAME mail.example.org.',
    'autodiscover.example.org. 3600 IN CNAME mail.example.org.',
    'example.org. 3600 IN CAA 0 issue "letsencrypt.org"',
    `_25._tcp.mail.example.org. 3600 IN TLSA 3 1 1 ${'ab'.repeat(32)}`,
  ])
})

test('dnsRecords() of a server under another domain have that host, with its CAA', () => {
  const lines = zone({ ...FACTS, hostname: 'mx.example.net', addresses: [], dkim: [], mtaSts: null, tlsa: [] })
  assert.ok(lines.includes('example.org. 3600 IN MX 10 mx.example.net.'))
  assert.ok(lines.includes('mx.example.net. 3600 IN CAA 0 issue "letsencrypt.org"'))
  assert.ok(!lines.some((line) => line.includes('mta-sts')))
})

test('dnsRecords() let another domain take the reports about this one (RFC 7489 §7.1)', () => {
  const lines = zone({ ...FACTS, reports: 'dmarc@example.net' })
  assert.ok(lines.includes('example.org._report._dmarc.example.net. 3600 IN TXT "v=DMARC1"'))
})

test('the id of an MTA-STS policy is another for every other policy (RFC 8461 §3.1)', () => {
  const policy = { mode: 'testing', mx: ['mail.example.org'] } as const
  assert.equal(
    formatMtaStsPolicy(policy),
    'version: STSv1\r\nmode: testing\r\nmx: mail.example.org\r\nmax_age: 86400\r\n',
  )
  const ids = [policy, { ...policy, mode: 'enforce' as const }, { ...policy, mx: ['mx.example.org'] }].map(mtaStsId)
  assert.equal(new Set(ids).size, 3)
  for (const id of ids) assert.match(id, /^[A-Za-z0-9]{1,32}$/)
})
