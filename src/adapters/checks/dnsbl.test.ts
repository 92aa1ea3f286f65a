import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startZoneServer } from '#testing/zone-server.ts'
import { openResolver } from '../dns/dns-resolver.ts'
import { listedBy } from './dnsbl.ts'

const V6 = `${'1.0.0.0.'.padEnd(48, '0.')}8.b.d.0.1.0.0.2`

test('listedBy() names the list that has the address, and what it says', async () => {
  await using zone = await startZoneServer(`
    1.2.0.192.bl.example. IN A 127.0.0.2
    1.2.0.192.bl.example. IN TXT "see https://bl.example/192.0.2.1"
    2.2.0.192.bl.example. IN A 192.0.2.99
    3.2.0.192.bl.example. IN A 127.255.255.254
    ${V6}.six.example. IN A 127.0.0.4
  `)
  const dns = openResolver({ servers: [zone.server], trustAd: 'never', timeoutMs: 1_000 })
  const lists = ['silent.example', 'bl.example', 'six.example']
  zone.trouble('silent.example', 'servfail')
  assert.deepEqual(await listedBy('192.0.2.1', lists, dns), {
    list: 'bl.example',
    text: 'see https://bl.example/192.0.2.1',
  })
  // a domain that somebody else has now, and a list that refuses this resolver
  assert.equal(await listedBy('192.0.2.2', lists, dns), undefined)
  assert.equal(await listedBy('192.0.2.3', lists, dns), undefined)
  assert.equal(await listedBy('192.0.2.4', lists, dns), undefined)
  assert.deepEqual(await listedBy('2001:db8::1', lists, dns), { list: 'six.example', text: '' })
})
