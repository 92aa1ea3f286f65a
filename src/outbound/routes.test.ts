import assert from 'node:assert/strict'
import { test } from 'node:test'
import { done, refused } from '#lib/result.ts'
import type { DnsResult, MxRecord } from '#services/resolver.ts'
import { isThisMachine, type RouteSetting, Routes } from './routes.ts'
import { opportunistic } from './tls-policy.ts'

type Zone = Readonly<
  Record<string, { mx?: readonly (readonly [number, string])[]; a?: string[]; aaaa?: string[]; fails?: true }>
>

function answer<T>(zone: Zone, name: string, records: readonly T[] | undefined): DnsResult<T> {
  if (zone[name]?.fails) return { ok: false, error: { kind: 'temporary', reason: 'SERVFAIL' } }
  if (records !== undefined && records.length > 0) return { ok: true, records, authenticated: false, ttl: 60 }
  return { ok: false, error: { kind: 'none', nameExists: zone[name] !== undefined, authenticated: false } }
}

function routes(zone: Zone, settings: readonly RouteSetting[] = [], port = 2525): Routes {
  let seed = 0
  return new Routes({
    resolver: {
      mx: async (name) =>
        answer<MxRecord>(
          zone,
          name,
          zone[name]?.mx?.map(([preference, exchange]) => ({ preference, exchange })),
        ),
      a: async (name) => answer(zone, name, zone[name]?.a),
      aaaa: async (name) => answer(zone, name, zone[name]?.aaaa),
    },
    policies: {
      policyFor: async (_domain, host) =>
        host === 'unlisted.example'
          ? refused({ kind: 'not-listed', reply: '4.7.5 MTA-STS of x: unlisted.example is not in its policy' })
          : done(opportunistic(host)),
    },
    settings,
    hostname: 'mail.example.org',
    port,
    isOurs: isThisMachine,
    random: () => {
      seed = (seed * 16_807 + 11) % 2_147_483_647
      return seed / 2_147_483_647
    },
  })
}

async function names(zone: Zone, domain: string, settings: readonly RouteSetting[] = []): Promise<unknown> {
  const answer = await routes(zone, settings).hosts(domain)
  return answer.ok ? answer.value.map(({ name }) => name) : `${answer.error.outcome} ${answer.error.words}`
}

const mx = (...records: readonly (readonly [number, string])[]) => ({ mx: records })

test('hosts come by preference, those of one preference in any order', async () => {
  const zone = { 'x.net': mx([20, 'C.x.net'], [10, 'a.x.net'], [10, 'b.x.net'], [10, 'a.x.net']) }
  const seen = new Set<string>()
  const deps = routes(zone)
  for (let run = 0; run < 40; run += 1) {
    const found = await deps.hosts('x.net')
    assert.ok(found.ok)
    seen.add(found.value.map(({ name }) => name).join(' '))
  }
  assert.deepEqual([...seen].sort(), ['a.x.net b.x.net c.x.net', 'b.x.net a.x.net c.x.net'])
})

for (const [what, zone, expected] of [
  ['a domain without MX is its own host (RFC 5321 §5.1)', { 'x.net': { a: ['192.0.2.1'] } }, ['x.net']],
  ['null MX (RFC 7505)', { 'x.net': mx([0, '']) }, 'failed 5.1.10 x.net takes no mail (null MX)'],
  ['null MX beside others counts for nothing', { 'x.net': mx([0, ''], [10, 'a.x.net']) }, ['a.x.net']],
  ['a domain that does not exist', {}, 'failed 5.1.2 The domain x.net does not exist'],
  ['a DNS that fails', { 'x.net': { fails: true } }, 'deferred 4.4.3 The DNS does not tell about x.net: SERVFAIL'],
  [
    'we are one of its hosts: those before us alone',
    { 'x.net': mx([5, 'a.x.net'], [10, 'mail.example.org'], [10, 'b.x.net'], [20, 'c.x.net']) },
    ['a.x.net'],
  ],
  ['we are its first host', { 'x.net': mx([5, 'Mail.example.org']) }, 'failed 5.4.6 x.net leads back to this server'],
  ['an address as MX', { 'x.net': mx([5, '192.0.2.1']) }, 'failed 5.4.6 x.net has only addresses as MX'],
] as const)
  test(what, async () => assert.deepEqual(await names(zone as Zone, 'x.net'), expected))

const smarthost: RouteSetting = { domain: '*', host: 'relay.example', security: 'starttls', port: 587 }
const settings: readonly RouteSetting[] = [
  smarthost,
  { domain: '*.example.net', host: 'wild.example', security: 'opportunistic' },
  { domain: 'deep.example.net', security: 'none', sourceAddress: '192.0.2.9' },
  { domain: 'tls.example', host: '192.0.2.8', security: 'tls' },
]

test('the most exact route counts', async () => {
  const zone = { 'deep.example.net': mx([1, 'a.x.net']) }
  for (const [domain, host, key] of [
    ['x.net', 'relay.example', 'relay.example:587'],
    ['example.net', 'relay.example', 'relay.example:587'],
    ['a.b.example.net', 'wild.example', 'wild.example:2525'],
    ['deep.example.net', 'a.x.net', 'deep.example.net'],
    ['tls.example', '192.0.2.8', '192.0.2.8:465'],
  ] as const) {
    assert.deepEqual(await names(zone, domain, settings), [host])
    assert.equal(routes(zone, settings).keyOf(domain), key)
  }
})

test('mail whose route has another login, source or security has connections of its own', () => {
  const relay = {
    host: 'relay.example',
    port: 587,
    security: 'starttls',
    user: 'us',
    passwordFile: 'us.secret',
  } as const
  const others: readonly RouteSetting[] = [
    { domain: 'x.net', ...relay },
    { domain: 'y.net', ...relay },
    { domain: 'z.net', ...relay, user: 'them' },
    { domain: 'plain.net', ...relay, security: 'none' },
    { domain: 'far.net', ...relay, sourceAddress: '192.0.2.7' },
  ]
  const keys = others.map(({ domain }) => routes({}, others).keyOf(domain))
  const place = 'relay.example:587'
  assert.deepEqual(keys, [place, place, `${place} (z.net)`, `${place} (plain.net)`, `${place} (far.net)`])
})

test('IPv6 comes before IPv4, and a source address has a family', async () => {
  const both = { a: ['192.0.2.1', '192.0.2.2'], aaaa: ['2001:db8::1'] }
  const at = async (setting?: RouteSetting) => {
    const found = await routes({ 'a.x.net': both }).endpoint({ name: 'a.x.net', domain: 'x.net', setting })
    assert.ok(found.ok)
    return found.value
  }
  assert.deepEqual((await at()).addresses, ['2001:db8::1', '192.0.2.1', '192.0.2.2'])
  const from: RouteSetting = { domain: '*', security: 'none', sourceAddress: '192.0.2.9' }
  assert.deepEqual((await at(from)).addresses, ['192.0.2.1', '192.0.2.2'])
  assert.equal((await at(from)).tls.level, 'none')
  assert.deepEqual((await at({ ...from, sourceAddress: '2001:db8::9' })).addresses, ['2001:db8::1'])
})

test('what a connection must be comes from the route, else from the policies', async () => {
  const zone: Zone = { 'relay.example': { a: ['192.0.2.1'] }, 'unlisted.example': { a: ['192.0.2.1'] } }
  const relay = await routes(zone).endpoint({ name: 'relay.example', domain: 'relay.example', setting: smarthost })
  assert.ok(relay.ok)
  assert.deepEqual(
    [relay.value.port, relay.value.tls.level, relay.value.tls.names, relay.value.tls.why],
    [587, 'verified', ['relay.example'], 'the route for *'],
  )
  const unlisted = { name: 'unlisted.example', domain: 'x.net', setting: undefined }
  const words = '4.7.5 MTA-STS of x: unlisted.example is not in its policy'
  assert.deepEqual(await routes(zone).endpoint(unlisted), {
    ok: false,
    error: { outcome: 'deferred', words, isTls: true },
  })
  const lenient = await routes(zone).endpoint(unlisted, true)
  assert.deepEqual(lenient.ok && lenient.value.tls, opportunistic('unlisted.example'))
})

for (const [what, host, expected] of [
  ['no address', { mx: [] }, 'failed 5.4.4 h.net has no address'],
  ['a DNS that fails', { fails: true }, 'deferred 4.4.3 The DNS does not tell about h.net: SERVFAIL'],
  ['loopback', { a: ['127.0.0.1'], aaaa: ['::1'] }, 'failed 5.4.6 h.net leads back to this server'],
  ['loopback mapped', { aaaa: ['::ffff:127.0.0.2'] }, 'failed 5.4.6 h.net leads back to this server'],
  ['nothing at all', { a: ['0.0.0.0'] }, 'failed 5.4.6 h.net leads back to this server'],
] as const)
  test(`a host with ${what}`, async () => {
    const found = await routes({ 'h.net': host as Zone[string] }, [], 25).endpoint({
      name: 'h.net',
      domain: 'x.net',
      setting: undefined,
    })
    assert.ok(!found.ok)
    assert.equal(`${found.error.outcome} ${found.error.words}`, expected)
  })

for (const [literal, expected] of [
  ['[192.0.2.1]', ['192.0.2.1']],
  ['[IPv6:2001:db8::1]', ['2001:db8::1']],
  ['[x]', 'failed 5.1.2 [x] is no address'],
] as const)
  test(`an address literal: ${literal}`, async () => assert.deepEqual(await names({}, literal), expected))
