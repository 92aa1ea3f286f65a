import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '#lib/clock.ts'
import { startZoneServer } from '#testing/zone-server.ts'
import { openResolver } from '../dns/dns-resolver.ts'
import { listedBy } from './dnsbl.ts'
import { SilentLists } from './silent-lists.ts'

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
  const silent = new SilentLists(systemClock, () => assert.fail('SERVFAIL at once delays nobody'))
  const lists = ['silent.example', 'bl.example', 'six.example']
  zone.trouble('silent.example', 'servfail')
  assert.deepEqual(await listedBy('192.0.2.1', lists, dns, silent), {
    list: 'bl.example',
    text: 'see https://bl.example/192.0.2.1',
  })
  // a domain that somebody else has now, and a list that refuses this resolver
  assert.equal(await listedBy('192.0.2.2', lists, dns, silent), undefined)
  assert.equal(await listedBy('192.0.2.3', lists, dns, silent), undefined)
  assert.equal(await listedBy('192.0.2.4', lists, dns, silent), undefined)
  assert.deepEqual(await listedBy('2001:db8::1', lists, dns, silent), { list: 'six.example', text: '' })
})

test('a list that is silent three times in a row is left out for five minutes, then asked once', async () => {
  await using zone = await startZoneServer(`
    2.2.0.192.bl.example. IN A 127.0.0.2
    2.2.0.192.other.example. IN A 127.0.0.2
  `)
  const dns = openResolver({ servers: [zone.server], trustAd: 'never', timeoutMs: 600 })
  const told: string[] = []
  let now = 0
  const silent = new SilentLists({ now: () => now }, (lists, message) => told.push(`${message} [${lists.join(' ')}]`))
  const lists = ['bl.example', 'other.example']
  const asked = (): number => zone.asked.filter(({ name }) => name.endsWith('bl.example')).length
  zone.trouble('bl.example', 'silent')
  const ask = (...last: readonly number[]): Promise<readonly unknown[]> =>
    Promise.all(last.map((octet) => listedBy(`192.0.2.${octet}`, lists, dns, silent).then((found) => found?.list)))
  // what others say counts meanwhile
  assert.deepEqual(await ask(2, 3), ['other.example', undefined])
  assert.deepEqual(told, [])
  await ask(4)
  assert.deepEqual(told, ['The list bl.example does not answer: it is asked again in 5 minutes [bl.example]'])
  let before = asked()
  const begun = performance.now()
  assert.deepEqual(await ask(2, 5, 6), ['other.example', undefined, undefined])
  assert.equal(asked(), before)
  assert.ok(performance.now() - begun < 500)
  // one finds out, the others go on without
  now += 300_000
  const names = (): ReadonlySet<string> => new Set(zone.asked.map(({ name }) => name))
  await ask(7, 8, 9)
  assert.ok(names().has('7.2.0.192.bl.example') && !names().has('8.2.0.192.bl.example'))
  before = asked()
  await ask(10)
  assert.equal(asked(), before)
  zone.trouble('bl.example', undefined)
  now += 300_000
  assert.deepEqual(await ask(2), ['bl.example'])
  assert.deepEqual(told.slice(1), ['The list bl.example answers again []'])
  assert.deepEqual(await ask(2), ['bl.example'])
})
