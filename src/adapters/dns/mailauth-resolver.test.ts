import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DnsResult, Resolver } from '#services/resolver.ts'
import { asMailauthResolver } from './mailauth-resolver.ts'

function answer<T>(...records: T[]): DnsResult<T> {
  return { ok: true, records, authenticated: false, ttl: 60 }
}

function none<T>(nameExists: boolean): DnsResult<T> {
  return { ok: false, error: { kind: 'none', nameExists, authenticated: false } }
}

const asked: string[] = []
const resolver: Resolver = {
  mx: async () => answer({ preference: 10, exchange: 'mx.example.org' }),
  a: async () => none(true),
  aaaa: async () => none(false),
  txt: async () => answer('v=spf1 -all', 'other'),
  tlsa: async () => none(false),
  srv: async () => none(false),
  caa: async () => none(false),
  ns: async () => answer('ns.example.org'),
  ptr: async (address) => {
    asked.push(address)
    return answer('host.example.org')
  },
  cname: async () => ({ ok: false, error: { kind: 'temporary', reason: 'SERVFAIL' } }),
}
const resolve = asMailauthResolver(resolver)

test('asMailauthResolver() answers as dns.promises.resolve does', async () => {
  assert.deepEqual(await resolve('example.org', 'TXT'), [['v=spf1 -all'], ['other']])
  assert.deepEqual(await resolve('example.org', 'MX'), [{ exchange: 'mx.example.org', priority: 10 }])
  assert.deepEqual(await resolve('example.org', 'NS'), ['ns.example.org'])
  assert.deepEqual(await resolve('7.2.0.192.in-addr.arpa', 'PTR'), ['host.example.org'])
  await resolve(`1.${'0.'.repeat(31)}ip6.arpa`, 'PTR')
  assert.deepEqual(asked, ['192.0.2.7', '0000:0000:0000:0000:0000:0000:0000:0001'])
})

for (const [type, code] of [
  ['A', 'ENODATA'],
  ['AAAA', 'ENOTFOUND'],
  ['CNAME', 'ESERVFAIL'],
  ['LOC', 'ENOTIMP'],
] as const) {
  test(`asMailauthResolver() throws ${code} as node:dns does`, () =>
    assert.rejects(resolve('example.org', type), { name: 'DnsError', code }))
}
