/** DANE as unbound, NSD and OpenSSL see it. */
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { openResolver } from '#adapters/dns/dns-resolver.ts'
import { openQueue } from '#adapters/sqlite/queue.ts'
import { QueueFiles } from '#adapters/sqlite/queue-files.ts'
import { openConnection } from '#outbound/open-connection.ts'
import { tlsPolicies } from '#outbound/tls-policies.ts'
import type { TlsPolicies } from '#outbound/tls-policy.ts'
import type { Resolver } from '#services/resolver.ts'
import { newMessage, stageBody } from '#store/queue.contract.ts'
import { MailSink } from '#testing/mail-sink.ts'
import { serverAuthority } from '#testing/server-certificates.ts'
import { Place } from '../../suites/cli-process.ts'
import { eventually, run } from '../run.ts'
import { SignedZones, signedZonesLacking } from './signed-zones.ts'

const authority = await serverAuthority()
const middle = await authority.below()
const issued = await middle.issue(['mx.signed.example', 'signed.example'])
const [leaf, issuer] = issued.cert
  .split(/(?<=-----END CERTIFICATE-----\n)/)
  .flatMap((one) => (one.includes('BEGIN') ? [new X509Certificate(one)] : []))
assert.ok(leaf !== undefined && issuer !== undefined)

/** A record as a zone file has it. */
function tlsa(certificate: X509Certificate, numbers: string): string {
  const [, selector, matching] = numbers.split(' ')
  const told = selector === '0' ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' })
  const data =
    matching === '0'
      ? told
      : createHash(matching === '1' ? 'sha256' : 'sha512')
          .update(told)
          .digest()
  return `${numbers} ${data.toString('hex')}`
}

const WRONG = `3 1 1 ${'ab'.repeat(32)}`
/** Hosts by name, their records, and whether the certificate is right. */
const HOSTS = [
  ['ee', tlsa(leaf, '3 1 1'), true],
  ['eefull', tlsa(leaf, '3 0 0'), true],
  ['ee512', tlsa(leaf, '3 0 2'), true],
  ['wrong', WRONG, false],
  ['ta', tlsa(issuer, '2 0 1'), true],
  ['taspki', tlsa(issuer, '2 1 2'), true],
  // not sent by the server, and not known from the record
  ['root', tlsa(new X509Certificate(authority.ca), '2 0 1'), false],
  ['rootfull', tlsa(new X509Certificate(authority.ca), '2 0 0'), true],
  ['eeasta', tlsa(leaf, '2 1 1'), false],
] as const

suite('DANE', { skip: signedZonesLacking() }, () => {
  let sink: MailSink
  let zones: SignedZones
  let dns: Resolver
  let policies: TlsPolicies

  before(async () => {
    sink = await MailSink.start({ tls: createSecureContext(issued) })
    const hosts = HOSTS.map(
      ([name, record]) => `${name} A 127.0.0.1\n@ MX 10 ${name}\n_${sink.port}._tcp.${name} TLSA ${record}`,
    ).join('\n')
    const text = `@ TXT "text"\nmx A 127.0.0.1\n@ MX 10 mx\n${hosts}\n`
    zones = await SignedZones.start([
      { name: 'signed.example', text, signed: (zone) => zone },
      { name: 'plain.example', text: `@ MX 10 mx\nmx A 127.0.0.1\n_${sink.port}._tcp.mx TLSA ${WRONG}` },
      {
        name: 'wrong.example',
        text: `@ MX 10 mx\nmx A 127.0.0.1\n_${sink.port}._tcp.mx TLSA ${WRONG}`,
        signed: (zone) => zone,
      },
      // a record is another one than was signed
      {
        name: 'bogus.example',
        text: `@ MX 10 mx\nmx A 127.0.0.1\n_${sink.port}._tcp.mx TLSA ${WRONG}\n@ TXT "signed"`,
        signed: (zone) => zone.replace(/ABABAB/i, 'ABABAC').replace('"signed"', '"spoilt"'),
      },
    ])
    dns = openResolver({ servers: [zones.server], trustAd: 'loopback', timeoutMs: 8_000 })
    policies = tlsPolicies({ resolver: dns, mtaSts: { policyFor: async () => undefined } })
  })

  after(async () => {
    await zones?.[Symbol.asyncDispose]()
    await sink?.[Symbol.asyncDispose]()
  })

  test('what unbound has validated comes with AD, also that there is nothing', async () => {
    for (const [zone, authenticated] of [
      ['signed.example', true],
      ['plain.example', false],
    ] as const) {
      const mx = await dns.mx(zone)
      assert.equal(mx.ok && mx.authenticated, authenticated, await zones.log())
      const nothing = await dns.aaaa(`mx.${zone}`)
      assert.deepEqual(nothing, { ok: false, error: { kind: 'none', nameExists: true, authenticated } })
      const nobody = await dns.a(`nobody.${zone}`)
      assert.deepEqual(nobody, { ok: false, error: { kind: 'none', nameExists: false, authenticated } })
    }
    const distrusting = openResolver({ servers: [zones.server], trustAd: 'never', timeoutMs: 8_000 })
    const mx = await distrusting.mx('signed.example')
    assert.equal(mx.ok && mx.authenticated, false)
  })

  test('answers whose signatures are wrong are temporary failures, with what unbound says about them', async () => {
    const txt = await dns.txt('bogus.example')
    assert.ok(!txt.ok && txt.error.kind === 'temporary', JSON.stringify(txt))
    assert.match(txt.error.reason, /SERVFAIL \(DNSSEC bogus\)$/)
    // the rest of the zone is right
    const mx = await dns.mx('bogus.example')
    assert.ok(mx.ok && mx.authenticated)
    const policy = await policies.policyFor('bogus.example', 'mx.bogus.example', sink.port)
    assert.ok(!policy.ok)
    assert.match(
      policy.error.reply,
      /^4\.7\.5 DANE of mx\.bogus\.example: its TLSA records cannot be had: .*DNSSEC bogus\)$/,
    )
  })

  test('a zone that is not signed has no DANE', async () => {
    const policy = await policies.policyFor('plain.example', 'mx.plain.example', sink.port)
    assert.ok(policy.ok)
    assert.equal(policy.value.level, 'opportunistic')
  })

  test('malle queue list says why mail waits', async () => {
    await using place = await Place.make(
      `[dns]\nservers = ["127.0.0.1:${zones.server.port}"]\n[queue]\nport = ${sink.port}\n`,
    )
    {
      const directory = path.join(place.data, 'queue')
      const files = new QueueFiles(directory)
      await using store = await openQueue({ directory, historyDays: 30 })
      const message = (id: string, to: string) =>
        stageBody({ stage: () => files.stage() }).then((body) => newMessage(id, body, [to], { at: Date.now() }))
      await store.enqueue([await message('q.1', 'x@wrong.example'), await message('q.2', 'x@bogus.example')])
      await store.enqueue([await message('q.3', 'x@plain.example')])
    }
    await place.serve()
    const list = await eventually('what waits has been tried', async () => {
      const { stdout } = await place.malle(['queue', 'list'])
      return stdout.match(/4\.7\.5/g)?.length === 2 && !stdout.includes('q.3') ? stdout : undefined
    })
    const why = 'the certificate of mx.wrong.example is not the one that its TLSA records tell of'
    assert.ok(list.includes(`4.7.5 DANE of mx.wrong.example: ${why}\n`), list)
    assert.match(list, /4\.7\.5 DANE of mx\.bogus\.example: its TLSA records cannot be had: .*\(DNSSEC bogus\)\n/)
    assert.deepEqual(
      sink.messages.map(({ to }) => to.map((one) => one.address).join()),
      ['x@plain.example'],
    )
  })

  for (const [name, record, right] of HOSTS) {
    test(`${record.slice(0, 20)}… (${name}) is ${right ? 'right' : 'wrong'} for us and for OpenSSL`, async () => {
      const host = `${name}.signed.example`
      const policy = await policies.policyFor('signed.example', host, sink.port)
      assert.ok(policy.ok)
      assert.equal(policy.value.level, 'dane')
      const opened = await openConnection({
        address: '127.0.0.1',
        port: sink.port,
        host,
        hostname: 'malle.example',
        tls: policy.value,
      })
      if (opened.ok) {
        assert.equal(opened.value.tls, 'TLSv1.3 dane')
        await opened.value.quit()
      } else {
        const why = 'the certificate of HOST is not the one that its TLSA records tell of'
        assert.equal(opened.error.words, `4.7.5 DANE of ${host}: ${why.replace('HOST', host)}`)
      }
      assert.equal(opened.ok, right)
      const openssl = await run(
        'openssl',
        [
          ...`s_client -starttls smtp -connect 127.0.0.1:${sink.port} -name malle.example`.split(' '),
          ...'-dane_ee_no_namechecks -verify_return_error -brief -dane_tlsa_domain signed.example'.split(' '),
          '-dane_tlsa_rrdata',
          record,
        ],
        { home: '/tmp', input: 'QUIT\r\n' },
      )
      assert.equal(openssl.code === 0, right, openssl.stderr)
    })
  }
})
