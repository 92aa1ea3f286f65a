import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { test } from 'node:test'
import { connect, createServer } from 'node:tls'
import { type ServerCertificate, serverAuthority } from '#testing/server-certificates.ts'
import { type Peer, peerFault, peerOf } from './peer-verdict.ts'
import { opportunistic, type TlsPolicy } from './tls-policy.ts'

const root = await serverAuthority()
const middle = await root.below()
const NAMES = ['mx.example.org']
const verified: TlsPolicy = { ...opportunistic('mx.example.org'), level: 'verified', source: 'mta-sts' }

/** What a client sees of a server with this certificate. */
async function peerWith({ cert, key }: ServerCertificate, ca: string | null = root.ca): Promise<Peer> {
  const server = createServer({ cert, key }, (socket) => socket.on('error', () => undefined))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const socket = connect({
    host: '127.0.0.1',
    port: address.port,
    servername: 'mx.example.org',
    rejectUnauthorized: false,
    ...(ca === null ? {} : { ca }),
  })
  try {
    await once(socket, 'secureConnect')
    return peerOf(socket)
  } finally {
    socket.destroy()
    server.close()
  }
}

test('peerOf() sees the chain as it was sent, and whom this machine trusts', async () => {
  const issued = await middle.issue(NAMES)
  const peer = await peerWith(issued)
  assert.deepEqual(
    peer.chain.slice(0, 2).map((one) => one.subject),
    [new X509Certificate(issued.cert).subject, new X509Certificate(middle.ca).subject],
  )
  assert.equal(peer.untrusted, undefined)
  assert.equal(peerFault(peer, verified, Date.now()), undefined)
})

for (const [what, issue, ca, words, failure] of [
  [
    'of another name',
    () => middle.issue(['other.example']),
    root.ca,
    'is not for mx.example.org',
    'certificate-host-mismatch',
  ],
  [
    'with its name as common name alone',
    () => middle.issue([], { commonName: 'mx.example.org' }),
    root.ca,
    'is not for mx.example.org',
    'certificate-host-mismatch',
  ],
  ['that has expired', () => middle.issue(NAMES, { endsIn: -5 }), root.ca, 'has expired', 'certificate-expired'],
  [
    'that is not valid yet',
    () => middle.issue(NAMES, { startsIn: 500 }),
    root.ca,
    'is not valid yet',
    'certificate-not-trusted',
  ],
  [
    'of an authority that nobody knows',
    () => middle.issue(NAMES),
    null,
    'comes from an authority that is not trusted',
    'certificate-not-trusted',
  ],
] as const) {
  test(`a certificate ${what} is not enough where it must be verified`, async () => {
    const peer = await peerWith(await issue(), ca)
    assert.deepEqual(peerFault(peer, verified, Date.now()), { failure, words })
    for (const level of ['none', 'opportunistic', 'encrypted'] as const) {
      assert.equal(peerFault(peer, { ...verified, level }, Date.now()), undefined)
    }
  })
}

test('a certificate that no authority vouches for is enough where a TLSA record tells of it', async () => {
  const issued = await middle.issue(['other.example'], { endsIn: -5 })
  const peer = await peerWith(issued, null)
  const told = new X509Certificate(issued.cert).publicKey.export({ type: 'spki', format: 'der' })
  const data = new Uint8Array(createHash('sha256').update(told).digest())
  const dane: TlsPolicy = { ...verified, level: 'dane', tlsa: [{ usage: 3, selector: 1, matching: 1, data }] }
  assert.equal(peerFault(peer, dane, Date.now()), undefined)
  const wrong: TlsPolicy = { ...dane, tlsa: [{ usage: 3, selector: 1, matching: 1, data: new Uint8Array(32) }] }
  assert.deepEqual(peerFault(peer, wrong, Date.now()), {
    failure: 'validation-failure',
    words: 'is not the one that its TLSA records tell of',
  })
  const anchor = (ca: string): TlsPolicy => {
    const octets = new Uint8Array(createHash('sha512').update(new X509Certificate(ca).raw).digest())
    return { ...dane, tlsa: [{ usage: 2, selector: 0, matching: 2, data: octets }] }
  }
  assert.equal(peerFault(peer, anchor(middle.ca), Date.now())?.failure, 'certificate-expired')
  const fresh = await peerWith(await middle.issue(['other.example']), null)
  assert.equal(peerFault(fresh, anchor(middle.ca), Date.now())?.words, 'is not for mx.example.org')
})
