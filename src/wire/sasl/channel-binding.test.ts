import 'reflect-metadata'
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createHash, webcrypto } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { connect, createServer, type SecureVersion, type TLSSocket } from 'node:tls'
import { X509CertificateGenerator } from '@peculiar/x509'
import { channelBindings } from './channel-binding.ts'

const identity = { key: '', cert: '', raw: Buffer.alloc(0) }

before(async () => {
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned(
    { name: 'CN=localhost', keys, signingAlgorithm: { name: 'ECDSA', hash: 'SHA-384' } },
    webcrypto,
  )
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  identity.key = `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`
  identity.cert = certificate.toString('pem')
  identity.raw = Buffer.from(certificate.rawData)
})

/** What both ends of a TLS connection see of a type of binding. */
async function bothEnds(version: SecureVersion, type: string, resumed = false) {
  const { key, cert } = identity
  const server = createServer({ key, cert, minVersion: version, maxVersion: version })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const dial = async (session?: Buffer) => {
    const accepted: Promise<TLSSocket[]> = once(server, 'secureConnection')
    const near = connect({
      port,
      host: '127.0.0.1',
      ca: cert,
      servername: 'localhost',
      checkServerIdentity: () => undefined,
      ...(session ? { session } : {}),
    })
    await once(near, 'secureConnect')
    const [far] = await accepted
    assert.ok(far)
    return { near, far }
  }
  let { near, far } = await dial()
  if (resumed) {
    const session = near.getSession()
    near.destroy()
    ;({ near, far } = await dial(session))
    assert.equal(near.isSessionReused(), true)
  }
  try {
    return [channelBindings(near, 'client')(type), channelBindings(far, 'server')(type)] as const
  } finally {
    near.destroy()
    far.destroy()
    server.close()
  }
}

test('tls-exporter is the same 32 octets at both ends of TLS 1.3, and not given below', async () => {
  const [near, far] = await bothEnds('TLSv1.3', 'tls-exporter')
  assert.equal(near?.length, 32)
  assert.deepEqual(far, near)
  assert.notDeepEqual((await bothEnds('TLSv1.3', 'tls-exporter'))[0], near)
  assert.deepEqual(await bothEnds('TLSv1.2', 'tls-exporter'), [undefined, undefined])
})

test('tls-server-end-point is the hash of the certificate by the hash of its signature', async () => {
  for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
    const [near, far] = await bothEnds(version, 'tls-server-end-point')
    assert.deepEqual(far, createHash('sha384').update(identity.raw).digest())
    assert.deepEqual(near, far)
  }
})

test('tls-unique is the first Finished of TLS 1.2, and not given when resumed or in TLS 1.3', async () => {
  const [near, far] = await bothEnds('TLSv1.2', 'tls-unique')
  assert.equal(near?.length, 12)
  assert.deepEqual(far, near)
  assert.deepEqual(await bothEnds('TLSv1.2', 'tls-unique', true), [undefined, undefined])
  assert.deepEqual(await bothEnds('TLSv1.3', 'tls-unique'), [undefined, undefined])
  assert.deepEqual(await bothEnds('TLSv1.3', 'tls-other'), [undefined, undefined])
})
