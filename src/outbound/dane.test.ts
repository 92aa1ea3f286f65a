import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import type { TlsaRecord } from '#services/resolver.ts'
import { serverAuthority } from '#testing/server-certificates.ts'
import { daneFault, tlsaMatches, usableTlsa } from './dane.ts'
import { publicKeyInfo } from './public-key-info.ts'

const root = await serverAuthority()
const middle = await root.below()
const issued = await middle.issue(['mx.example.org'])
const chain = certificates(issued.cert)
const withRoot = [...chain, new X509Certificate(root.ca)]
const [leaf, between] = chain
assert.ok(leaf !== undefined && between !== undefined)
const NAMES = ['mx.example.org']
const NOW = Date.now()

function certificates(pem: string): X509Certificate[] {
  return pem
    .split(/(?<=-----END CERTIFICATE-----\n?)/)
    .filter((one) => one.includes('BEGIN'))
    .map((one) => new X509Certificate(one))
}

/** The record `usage selector matching` of a certificate. */
function tlsaOf(certificate: X509Certificate, numbers: string): TlsaRecord {
  const [usage = 0, selector = 0, matching = 0] = numbers.split(' ').map(Number)
  // the key by another way than the code under test
  const told = selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' })
  const digest = (name: string): Uint8Array => new Uint8Array(createHash(name).update(told).digest())
  const data = matching === 0 ? new Uint8Array(told) : digest(matching === 1 ? 'sha256' : 'sha512')
  return { usage, selector, matching, data }
}

for (const selector of [0, 1]) {
  for (const matching of [0, 1, 2]) {
    test(`a certificate matches its record of selector ${selector} and matching type ${matching}, and no other`, async () => {
      const record = tlsaOf(leaf, `3 ${selector} ${matching}`)
      assert.ok(tlsaMatches(record, leaf))
      assert.ok(!tlsaMatches(record, between))
      const changed = new Uint8Array(record.data)
      changed[0] = (changed[0] ?? 0) ^ 1
      assert.ok(!tlsaMatches({ ...record, data: changed }, leaf))
      assert.equal(daneFault(chain, [record], NAMES, NOW), undefined)
      const other = await root.issue(['mx.example.org'])
      assert.equal(daneFault(certificates(other.cert), [record], NAMES, NOW), 'no-match')
    })
  }
}

test('usage 3 asks neither for names, nor for dates, nor for authorities', async () => {
  const expired = certificates((await root.issue(['other.example'], { endsIn: -10 })).cert)
  const [own] = expired
  assert.ok(own !== undefined)
  assert.equal(daneFault(expired, [tlsaOf(own, '3 1 1')], NAMES, NOW), undefined)
})

for (const numbers of ['2 0 1', '2 1 1', '2 1 2', '2 0 0', '2 1 0']) {
  test(`a trust anchor ${numbers} vouches for what it signed, also over others`, () => {
    const [, , anchor] = withRoot
    assert.ok(anchor !== undefined)
    assert.equal(daneFault(withRoot, [tlsaOf(anchor, numbers)], NAMES, NOW), undefined)
    assert.equal(daneFault(chain, [tlsaOf(between, numbers)], NAMES, NOW), undefined)
    // RFC 7672 §3.1.2: it has to be sent, unless the DNS has it whole
    const sent = daneFault(chain, [tlsaOf(anchor, numbers)], NAMES, NOW)
    assert.equal(sent, numbers === '2 0 0' ? undefined : 'no-match')
  })
}

test('a trust anchor vouches for names that count and for the time of validity alone', async () => {
  const anchor = new X509Certificate(root.ca)
  const record = tlsaOf(anchor, '2 0 1')
  assert.equal(daneFault(withRoot, [record], ['other.example'], NOW), 'name')
  assert.equal(daneFault(withRoot, [record], ['other.example', 'mx.example.org'], NOW), undefined)
  assert.equal(daneFault(withRoot, [record], NAMES, NOW + 2 * 86_400_000), 'date')
  assert.equal(daneFault(withRoot, [record], NAMES, NOW - 2 * 86_400_000), 'date')
  const star = certificates((await root.issue(['*.example.org'])).cert)
  assert.equal(daneFault([...star, anchor], [record], NAMES, NOW), undefined)
  assert.equal(daneFault([...star, anchor], [record], ['a.mx.example.org'], NOW), 'name')
  const old = await root.below({ endsIn: -3600 })
  const below = certificates((await old.issue(NAMES)).cert)
  assert.equal(daneFault([...below, anchor], [record], NAMES, NOW), 'date')
})

test('a trust anchor vouches for nothing that others signed', async () => {
  const stranger = await serverAuthority()
  const foreign = certificates((await stranger.issue(NAMES)).cert)
  const anchor = new X509Certificate(root.ca)
  const record = tlsaOf(anchor, '2 0 1')
  // the anchor is sent, but has signed nothing
  assert.equal(daneFault([...foreign, anchor], [record], NAMES, NOW), 'no-match')
  // what is no authority signs
  const false_ = await root.below({ mayIssue: false })
  const signed = certificates((await false_.issue(NAMES)).cert)
  assert.equal(daneFault([...signed, anchor], [record], NAMES, NOW), 'no-match')
  // the certificate itself as its anchor is not for usage 2
  assert.equal(daneFault(chain, [tlsaOf(leaf, '2 1 1')], NAMES, NOW), 'no-match')
  assert.equal(daneFault([], [record], NAMES, NOW), 'no-match')
})

test('usableTlsa() leaves what RFC 7672 knows, and of digests the strongest', () => {
  const keep = ['3 1 1', '3 0 2', '2 1 2', '2 0 0', '3 1 0']
  const records = keep.map((numbers) => tlsaOf(leaf, numbers))
  assert.deepEqual(usableTlsa(records), records)
  const good = tlsaOf(leaf, '3 1 2')
  for (const drop of [
    tlsaOf(leaf, '0 1 1'),
    tlsaOf(leaf, '1 1 1'),
    { ...good, selector: 2 },
    { ...good, matching: 3 },
    { ...good, usage: 4 },
    { ...good, data: good.data.subarray(1) },
    { ...good, matching: 0, data: new Uint8Array() },
    tlsaOf(leaf, '3 1 1'),
  ]) {
    assert.deepEqual(usableTlsa([drop, good]), [good], JSON.stringify(drop))
  }
})

test('publicKeyInfo() finds the key where it stands, of any kind', () => {
  for (const { raw, publicKey } of [leaf, between]) {
    assert.deepEqual(Buffer.from(publicKeyInfo(raw) ?? []), publicKey.export({ type: 'spki', format: 'der' }))
  }
  const { publicKey } = generateKeyPairSync('ed25519')
  assert.equal(publicKeyInfo(publicKey.export({ type: 'spki', format: 'der' })), undefined)
})

test('publicKeyInfo() takes any bytes without throwing', () => {
  const raw = leaf.raw
  fc.assert(
    fc.property(fc.nat(raw.length - 1), fc.nat(255), fc.nat(raw.length), (at, octet, length) => {
      const bytes = Buffer.from(raw)
      bytes[at] = octet
      const info = publicKeyInfo(bytes.subarray(0, length))
      assert.ok(info === undefined || info.length <= length)
    }),
    { numRuns: 2000 },
  )
})
