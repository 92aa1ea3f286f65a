/** From the DNS and the web to what the queue says: servers that are not whom their domain told of get no mail. */
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { createSecureContext, setDefaultCACertificates } from 'node:tls'
import { openResolver } from '#adapters/dns/dns-resolver.ts'
import { openTlsRecords } from '#adapters/sqlite/tls-records.ts'
import { systemClock } from '#lib/clock.ts'
import type { TlsRecords } from '#store/tls-records.ts'
import { MailSink } from '#testing/mail-sink.ts'
import { TestOutbound } from '#testing/outbound.ts'
import { serverAuthority } from '#testing/server-certificates.ts'
import { startZoneServer, type ZoneServer } from '#testing/zone-server.ts'
import { MtaSts } from './mta-sts.ts'
import { policyFetch } from './policy-fetch.ts'
import { tlsPolicies } from './tls-policies.ts'
import { dayOf, TlsResults } from './tls-results.ts'

const authority = await serverAuthority()
setDefaultCACertificates([authority.ca])
const right = await authority.issue(['mx.x.net'])
const wrong = await authority.issue(['other.example'])
const expired = await authority.issue(['mx.x.net'], { endsIn: -60 })
const foreign = await (await serverAuthority()).issue(['mx.x.net'])
const web = await authority.issue(['mta-sts.x.net'])

interface Bench {
  readonly sink: MailSink
  readonly zone: ZoneServer
  readonly out: TestOutbound
  readonly records: TlsRecords
  readonly results: TlsResults
}

function zoneOf(port: number, ...more: readonly string[]): string {
  return ['$TTL 0', 'x.net. MX 10 mx.x.net.', 'mx.x.net. A 127.0.0.1', ...more].join('\n').replaceAll('PORT', `${port}`)
}

async function bench(t: TestContext, zoneLines: readonly string[], policy = ''): Promise<Bench> {
  const sink = await MailSink.start({ tls: createSecureContext(right) })
  const zone = await startZoneServer(zoneOf(sink.port, ...zoneLines))
  const server = createServer(web, (_, response) => response.setHeader('content-type', 'text/plain').end(policy))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const directory = await mkdtemp(path.join(tmpdir(), 'malle-demanded-tls-'))
  const records = await openTlsRecords(directory)
  const resolver = openResolver({ servers: [zone.server], trustAd: 'loopback', timeoutMs: 500 })
  const results = new TlsResults({
    records,
    clock: systemClock,
    after: () => () => undefined,
    onFault: assert.ifError,
  })
  const policies = tlsPolicies({
    resolver,
    mtaSts: new MtaSts({
      resolver,
      records,
      fetch: policyFetch({ resolver, port: typeof address === 'object' && address !== null ? address.port : 0 }),
      clock: systemClock,
      onFault: (domain, fault) => results.fetchFault(domain, fault),
    }),
  })
  const out = await TestOutbound.start({
    domains: {},
    port: sink.port,
    resolver,
    policies: results.noting(policies),
    tried: results.tried,
  })
  t.after(async () => {
    await out[Symbol.asyncDispose]()
    await sink[Symbol.asyncDispose]()
    await zone[Symbol.asyncDispose]()
    server.close()
    await records[Symbol.asyncDispose]()
    await rm(directory, { recursive: true })
  })
  return { sink, zone, out, records, results }
}

/** What `malle queue list` says of the one message that waits; `undefined`: none waits. */
async function waitingFor(out: TestOutbound): Promise<string | undefined> {
  await out.quiet()
  const [message] = await out.waiting()
  return message?.recipients[0]?.last?.reply
}

/** What was counted, in the words of reports. */
async function counted({ results, records }: Bench): Promise<string[]> {
  await results.flush()
  const sessions = await records.sessions(dayOf(Date.now()), 'x.net')
  return sessions.map(({ policy, failure, count }) => `${policy.type} ${failure === '' ? 'well' : failure} ${count}`)
}

const STS = ['_mta-sts.x.net. TXT "v=STSv1; id=1"', 'mta-sts.x.net. A 127.0.0.1']
const ENFORCE = 'version: STSv1\nmode: enforce\nmx: mx.x.net\nmax_age: 604800\n'

for (const [what, shown, reason, failure] of [
  ['for another name', wrong, 'the certificate of mx.x.net is not for mx.x.net', 'certificate-host-mismatch'],
  ['that has expired', expired, 'the certificate of mx.x.net has expired', 'certificate-expired'],
  [
    'by an authority that is not trusted',
    foreign,
    'the certificate of mx.x.net comes from an authority that is not known',
    'certificate-not-trusted',
  ],
  ['nowhere to be seen', undefined, 'no TLS with mx.x.net: 502 5.5.1 not known here', 'starttls-not-supported'],
] as const) {
  test(`MTA-STS enforced: mail waits while the certificate is one ${what}, and goes once it is right`, async (t) => {
    const state = await bench(t, STS, ENFORCE)
    const { sink, out } = state
    sink.options = shown === undefined ? {} : { tls: createSecureContext(shown) }
    await out.send('a', ['bob@x.net'])
    const status = shown === undefined ? '4.7.4' : '4.7.5'
    assert.equal(await waitingFor(out), `${status} MTA-STS of x.net (enforce): ${reason}`)
    assert.equal(sink.messages.length, 0)
    sink.options = { tls: createSecureContext(right) }
    out.pass(600_000)
    assert.equal(await waitingFor(out), undefined)
    assert.equal(sink.messages.length, 1)
    const history = await out.store.history('a')
    assert.equal(history?.attempts.at(-1)?.tls, 'TLSv1.3 mta-sts')
    assert.deepEqual(await counted(state), ['sts well 1', `sts ${failure} 1`])
  })
}

test('MTA-STS enforced: a host that the policy does not list gets nothing', async (t) => {
  const state = await bench(t, STS, ENFORCE.replace('mx.x.net', 'mx2.x.net'))
  await state.out.send('a', ['bob@x.net'])
  assert.equal(await waitingFor(state.out), '4.7.5 MTA-STS of x.net (enforce): mx.x.net is not in its policy')
  assert.equal(state.sink.connections, 0)
  assert.deepEqual(await counted(state), ['sts validation-failure 1'])
})

test('MTA-STS tried out: mail goes whatever the certificate is, and what is wrong is counted', async (t) => {
  const state = await bench(t, STS, ENFORCE.replace('enforce', 'testing'))
  state.sink.options = { tls: createSecureContext(wrong) }
  await state.out.send('a', ['bob@x.net'])
  assert.equal(await waitingFor(state.out), undefined)
  assert.equal(state.sink.messages[0]?.secure, true)
  assert.deepEqual(await counted(state), ['sts certificate-host-mismatch 1'])
})

for (const [what, policy, shown, secure] of [
  ['for another name', ENFORCE, wrong, true],
  ['nowhere to be seen', ENFORCE, undefined, false],
  ['of a host that the policy does not list', ENFORCE.replace('mx.x.net', 'mx2.x.net'), right, true],
] as const) {
  test(`TLS-Required: No: mail goes where the certificate is ${what}, and other mail waits (RFC 8689 §4.2.2)`, async (t) => {
    const state = await bench(t, STS, policy)
    const { sink, out } = state
    sink.options = shown === undefined ? {} : { tls: createSecureContext(shown) }
    // whichever comes first
    await out.send('a', ['ann@x.net'])
    await out.send('b', ['bob@x.net'], { tlsOptional: true })
    await out.send('c', ['cid@x.net'])
    await out.send('d', ['dan@x.net'], { tlsOptional: true })
    assert.match((await waitingFor(out)) ?? '', /^4\.7\.[45] MTA-STS of x\.net \(enforce\): /)
    assert.deepEqual(
      (await out.waiting()).map(({ id }) => id),
      ['a', 'c'],
    )
    assert.deepEqual(new Set(sink.messages.map(({ to }) => to[0]?.address)), new Set(['bob@x.net', 'dan@x.net']))
    assert.equal(sink.messages.length, 2)
    assert.ok(sink.messages.every((message) => message.secure === secure))
    sink.options = { tls: createSecureContext(right) }
    out.pass(600_000)
    await out.quiet()
    // where all is right, what was asked for counts for everybody
    if (policy === ENFORCE) assert.equal(sink.messages.length, 4)
  })
}

test('TLS-Required: No: what a route demands is not the domain’s, and stays', async () => {
  await using sink = await MailSink.start({})
  const domains = { 'x.net': ['127.0.0.1'] }
  const routes = [{ domain: 'x.net', security: 'starttls' }] as const
  await using out = await TestOutbound.start({ domains, port: sink.port, routes })
  await out.send('a', ['bob@x.net'], { tlsOptional: true })
  assert.match((await waitingFor(out)) ?? '', /^4\.7\.4 the route for x\.net: no TLS with /)
  assert.equal(sink.messages.length, 0)
})

test('DANE: mail waits while the certificate is not the one that the DNS tells of', async (t) => {
  const spki = new X509Certificate(right.cert).publicKey.export({ type: 'spki', format: 'der' })
  const digest = createHash('sha256').update(spki).digest('hex')
  const tlsa = `_PORT._tcp.mx.x.net. TLSA 3 1 1 ${digest}`
  const state = await bench(t, [tlsa, ...STS], ENFORCE)
  const { sink, out, zone } = state
  zone.authenticate('x.net')
  // an authority vouches for it, which does not count here (RFC 8461 §2)
  sink.options = { tls: createSecureContext(await authority.issue(['mx.x.net'])) }
  await out.send('a', ['bob@x.net'])
  assert.equal(
    await waitingFor(out),
    '4.7.5 DANE of mx.x.net: the certificate of mx.x.net is not the one that its TLSA records tell of',
  )
  zone.trouble(`_${sink.port}._tcp.mx.x.net`, 'servfail')
  out.pass(600_000)
  assert.equal(
    await waitingFor(out),
    `4.7.5 DANE of mx.x.net: its TLSA records cannot be had: 127.0.0.1:${zone.server.port}: SERVFAIL`,
  )
  assert.equal(sink.messages.length, 0)
  zone.trouble(`_${sink.port}._tcp.mx.x.net`, undefined)
  sink.options = { tls: createSecureContext(right) }
  out.pass(1_200_000)
  assert.equal(await waitingFor(out), undefined)
  assert.equal((await out.store.history('a'))?.attempts.at(-1)?.tls, 'TLSv1.3 dane')
  assert.deepEqual(await counted(state), ['tlsa dnssec-invalid 1', 'tlsa well 1', 'tlsa validation-failure 1'])
})

test('a domain that asks for nothing gets its mail, with TLS or without', async (t) => {
  const state = await bench(t, [])
  state.sink.options = { tls: createSecureContext(foreign) }
  await state.out.send('a', ['bob@x.net'])
  assert.equal(await waitingFor(state.out), undefined)
  assert.equal(state.sink.messages[0]?.secure, true)
  assert.deepEqual(await counted(state), ['no-policy-found well 1'])
})
