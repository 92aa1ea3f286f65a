import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '#lib/clock.ts'
import type { DnsResult, Resolver } from '#services/resolver.ts'
import { startZoneServer, type ZoneServer } from '#testing/zone-server.ts'
import { openResolver, type ResolverOptions } from './dns-resolver.ts'

const ZONE = `
  $ORIGIN example.org.
  @          SOA   ns hostmaster 1 3600 600 86400 30
  @          MX    10 mx1
             MX    20 MX2.example.net.
             TXT   "v=spf1 mx" " -all"
             TXT   "a;b"
             CAA   0 issue "letsencrypt.org"
             CAA   128 iodef mailto:security@example.org
             NS    ns
  mx1        A     192.0.2.1
  mx1        A     192.0.2.2
  mx1        AAAA  2001:db8::1
  null       MX    0 .
  _imaps._tcp SRV  0 1 993 imap
  _pop3._tcp  SRV  0 0 0 .
  _25._tcp.mx1 TLSA 3 1 1 ( 00112233445566778899aabbccddeeff
                            00112233445566778899aabbccddeeff )
  alias      CNAME mx1
  away 60    CNAME host.example.com.
  host.example.com. 20 A 203.0.113.5
  loop       CNAME loop2
  loop2      CNAME loop
  1.2.0.192.in-addr.arpa. PTR mx1
  *.wild     A     192.0.2.9
  short 1    A     192.0.2.3
  zero 0     A     192.0.2.4
`

async function withServer(
  run: (server: ZoneServer, resolver: Resolver) => Promise<void>,
  options: Partial<ResolverOptions> = {},
): Promise<void> {
  await using server = await startZoneServer(ZONE)
  await run(server, openResolver({ servers: [server.server], trustAd: 'loopback', timeoutMs: 800, ...options }))
}

function records<T>(answer: DnsResult<T>): readonly T[] {
  assert.ok(answer.ok, JSON.stringify(answer))
  return answer.records
}

test('the resolver reads records of each type', () =>
  withServer(async (_, dns) => {
    assert.deepEqual(records(await dns.mx('Example.ORG.')), [
      { preference: 10, exchange: 'mx1.example.org' },
      { preference: 20, exchange: 'mx2.example.net' },
    ])
    assert.deepEqual(records(await dns.mx('null.example.org')), [{ preference: 0, exchange: '' }])
    assert.deepEqual(records(await dns.a('mx1.example.org')), ['192.0.2.1', '192.0.2.2'])
    assert.deepEqual(records(await dns.aaaa('mx1.example.org')), ['2001:db8::1'])
    assert.deepEqual(records(await dns.txt('example.org')), ['v=spf1 mx -all', 'a;b'])
    assert.deepEqual(records(await dns.ns('example.org')), ['ns.example.org'])
    assert.deepEqual(records(await dns.caa('example.org')), [
      { critical: false, tag: 'issue', value: 'letsencrypt.org' },
      { critical: true, tag: 'iodef', value: 'mailto:security@example.org' },
    ])
    assert.deepEqual(records(await dns.srv('_imaps._tcp.example.org')), [
      { priority: 0, weight: 1, port: 993, target: 'imap.example.org' },
    ])
    assert.deepEqual(records(await dns.srv('_pop3._tcp.example.org')), [
      { priority: 0, weight: 0, port: 0, target: '' },
    ])
    const data = new Uint8Array(Buffer.from('00112233445566778899aabbccddeeff'.repeat(2), 'hex'))
    assert.deepEqual(records(await dns.tlsa('_25._tcp.mx1.example.org')), [
      { usage: 3, selector: 1, matching: 1, data },
    ])
    assert.deepEqual(records(await dns.ptr('192.0.2.1')), ['mx1.example.org'])
    assert.deepEqual(records(await dns.cname('alias.example.org')), ['mx1.example.org'])
    assert.deepEqual(records(await dns.a('any.wild.example.org')), ['192.0.2.9'])
  }))

test('the resolver tells a name that is not there from a type that is not there', () =>
  withServer(async (server, dns) => {
    server.authenticate('example.org')
    const none = (nameExists: boolean, authenticated: boolean): DnsResult<never> => ({
      ok: false,
      error: { kind: 'none', nameExists, authenticated },
    })
    assert.deepEqual(await dns.a('example.org'), none(true, true))
    assert.deepEqual(await dns.a('nowhere.example.org'), none(false, true))
    assert.deepEqual(await dns.a('_tcp.example.org'), none(true, true))
    assert.deepEqual(await dns.a('example.invalid'), none(false, false))
    assert.deepEqual(await dns.ptr('no address'), none(false, false))
    assert.equal(server.asked.length, 4)
  }))

test('AD counts where the server is on loopback or the configuration says so', async () => {
  for (const trustAd of ['loopback', 'always', 'never'] as const) {
    await withServer(
      async (server, dns) => {
        server.authenticate('example.org')
        const answer = await dns.a('mx1.example.org')
        assert.equal(answer.ok && answer.authenticated, trustAd !== 'never')
        const away = await dns.a('host.example.com')
        assert.equal(away.ok && away.authenticated, false)
        // an alias from a zone that is signed into one that is not
        const mixed = await dns.a('away.example.org')
        assert.deepEqual(records(mixed), ['203.0.113.5'])
      },
      { trustAd },
    )
  }
})

test('the resolver follows aliases, and not in circles', () =>
  withServer(async (server, dns) => {
    assert.deepEqual(records(await dns.a('alias.example.org')), ['192.0.2.1', '192.0.2.2'])
    for (const trouble of [undefined, 'one-alias'] as const) {
      server.trouble('', trouble)
      const circle = await dns.a('loop.example.org')
      assert.ok(!circle.ok && circle.error.kind === 'temporary')
      assert.match(circle.error.reason, /aliases that lead nowhere/)
    }
  }))

test('the resolver asks where an alias leads when the server does not say, eight times', () =>
  withServer(async (server, dns) => {
    const chain = (name: string, length: number): string =>
      Array.from({ length }, (_, i) => `${name}${i}. CNAME ${name}${i + 1}.\n`).join('') +
      `${name}${length}. A 192.0.2.77\n`
    server.trouble('', 'one-alias')
    server.authenticate('')
    server.load(chain('y', 8))
    const answer = await dns.a('y0')
    assert.deepEqual(records(answer), ['192.0.2.77'])
    assert.ok(answer.ok && answer.authenticated)
    assert.equal(server.asked.length, 9)
    server.load(chain('z', 9))
    const long = await dns.a('z0')
    assert.ok(!long.ok && long.error.kind === 'temporary')
  }))

test('an answer that does not fit into a datagram is had over TCP', () =>
  withServer(async (server, dns) => {
    const many = Array.from({ length: 200 }, (_, i) => `many.example.org. A 10.0.0.${i}`).join('\n')
    server.load(many)
    assert.equal(records(await dns.a('many.example.org')).length, 200)
    assert.deepEqual(
      server.asked.map((one) => one.over),
      ['udp', 'tcp'],
    )
    server.load(ZONE)
    server.trouble('example.org', 'truncated')
    assert.equal(records(await dns.mx('example.org')).length, 2)
  }))

test('a damaged answer and silence are temporary, and say so', () =>
  withServer(
    async (server, dns) => {
      const port = server.server.port
      const reason = async (name: string): Promise<string> => {
        const answer = await dns.a(name)
        assert.ok(!answer.ok && answer.error.kind === 'temporary', JSON.stringify(answer))
        return answer.error.reason
      }
      server.trouble('damaged.example', 'damaged')
      server.trouble('silent.example', 'silent')
      server.trouble('fails.example', 'servfail')
      server.trouble('refuses.example', 'refused')
      assert.equal(await reason('damaged.example'), `127.0.0.1:${port}: an unreadable answer`)
      assert.equal(await reason('silent.example'), `127.0.0.1:${port}: no answer`)
      assert.equal(await reason('fails.example'), `127.0.0.1:${port}: SERVFAIL`)
      assert.equal(await reason('refuses.example'), `127.0.0.1:${port}: REFUSED`)
      // what is temporary is not kept
      server.trouble('fails.example', undefined)
      server.load('fails.example. A 192.0.2.1')
      assert.deepEqual(records(await dns.a('fails.example')), ['192.0.2.1'])
    },
    { timeoutMs: 300 },
  ))

test('what is no answer to the question is overheard, and the answer waited for', () =>
  withServer(async (server, dns) => {
    server.trouble('', 'noise')
    assert.deepEqual(records(await dns.a('mx1.example.org')), ['192.0.2.1', '192.0.2.2'])
    assert.equal(server.asked.length, 1)
  }))

test('a server that knows no EDNS is asked without', () =>
  withServer(async (server, dns) => {
    server.trouble('', 'no-edns')
    assert.equal(records(await dns.mx('example.org')).length, 2)
    assert.equal(server.asked.length, 2)
  }))

test('the next server is asked when one is silent, fails or is not there; then first', async () => {
  await using good = await startZoneServer(ZONE)
  await using bad = await startZoneServer()
  const gone = await startZoneServer()
  await gone[Symbol.asyncDispose]()
  bad.trouble('', 'silent')
  const dns = openResolver({
    servers: [gone.server, bad.server, good.server],
    trustAd: 'loopback',
    timeoutMs: 900,
  })
  assert.equal(records(await dns.mx('example.org')).length, 2)
  assert.equal(bad.asked.length, 1)
  assert.equal(good.asked.length, 1)
  bad.trouble('', 'servfail')
  assert.equal(records(await dns.a('mx1.example.org')).length, 2)
  assert.equal(bad.asked.length, 2)
})

test('one question is asked once where several ask it at once', () =>
  withServer(async (server, dns) => {
    server.trouble('', { lateMs: 50 })
    const answers = await Promise.all(Array.from({ length: 30 }, () => dns.mx('example.org')))
    assert.ok(answers.every((one) => one.ok))
    assert.equal(server.asked.length, 1)
  }))

test('more questions than the resolver asks at once wait for each other', () =>
  withServer(
    async (server, dns) => {
      server.trouble('', { lateMs: 20 })
      const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => dns.a(`h${i}.wild.example.org`)))
      assert.ok(answers.every((one) => one.ok))
      assert.equal(server.asked.length, 500)
    },
    { timeoutMs: 8000 },
  ))

test('answers are kept while their TTL lasts', async () => {
  let now = 1_700_000_000_000
  const clock: Clock = { now: () => now }
  await withServer(
    async (server, dns) => {
      const ttls: number[] = []
      for (const passes of [0, 10_000, 50_000, 241_000]) {
        now += passes
        const answer = await dns.mx('example.org')
        assert.ok(answer.ok)
        ttls.push(answer.ttl)
      }
      assert.deepEqual(ttls, [300, 290, 240, 300])
      assert.equal(server.asked.length, 2)
      // none: as long as the SOA says (RFC 2308 §5)
      for (const passes of [0, 29_000, 2_000]) {
        now += passes
        assert.equal((await dns.a('nowhere.example.org')).ok, false)
      }
      assert.equal(server.asked.length, 4)
      await dns.a('zero.example.org')
      await dns.a('zero.example.org')
      assert.equal(server.asked.length, 6)
    },
    { clock },
  )
})

test('what is kept of answers has a bound', () =>
  withServer(async (server, dns) => {
    const long = `"${'x'.repeat(250)}" `.repeat(200)
    server.load(`*.big.example. TXT ${long}`)
    for (let i = 0; i < 50; i += 1) await dns.txt(`n${i}.big.example`)
    const before = server.asked.length
    await dns.txt('n49.big.example')
    assert.equal(server.asked.length, before)
    await dns.txt('n0.big.example')
    assert.ok(server.asked.length > before)
  }))
