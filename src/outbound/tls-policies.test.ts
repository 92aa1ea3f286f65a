import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { openResolver } from '#adapters/dns/dns-resolver.ts'
import { openTlsRecords } from '#adapters/sqlite/tls-records.ts'
import type { TlsRecords } from '#store/tls-records.ts'
import { type ServerAuthority, serverAuthority } from '#testing/server-certificates.ts'
import { startZoneServer, type ZoneServer } from '#testing/zone-server.ts'
import { MtaSts } from './mta-sts.ts'
import { type FetchFault, policyFetch } from './policy-fetch.ts'
import { tlsPolicies } from './tls-policies.ts'
import type { TlsPolicies } from './tls-policy.ts'

const DIGEST = '00'.repeat(32)
const ZONE = `
  $ORIGIN example.org.
  $TTL 0
  @          MX    10 mx1
  @          MX    20 mx2.example.net.
  @          SOA   ns h 1 1 1 1 0
  mx1        A     192.0.2.1
  mx1        AAAA  2001:db8::1
  mx2.example.net. A 192.0.2.2
  _mta-sts   TXT   "v=STSv1; id=1"
  mta-sts    A     127.0.0.1
`
const POLICY = 'version: STSv1\nmode: enforce\nmx: mx1.example.org\nmax_age: 604800\n'

const authority = await serverAuthority()
const issued = await authority.issue(['mta-sts.example.org'])

interface Bench {
  readonly zone: ZoneServer
  readonly policies: TlsPolicies
  readonly records: TlsRecords
  readonly faults: FetchFault[]
  /** What the web server of the domain says; how often it was asked. */
  readonly web: { answer: RequestListener; asked: number; policy: string; port: number }
  now: number
}

async function bench(t: TestContext, { ca = authority }: { readonly ca?: ServerAuthority } = {}): Promise<Bench> {
  const zone = await startZoneServer(ZONE)
  const directory = await mkdtemp(path.join(tmpdir(), 'malle-policies-'))
  const records = await openTlsRecords(directory)
  const made: Bench['web'] = {
    asked: 0,
    port: 0,
    policy: POLICY,
    answer: (_, response) => response.setHeader('content-type', 'text/plain; charset=utf-8').end(made.policy),
  }
  const web = createServer(issued, (request, response) => {
    made.asked += 1
    if (request.url !== '/.well-known/mta-sts.txt') response.writeHead(404).end()
    else made.answer(request, response)
  })
  web.listen(0, '127.0.0.1')
  await once(web, 'listening')
  t.after(async () => {
    web.closeAllConnections()
    web.close()
    await records[Symbol.asyncDispose]()
    await zone[Symbol.asyncDispose]()
    await rm(directory, { recursive: true })
  })
  const address = web.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  made.port = port
  const resolver = openResolver({ servers: [zone.server], trustAd: 'loopback', timeoutMs: 300 })
  const faults: FetchFault[] = []
  const state: Bench = {
    zone,
    records,
    faults,
    web: made,
    now: Date.now(),
    policies: tlsPolicies({
      resolver,
      mtaSts: new MtaSts({
        resolver,
        records,
        fetch: policyFetch({ resolver, port, ca: ca.ca, timeoutMs: 300 }),
        clock: { now: () => state.now },
        onFault: (_, fault) => faults.push(fault),
      }),
    }),
  }
  return state
}

/** Level and source, or the refusal. */
async function told(policies: TlsPolicies, host = 'mx1.example.org', port?: number): Promise<string> {
  const policy = await policies.policyFor('example.org', host, port)
  if (!policy.ok) return policy.error.reply
  const { level, source, why } = policy.value
  return `${level} ${source} ${why}`.trim()
}

const PLAIN = 'opportunistic nobody'
const ENFORCED = 'verified mta-sts MTA-STS of example.org (enforce)'
const DANE = 'dane dane DANE of mx1.example.org'

function withTlsa(...lines: string[]): string {
  return `${ZONE}\n${lines.map((one) => `_25._tcp.mx1 TLSA ${one}`).join('\n')}`
}

test('a domain that asks for nothing gets TLS where it is offered', async (t) => {
  const { policies, zone } = await bench(t)
  zone.load(ZONE.replace('_mta-sts', '_other'))
  assert.equal(await told(policies), PLAIN)
  assert.equal(await told(policies, 'mx2.example.net'), PLAIN)
})

test('DANE counts where MX, address and TLSA records have been validated', async (t) => {
  const { policies, zone, web } = await bench(t)
  zone.load(withTlsa(`3 1 1 ${DIGEST}`, `2 0 1 ${DIGEST}`, `0 0 1 ${DIGEST}`))
  zone.authenticate('example.org')
  const policy = await policies.policyFor('example.org', 'mx1.example.org')
  assert.ok(policy.ok)
  assert.equal(await told(policies), DANE)
  assert.deepEqual(policy.value.names, ['mx1.example.org', 'example.org'])
  assert.deepEqual(
    policy.value.tlsa.map((one) => one.usage),
    [3, 2],
  )
  // DANE comes before MTA-STS, which is not even asked for
  assert.equal(web.asked, 0)
  // of another port
  assert.equal(await told(policies, 'mx1.example.org', 2525), ENFORCED)
  for (const signed of [[], ['mx1.example.org', '_tcp.mx1.example.org']]) {
    zone.authenticate(...signed)
    assert.equal(await told(policies), ENFORCED)
  }
})

test('DANE does not count where the address has not been validated, and TLSA is not asked for', async (t) => {
  const { policies, zone } = await bench(t)
  zone.load(`${ZONE}\n_25._tcp.mx2.example.net. TLSA 3 1 1 ${DIGEST}`.replace('_mta-sts', '_other'))
  zone.authenticate('example.org')
  assert.equal(await told(policies, 'mx2.example.net'), PLAIN)
  assert.ok(!zone.asked.some((one) => one.type === 'TLSA'))
})

test('TLSA records of which none can be used ask for TLS, whoever it is', async (t) => {
  const { policies, zone } = await bench(t)
  zone.load(withTlsa(`1 1 1 ${DIGEST}`, '3 1 1 00').replace('_mta-sts', '_other'))
  zone.authenticate('example.org')
  assert.equal(await told(policies), 'encrypted dane DANE of mx1.example.org')
  // and MTA-STS asks for more
  zone.load(withTlsa(`1 1 1 ${DIGEST}`))
  assert.equal(await told(policies), ENFORCED)
})

test('nothing goes to a host whose TLSA records cannot be had', async (t) => {
  const { policies, zone } = await bench(t)
  zone.authenticate('example.org')
  zone.trouble('_25._tcp.mx1.example.org', 'servfail')
  const { port } = zone.server
  assert.equal(
    await told(policies),
    `4.7.5 DANE of mx1.example.org: its TLSA records cannot be had: 127.0.0.1:${port}: SERVFAIL`,
  )
  // where nothing has been validated, servers that do not know TLSA do no harm
  zone.authenticate()
  assert.equal(await told(policies), ENFORCED)
})

for (const [what, name, type] of [
  ['the MX records', 'example.org', 'MX'],
  ['the addresses', 'mx1.example.org', ''],
  ['the aliases', 'mx1.example.org', 'CNAME'],
] as const) {
  test(`who keeps ${what} from us does not end DANE`, async (t) => {
    const { policies, zone } = await bench(t)
    zone.load(withTlsa(`3 1 1 ${DIGEST}`).replace('_mta-sts', '_other'))
    zone.authenticate('example.org')
    assert.equal(await told(policies), DANE)
    zone.trouble(name, 'servfail', type)
    assert.match(
      await told(policies),
      /^4\.7\.5 DANE of mx1\.example\.org: its TLSA records cannot be had: .*SERVFAIL$/,
    )
  })
}

test('TLSA records are looked for where the aliases of a host end, then at its name', async (t) => {
  const { policies, zone } = await bench(t)
  const alias = ZONE.replace(/ {2}mx1 .*\n/g, '').concat('mx1 CNAME a\na CNAME b\nb A 192.0.2.1\n')
  zone.authenticate('example.org')
  for (const base of ['b', 'mx1']) {
    zone.load(`${alias}\n_25._tcp.${base} TLSA 3 1 1 ${DIGEST}`)
    const policy = await policies.policyFor('example.org', 'mx1.example.org')
    assert.ok(policy.ok)
    assert.equal(policy.value.level, 'dane')
    assert.equal(policy.value.names[0], `${base}.example.org`)
  }
})

test('a domain without MX has its own TLSA records', async (t) => {
  const { policies, zone } = await bench(t)
  zone.load(`example.org. 0 A 192.0.2.1\n_25._tcp.example.org. 0 TLSA 3 1 1 ${DIGEST}`)
  zone.authenticate('example.org')
  assert.equal(await told(policies, 'example.org'), 'dane dane DANE of example.org')
})

test('MTA-STS in mode enforce asks for a certificate, and lets other hosts out', async (t) => {
  const { policies, web } = await bench(t)
  const policy = await policies.policyFor('example.org', 'mx1.example.org')
  assert.ok(policy.ok)
  assert.deepEqual(policy.value.names, ['mx1.example.org'])
  assert.equal(await told(policies), ENFORCED)
  assert.equal(
    await told(policies, 'mx2.example.net'),
    '4.7.5 MTA-STS of example.org (enforce): mx2.example.net is not in its policy',
  )
  assert.equal(web.asked, 1)
})

test('MTA-STS in mode testing asks for nothing, but says what it would have asked for', async (t) => {
  const { policies, web } = await bench(t)
  web.policy = POLICY.replace('enforce', 'testing')
  assert.equal(await told(policies), PLAIN)
  const listed = await policies.policyFor('example.org', 'mx1.example.org')
  const other = await policies.policyFor('example.org', 'mx2.example.net')
  assert.ok(listed.ok && other.ok)
  assert.deepEqual([listed.value.testing?.level, listed.value.testing?.names], ['verified', ['mx1.example.org']])
  assert.deepEqual(other.value.testing?.names, [])
})

test('a policy holds as long as it says, whatever becomes of the DNS and the web server', async (t) => {
  const state = await bench(t)
  const { policies, zone, web } = state
  assert.equal(await told(policies), ENFORCED)
  zone.load(ZONE.replace('_mta-sts', '_other'))
  web.answer = (_, response) => response.writeHead(503).end()
  assert.equal(await told(policies), ENFORCED)
  zone.load(ZONE.replace('id=1', 'id=2'))
  assert.equal(await told(policies), ENFORCED)
  assert.deepEqual(state.faults, [{ failure: 'sts-policy-fetch-error', words: 'HTTP status 503' }])
  state.now += 604_800_000
  zone.load(ZONE.replace('_mta-sts', '_other'))
  assert.equal(await told(policies), PLAIN)
})

test('a policy is fetched again for another id, and once a day', async (t) => {
  const state = await bench(t)
  const { policies, zone, web, records } = state
  await Promise.all([told(policies), told(policies), told(policies)])
  await told(policies)
  assert.equal(web.asked, 1)
  web.policy = POLICY.replace('mx1.', 'mx9.')
  zone.load(ZONE.replace('id=1', 'id=2'))
  assert.match(await told(policies), /mx1.example.org is not in its policy/)
  assert.equal(web.asked, 2)
  web.policy = POLICY
  state.now += 86_400_001
  // in the background: nobody waits for it
  assert.match(await told(policies), /is not in its policy/)
  for (let left = 100; left > 0 && (await records.stsPolicy('example.org'))?.mx[0] !== 'mx1.example.org'; left -= 1) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.equal(await told(policies), ENFORCED)
  assert.equal(web.asked, 3)
})

test('mode none ends a policy', async (t) => {
  const { policies, zone, web } = await bench(t)
  assert.equal(await told(policies), ENFORCED)
  web.policy = 'version: STSv1\nmode: none\nmax_age: 60\n'
  zone.load(ZONE.replace('id=1', 'id=2'))
  assert.equal(await told(policies), PLAIN)
})

const LONG = `${POLICY}${'x: y\n'.repeat(14_000)}`
for (const [what, answer, fault] of [
  [
    'a redirect',
    (_, response) => response.writeHead(301, { location: 'https://mta-sts.example.org/' }).end(),
    { failure: 'sts-policy-fetch-error', words: 'HTTP status 301' },
  ],
  [
    'HTML',
    (_, response) => response.setHeader('content-type', 'text/html').end(POLICY),
    { failure: 'sts-policy-invalid', words: 'not text/plain' },
  ],
  [
    'more than 64 KB',
    (_, response) => response.setHeader('content-type', 'text/plain').end(LONG),
    { failure: 'sts-policy-invalid', words: 'longer than 64 KB' },
  ],
  [
    'nonsense',
    (_, response) => response.setHeader('content-type', 'text/plain').end('no policy'),
    { failure: 'sts-policy-invalid', words: 'a line is no field' },
  ],
  ['silence', () => undefined, { failure: 'sts-policy-fetch-error', words: 'no answer within 0.3 s' }],
  [
    'silence after the first half',
    (_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).write(POLICY),
    { failure: 'sts-policy-fetch-error', words: 'no answer within 0.3 s' },
  ],
] as const satisfies readonly (readonly [string, RequestListener, FetchFault])[]) {
  test(`${what} in place of a policy is no policy, and not asked for again at once`, async (t) => {
    const state = await bench(t)
    state.web.answer = answer
    assert.equal(await told(state.policies), PLAIN)
    assert.equal(await told(state.policies), PLAIN)
    assert.deepEqual(state.faults, [fault])
    assert.equal(state.web.asked, 1)
    state.now += 300_001
    await told(state.policies)
    assert.equal(state.web.asked, 2)
  })
}

test('what is under way when all ends never comes to mail without a policy', async (t) => {
  const { zone, web } = await bench(t)
  web.answer = () => undefined
  const stopping = new AbortController()
  const resolver = openResolver({ servers: [zone.server], trustAd: 'loopback', timeoutMs: 300 })
  const settled: unknown[] = []
  void policyFetch({ resolver, port: web.port, ca: authority.ca, signal: stopping.signal })('example.org').then((one) =>
    settled.push(one),
  )
  for (let left = 200; left > 0 && web.asked === 0; left -= 1) await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(web.asked, 1)
  stopping.abort()
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.deepEqual(settled, [])
})

test('a policy from a server with a bad certificate is none', async (t) => {
  const { policies, faults, web } = await bench(t, { ca: await serverAuthority() })
  assert.equal(await told(policies), PLAIN)
  assert.deepEqual(
    faults.map((one) => one.failure),
    ['sts-webpki-invalid'],
  )
  assert.equal(web.asked, 0)
})

test('a policy server without an address or of another name is none', async (t) => {
  const { policies, faults, zone } = await bench(t)
  zone.load(`${ZONE}\nexample.com. TXT x\n`.replaceAll('mta-sts    A', 'nowhere   A'))
  assert.equal(await told(policies), PLAIN)
  assert.deepEqual(faults, [{ failure: 'sts-policy-fetch-error', words: 'mta-sts.example.org has no address' }])
  zone.load('_mta-sts.example.net. 0 TXT "v=STSv1; id=1"\nmta-sts.example.net. 0 A 127.0.0.1')
  assert.ok((await policies.policyFor('example.net', 'mx.example.net')).ok)
  assert.equal(faults[1]?.failure, 'sts-webpki-invalid')
})
