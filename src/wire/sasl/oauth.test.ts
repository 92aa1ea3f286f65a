import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { done, refused } from '#lib/result.ts'
import { createSaslClient } from './client.ts'
import { decodeBase64, encodeBase64, encodeInitialResponse } from './lines.ts'
import type { SaslAuthority, SaslMechanism } from './mechanism.ts'
import { formatBearer, formatXoauth2, parseBearer, parseXoauth2 } from './oauth-messages.ts'
import { createSaslServer, offeredMechanisms } from './server.ts'

const TOKEN = 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=='
const USER = 'user@example.com'

/** One token is right, for one person. */
const authority: SaslAuthority<string, string> = {
  password: async () => refused('password'),
  scramStart: async () => refused('password'),
  scramFinish: async () => refused('password'),
  bearer: async ({ login, token }) => (token === TOKEN && ['', USER].includes(login) ? done(USER) : refused('token')),
  bearerFault: () => ({
    status: 'invalid_token',
    scope: 'example_scope',
    configuration: 'https://example.com/.well-known/openid-config',
  }),
  external: async ({ authorizeAs }) => (['', USER].includes(authorizeAs) ? done(USER) : refused('certificate')),
}

function server(mechanism: SaslMechanism) {
  return createSaslServer(mechanism, { authority, bindings: undefined })
}

function text(octets: Uint8Array): string {
  return Buffer.from(octets).toString()
}

test('OAUTHBEARER speaks the examples of RFC 7628 §4.1', async () => {
  const imap =
    'bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB'
  assert.deepEqual(await server('OAUTHBEARER').begin(imap), { kind: 'success', login: USER })
  const asked = server('OAUTHBEARER')
  assert.deepEqual(await asked.begin(undefined), { kind: 'challenge', data: new Uint8Array(0) })
  assert.deepEqual(await asked.line(imap), { kind: 'success', login: USER })
})

test('OAUTHBEARER explains a refusal, and ends it at the dummy response or a cancellation (RFC 7628 §4.3)', async () => {
  const query = 'bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9AQE='
  for (const answer of ['AQ==', '*', '']) {
    const exchange = server('OAUTHBEARER')
    const step = await exchange.begin(query)
    assert.ok(step.kind === 'challenge')
    assert.deepEqual(JSON.parse(text(step.data)), {
      status: 'invalid_token',
      scope: 'example_scope',
      'openid-configuration': 'https://example.com/.well-known/openid-config',
    })
    assert.deepEqual(await exchange.line(answer), { kind: 'refused', refusal: 'token' })
  }
  const exchange = server('OAUTHBEARER')
  await exchange.begin(undefined)
  assert.deepEqual(await exchange.line('*'), { kind: 'failed', why: 'cancelled' })
})

test('XOAUTH2 takes one line or two, and explains a refusal with a number', async () => {
  const right = encodeBase64(Buffer.from(`user=${USER}\x01auth=Bearer ${TOKEN}\x01\x01`))
  assert.deepEqual(await server('XOAUTH2').begin(right), { kind: 'success', login: USER })
  const twoLines = server('XOAUTH2')
  assert.deepEqual(await twoLines.begin(undefined), { kind: 'challenge', data: new Uint8Array(0) })
  assert.deepEqual(await twoLines.line(right), { kind: 'success', login: USER })
  const wrong = server('XOAUTH2')
  const step = await wrong.begin(encodeBase64(Buffer.from(`user=${USER}\x01auth=Bearer nonsense\x01\x01`)))
  assert.ok(step.kind === 'challenge')
  assert.deepEqual(JSON.parse(text(step.data)), { status: '401', schemes: 'bearer', scope: 'example_scope' })
  assert.deepEqual(await wrong.line(''), { kind: 'refused', refusal: 'token' })
})

test('a bearer message is read with what clients do to it', () => {
  const expected = { name: USER, token: 'abc' }
  for (const sent of [
    'n,a=user@example.com,\x01auth=Bearer abc\x01\x01',
    'y,a=user@example.com,\x01auth=Bearer abc\x01\x01',
    'n,a=user@example.com,\x01auth=bearer   abc \x01\x01', // oauth-spaces
    'n,a=user@example.com,\x01auth=Bearer abc\x01', // oauth-end
    'n,a=user@example.com,\x01auth=Bearer abc', // oauth-end
    'n,user=user@example.com,\x01auth=Bearer abc\x01\x01', // oauth-user
    'n,a=user@example.com,\x01mthd=POST\x01auth=Bearer abc\x01unknown=x y\x01\x01',
  ])
    assert.deepEqual(parseBearer(Buffer.from(sent)), expected, JSON.stringify(sent))
  assert.deepEqual(parseBearer(Buffer.from('n,,\x01auth=Bearer abc\x01\x01')), { name: '', token: 'abc' })
  assert.deepEqual(parseBearer(Buffer.from('n,a=a=2Cb=3D,\x01auth=Bearer x\x01\x01')), { name: 'a,b=', token: 'x' })
  assert.deepEqual(parseXoauth2(Buffer.from('auth=Bearer  abc\x01user= user@example.com \x01\x01')), expected)
})

for (const sent of [
  '',
  '\x01',
  'n,,',
  'n,,\x01\x01',
  'n,,\x01host=x\x01\x01',
  'p=tls-exporter,,\x01auth=Bearer abc\x01\x01',
  'n,a=x=,\x01auth=Bearer abc\x01\x01',
  'n,,\x01auth=Basic abc\x01\x01',
  'n,,\x01auth=Bearer a b\x01\x01',
  'n,,\x01auth=Bearer abc\x01auth=Bearer def\x01\x01',
  'n,,\x01=Bearer abc\x01\x01',
  'n,,\x01auth=Bearer abc\x01no-pair\x01\x01',
  `n,a=${'u'.repeat(1025)},\x01auth=Bearer abc\x01\x01`,
  'n,,\x01auth=Bearer \xff\x01\x01',
  'n,,\x01auth=Bearer abc\x00\x01\x01',
])
  test(`parseBearer() refuses ${JSON.stringify(sent.slice(0, 50))}`, () =>
    assert.equal(parseBearer(Buffer.from(sent, 'latin1')), undefined))

for (const sent of ['', 'user=a\x01\x01', 'auth=Bearer abc\x01\x01', 'user=a\0\x01auth=Bearer abc\x01\x01'])
  test(`parseXoauth2() refuses ${JSON.stringify(sent)}`, () =>
    assert.equal(parseXoauth2(Buffer.from(sent, 'latin1')), undefined))

const name = fc
  .string({ unit: 'grapheme', maxLength: 40 })
  .filter((one) => !/[\x00-\x1f\x7f]/.test(one) && one === one.trim() && one.isWellFormed())
const token = fc.stringMatching(/^[A-Za-z0-9._~+/-]{1,60}={0,2}$/)

test('bearer messages are read back as they were written', () => {
  fc.assert(
    fc.property(name, fc.oneof(fc.constant(''), token), (who, what) => {
      assert.deepEqual(parseBearer(formatBearer({ name: who, token: what })), { name: who, token: what })
      assert.deepEqual(parseXoauth2(formatXoauth2({ name: who, token: what })), { name: who, token: what })
    }),
    { numRuns: 100 },
  )
})

test('no octets make the parsers throw', () => {
  const piece = fc.oneof(
    fc.constantFrom('n,', 'a=', ',', '\x01', 'auth=', 'Bearer ', 'user=', '=', '=2C', '\0', ' '),
    fc.string({ unit: 'binary', maxLength: 5 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const octets = Buffer.from(pieces.join(''), 'latin1')
      parseBearer(octets)
      parseXoauth2(octets)
    }),
    { numRuns: 300 },
  )
})

/** Lets our client and our server speak with each other. */
async function meet(mechanism: SaslMechanism, rest: { token?: string; external?: boolean; authorizeAs?: string }) {
  const { authorizeAs = '', ...options } = rest
  const client = createSaslClient({
    offered: [mechanism, 'PLAIN'],
    credentials: { login: USER, authorizeAs, password: '' },
    bindings: undefined,
    plaintext: true,
    ...options,
  })
  if (client === undefined) return 'no mechanism'
  const exchange = server(client.mechanism)
  const initial = await client.respond(undefined)
  assert.ok(initial.kind === 'response')
  let step = await exchange.begin(encodeInitialResponse(initial.data))
  while (step.kind === 'challenge') {
    const reply = await client.respond(decodeBase64(encodeBase64(step.data)))
    step = await exchange.line(reply.kind === 'abort' ? '*' : encodeBase64(reply.data))
  }
  return `${client.mechanism} ${step.kind}${client.complete ? '' : ' incomplete'}`
}

test('client and server agree on tokens and certificates', async () => {
  for (const mechanism of ['OAUTHBEARER', 'XOAUTH2'] as const) {
    assert.equal(await meet(mechanism, { token: TOKEN }), `${mechanism} success`)
    assert.equal(await meet(mechanism, { token: 'x' }), `${mechanism} refused incomplete`)
  }
  assert.equal(await meet('LOGIN', { token: TOKEN }), 'no mechanism')
  assert.equal(await meet('EXTERNAL', { external: true }), 'EXTERNAL success')
  assert.equal(await meet('EXTERNAL', { external: true, authorizeAs: USER }), 'EXTERNAL success')
  assert.equal(await meet('EXTERNAL', { external: true, authorizeAs: 'other' }), 'EXTERNAL refused')
  assert.equal(await meet('LOGIN', { external: true }), 'no mechanism')
})

test('EXTERNAL asks for the identity, and refuses what is none', async () => {
  const asked = server('EXTERNAL')
  assert.deepEqual(await asked.begin(undefined), { kind: 'challenge', data: new Uint8Array(0) })
  assert.deepEqual(await asked.line(''), { kind: 'success', login: USER })
  assert.deepEqual(await server('EXTERNAL').begin('/w=='), { kind: 'failed', why: 'malformed' })
  assert.deepEqual(await server('EXTERNAL').begin('AAAA'), { kind: 'failed', why: 'malformed' })
})

test('tokens are offered where an issuer is and nobody listens, certificates where one was shown', () => {
  const some = { plaintext: false, bindings: false }
  assert.deepEqual(offeredMechanisms({ ...some, bearer: true }), ['SCRAM-SHA-256'])
  assert.deepEqual(offeredMechanisms({ ...some, plaintext: true, bearer: true, external: true }), [
    'EXTERNAL',
    'SCRAM-SHA-256',
    'OAUTHBEARER',
    'XOAUTH2',
    'PLAIN',
    'LOGIN',
  ])
})
