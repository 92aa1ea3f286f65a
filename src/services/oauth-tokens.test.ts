import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { signingKey, TokenIssuer } from '#testing/token-issuer.ts'
import { JwtVerifier, type OAuthIssuer, oauthOffer } from './oauth-tokens.ts'

const NOW = 1_700_000_000
const ANN = { aud: 'malle', exp: NOW + 300, email: 'ann@example.org' }
const MINUTE = 60_000

async function setUp(rest: Partial<OAuthIssuer> = {}) {
  const issuer = await TokenIssuer.start()
  const clock = { time: NOW * 1000, now: () => clock.time }
  const settings = {
    issuer: issuer.url,
    audience: ['malle', 'mail'],
    jwksUri: issuer.jwksUri,
    claim: 'email',
    scopes: {},
    ...rest,
  }
  const failures: unknown[] = []
  const verifier = new JwtVerifier(settings, { clock, failed: (error) => failures.push(error) })
  const verify = async (token: string) => {
    const answer = await verifier.verify(token, 'imap')
    return answer.ok ? answer.value : answer.error.kind
  }
  return { issuer, clock, verify, verifier, failures, [Symbol.asyncDispose]: () => issuer[Symbol.asyncDispose]() }
}

test('a token of the issuer, for us, in its time, names an address', async () => {
  await using s = await setUp()
  const { issuer, verify } = s
  assert.equal(await verify(issuer.token(ANN)), 'ann@example.org')
  assert.equal(await verify(issuer.token({ ...ANN, aud: ['other', 'mail'] })), 'ann@example.org')
  assert.equal(await verify(issuer.token({ ...ANN, nbf: NOW + 20, iat: NOW })), 'ann@example.org')
  assert.equal(await verify(issuer.token({ ...ANN, exp: NOW - 20 })), 'ann@example.org', 'clocks differ')
  assert.deepEqual(issuer.asked, ['/keys'], 'the keys are asked for once')
})

test('any other token is refused', async () => {
  await using s = await setUp()
  const { issuer, verify } = s
  const { exp: _, ...endless } = ANN
  const wrong = {
    'other audience': { ...ANN, aud: 'other' },
    'no audience': { ...ANN, aud: undefined },
    'other issuer': { ...ANN, iss: 'https://example.net' },
    expired: { ...ANN, exp: NOW - 31 },
    'without end': endless,
    'not yet': { ...ANN, nbf: NOW + 31 },
    'no address': { ...ANN, email: undefined },
    'an address that is none': { ...ANN, email: ['ann@example.org'] },
    'not verified': { ...ANN, email_verified: false },
  }
  for (const [what, claims] of Object.entries(wrong)) assert.equal(await verify(issuer.token(claims)), 'invalid', what)
  const [head, body, signature] = issuer.token(ANN).split('.')
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const unsigned = `${part({ alg: 'none' })}.${body}.`
  // the public key as a shared secret
  const text = `${part({ alg: 'HS256', kid: 'first' })}.${body}`
  const mac = createHmac('sha256', JSON.stringify(issuer.keys[0]?.jwk)).update(text).digest('base64url')
  const foreign = issuer.token(ANN, signingKey('ES256', 'first'))
  const texts = [unsigned, `${text}.${mac}`, foreign, 'x', '..', `${head}.${body}`, `${head}.${body}.${signature}A.`]
  for (const one of [...texts, `${head}.${part(ANN)}.${signature}`]) assert.equal(await verify(one), 'invalid', one)
})

test('a scope is demanded where one is configured, by whichever name', async () => {
  await using s = await setUp({ scopes: { imap: 'mail.read', pop3: 'pop' } })
  const { issuer, verify, verifier } = s
  assert.equal(await verify(issuer.token({ ...ANN, scope: 'openid mail.read' })), 'ann@example.org')
  assert.equal(await verify(issuer.token({ ...ANN, scp: ['mail.read'] })), 'ann@example.org')
  assert.equal(await verify(issuer.token({ ...ANN, scope: 'mail.reader pop' })), 'scope')
  assert.equal(await verify(issuer.token(ANN)), 'scope')
  assert.ok((await verifier.verify(issuer.token(ANN), 'smtp')).ok)
})

test('another claim may have the address', async () => {
  await using s = await setUp({ claim: 'upn' })
  assert.equal(await s.verify(s.issuer.token({ ...ANN, upn: 'bob@example.org' })), 'bob@example.org')
  assert.equal(await s.verify(s.issuer.token(ANN)), 'invalid')
})

test('a new key is fetched when a token names it, and not at every stranger', async () => {
  await using s = await setUp()
  const { issuer, verify, clock } = s
  assert.equal(await verify(issuer.token(ANN)), 'ann@example.org')
  clock.time += 31_000
  const strange = signingKey('ES256', 'strange')
  assert.equal(await verify(issuer.token(ANN, strange)), 'invalid')
  assert.equal(issuer.asked.length, 2)
  for (let n = 0; n < 5; n += 1) assert.equal(await verify(issuer.token(ANN, strange)), 'invalid')
  assert.equal(issuer.asked.length, 2)
  clock.time += 31_000
  issuer.keys = [...issuer.keys, signingKey('RS256', 'second')]
  assert.equal(await verify(issuer.token(ANN)), 'ann@example.org')
  assert.equal(issuer.asked.length, 3)
})

test('a token that names no key may be of any', async () => {
  await using s = await setUp()
  s.issuer.keys = [signingKey('ES256', undefined), signingKey('ES256', undefined)]
  assert.equal(await s.verify(s.issuer.token(ANN)), 'ann@example.org')
  assert.equal(await s.verify(s.issuer.token(ANN, signingKey('ES256', undefined))), 'invalid')
})

test('an issuer that fails stops nobody for a day, then everybody', async () => {
  await using s = await setUp()
  const { issuer, verify, clock } = s
  assert.equal(await verify(issuer.token(ANN)), 'ann@example.org')
  issuer.fault = { status: 503, body: 'gone' }
  const late = (minutes: number) => ({ ...ANN, exp: NOW + minutes * 60 })
  clock.time += 11 * MINUTE
  assert.equal(await verify(issuer.token(late(30))), 'ann@example.org')
  clock.time += 24 * 60 * MINUTE
  assert.equal(await verify(issuer.token(late(3000))), 'unavailable')
  const { length } = issuer.asked
  assert.equal(await verify(issuer.token(late(3000))), 'unavailable')
  assert.equal(issuer.asked.length, length, 'it is not asked at every login')
  issuer.fault = undefined
  clock.time += MINUTE
  assert.equal(await verify(issuer.token(late(3000))), 'ann@example.org')
})

for (const body of ['', '[]', '{}', '{"keys":[]}', '{"keys":[1]}', `"${'x'.repeat(300_000)}"`]) {
  test(`an issuer that answers ${JSON.stringify(body.slice(0, 20))} has no keys`, async () => {
    await using s = await setUp()
    s.issuer.fault = { status: 200, body }
    assert.equal(await s.verify(s.issuer.token(ANN)), 'unavailable')
    assert.equal(s.failures.length, 1)
    assert.equal(await s.verify('nonsense'), 'invalid', 'what is no token needs no keys')
  })
}

test('the issuer describes where its keys are', async () => {
  await using s = await setUp({ jwksUri: undefined })
  assert.equal(await s.verify(s.issuer.token(ANN)), 'ann@example.org')
  assert.deepEqual(s.issuer.asked, ['/.well-known/openid-configuration', '/keys'])
  await using other = await setUp({ jwksUri: undefined })
  other.issuer.fault = { status: 200, body: JSON.stringify({ issuer: 'https://x', jwks_uri: other.issuer.jwksUri }) }
  assert.equal(await other.verify(other.issuer.token(ANN)), 'unavailable')
})

test('clients are told of an issuer on HTTPS', () => {
  const settings = { issuer: 'https://id.example.org/', audience: [], jwksUri: undefined, claim: 'email', scopes: {} }
  const configuration = 'https://id.example.org/.well-known/openid-configuration'
  assert.deepEqual(oauthOffer(settings), { scopes: {}, configuration })
  assert.equal(oauthOffer({ ...settings, issuer: 'http://id.example.org' }).configuration, undefined)
})
