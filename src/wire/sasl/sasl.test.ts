import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { done, type Result, refused } from '#lib/result.ts'
import { scramClientKeys, scramStoredKey } from '#lib/scram-keys.ts'
import { createSaslClient, type SaslClientOptions } from './client.ts'
import { decodeBase64, encodeBase64, encodeInitialResponse } from './lines.ts'
import type { SaslAuthority, SaslIdentity, SaslMechanism, SaslStep, ScramKeys } from './mechanism.ts'
import { formatPlain, parsePlain } from './plain.ts'
import { parseClientFinal, parseClientFirst, parseServerFirst } from './scram-messages.ts'
import { createSaslServer, findMechanism, offeredMechanisms } from './server.ts'

type Step = SaslStep<string, string>
const SALT = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')

async function keysOf(password: string, iterations = 4096): Promise<ScramKeys> {
  const keys = await scramClientKeys(password, SALT, iterations)
  return { storedKey: scramStoredKey(keys.clientKey), serverKey: keys.serverKey }
}

/** Knows one person, whose passwords it keeps as they are. */
function authority(login: string, passwords: readonly string[]): SaslAuthority<string, string> & { asked: string[] } {
  const asked: string[] = []
  function answer(who: SaslIdentity, right: boolean): Result<string, string> {
    asked.push(`${who.login}|${who.authorizeAs}`)
    return right && who.login === login ? done(login) : refused('wrong')
  }
  return {
    asked,
    password: async (attempt) => answer(attempt, passwords.includes(attempt.password)),
    scramStart: async () => ({
      ok: true,
      value: { salt: SALT, iterations: 4096, verifiers: await Promise.all(passwords.map((one) => keysOf(one))) },
    }),
    scramFinish: async (attempt, matched) => answer(attempt, matched !== undefined),
    bearer: async () => refused('wrong'),
    bearerFault: () => ({ status: 'invalid_token' }),
    external: async () => refused('wrong'),
  }
}

/** Plays C: and S: lines; the texts stand for their base64. */
async function play(
  mechanism: SaslMechanism,
  script: string,
  options: Partial<Parameters<typeof createSaslServer<string, string>>[1]> = {},
): Promise<Step> {
  const server = createSaslServer(mechanism, {
    authority: authority('user', ['pencil']),
    bindings: undefined,
    ...options,
  })
  let step: Step | undefined
  for (const line of script.trim().split('\n')) {
    const [, who, text = ''] = /^ *([CS]): ?(.*)$/.exec(line) ?? []
    const octets = Buffer.from(text.replaceAll('\\0', '\0'))
    if (who === 'S') {
      step ??= await server.begin(undefined)
      assert.equal(step.kind, 'challenge', JSON.stringify(step))
      assert.equal(step.kind === 'challenge' && Buffer.from(step.data).toString(), text)
    } else {
      const raw = /^raw (.*)$/.exec(text)?.[1]
      const sent = raw ?? (step === undefined ? encodeInitialResponse(octets) : encodeBase64(octets))
      step = await (step === undefined ? server.begin(sent) : server.line(sent))
    }
  }
  assert.ok(step)
  return step
}

const RFC7677 = {
  clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  nonce: () => '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
}

test('SCRAM-SHA-256 speaks the example of RFC 7677 §3', async () => {
  const step = await play(
    'SCRAM-SHA-256',
    `
    C: ${RFC7677.clientFirst}
    S: ${RFC7677.serverFirst}
    C: ${RFC7677.clientFinal}
    S: ${RFC7677.serverFinal}
    C:
    `,
    { nonce: RFC7677.nonce },
  )
  assert.deepEqual(step, { kind: 'success', login: 'user' })
})

test('the client speaks the example of RFC 7677 §3', async () => {
  const client = createSaslClient({
    offered: ['SCRAM-SHA-256'],
    credentials: { login: 'user', authorizeAs: '', password: 'pencil' },
    bindings: undefined,
    plaintext: false,
    nonce: () => 'rOprNGfwEbeRWgbNEkqO',
  })
  assert.ok(client)
  const say = async (challenge: string | undefined) => {
    const reply = await client.respond(challenge === undefined ? undefined : Buffer.from(challenge))
    return reply.kind === 'response' ? Buffer.from(reply.data).toString() : reply.why
  }
  assert.equal(await say(undefined), RFC7677.clientFirst)
  assert.equal(await say(RFC7677.serverFirst), RFC7677.clientFinal)
  assert.equal(client.complete, false)
  assert.equal(await say(RFC7677.serverFinal), '')
  assert.equal(client.complete, true)
})

test('PLAIN takes RFC 4616 §4 with and without an initial response, and what clients add', async () => {
  const success = { kind: 'success', login: 'user' }
  assert.deepEqual(await play('PLAIN', 'C: \\0user\\0pencil'), success)
  assert.deepEqual(await play('PLAIN', 'S:\nC: \\0user\\0pencil'), success)
  assert.deepEqual(await play('PLAIN', 'C: user\\0user\\0pencil'), success)
  assert.deepEqual(await play('PLAIN', 'C: \\0user\\0pencil\\0'), success)
  assert.deepEqual(await play('PLAIN', 'C: \\0user\\0pencils'), { kind: 'refused', refusal: 'wrong' })
  assert.deepEqual(await play('PLAIN', 'S:\nC: raw *'), { kind: 'failed', why: 'cancelled' })
})

for (const text of [
  '',
  'user',
  'user\0pencil',
  '\0\0pencil',
  '\0user\0a\0b',
  `\0${'u'.repeat(1025)}\0p`,
  '\0u\0a\0\0',
]) {
  test(`parsePlain() refuses ${JSON.stringify(text.slice(0, 20))}`, () =>
    assert.equal(parsePlain(Buffer.from(text)), undefined))
}

test('parsePlain() reads ISO 8859-1 where the octets are not UTF-8', () =>
  assert.equal(parsePlain(Buffer.from('\0user\0caf\xe9', 'latin1'))?.password, 'café'))

test('parsePlain() reads back what formatPlain() wrote', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => !text.includes('\0'))
  fc.assert(
    fc.property(name, name, fc.oneof(fc.constant(''), name), (login, password, authorizeAs) => {
      const message = { login, password, authorizeAs }
      assert.deepEqual(parsePlain(formatPlain(message)), message)
    }),
    { numRuns: 50 },
  )
})

test('LOGIN asks for name and password in the words clients compare with', async () => {
  const success = { kind: 'success', login: 'user' }
  assert.deepEqual(await play('LOGIN', 'S: Username:\nC: user\nS: Password:\nC: pencil'), success)
  assert.deepEqual(await play('LOGIN', 'C: user\nS: Password:\nC: pencil'), success)
  assert.deepEqual(await play('LOGIN', 'C: raw =\nS: Username:\nC: user\nS: Password:\nC: x'), {
    kind: 'refused',
    refusal: 'wrong',
  })
  assert.deepEqual(await play('LOGIN', 'S: Username:\nC:'), { kind: 'failed', why: 'malformed' })
  assert.deepEqual(await play('LOGIN', 'S: Username:\nC: user\nS: Password:\nC: raw *'), {
    kind: 'failed',
    why: 'cancelled',
  })
})

for (const text of ['AAA', 'A===', '=', 'AA==AA==', 'AAAA\n', 'A AAA', '*', 'AAA-', 'A'.repeat(12_292)])
  test(`decodeBase64() refuses ${JSON.stringify(text.slice(0, 12))}`, () => assert.equal(decodeBase64(text), undefined))

for (const text of [
  '',
  'n,,n=user',
  'x,,n=user,r=abc',
  'n,n=user,r=abc',
  'n,,m=ext,n=user,r=abc',
  'n,,n=us=er,r=abc',
  'n,,n=us=2cer,r=abc',
  'n,,n=,r=abc',
  'n,,n=user,r=',
  'n,,n=user,r=a b',
  'n,a=x=,n=user,r=abc',
  'p=,,n=user,r=abc',
  'F,n,,n=user,r=abc',
  `n,,n=user,r=${'a'.repeat(1025)}`,
]) {
  test(`parseClientFirst() refuses ${JSON.stringify(text.slice(0, 30))}`, () =>
    assert.equal(parseClientFirst(Buffer.from(text)), undefined))
}

test('SCRAM messages take extensions that are optional and names that are escaped', () => {
  assert.equal(parseClientFirst(Buffer.from('n,a=o=2Cp=3Dq,n=a=3D=2Cb,r=abc,x=1'))?.login, 'a=,b')
  assert.equal(parseClientFirst(Buffer.from('n,a=o=2Cp=3Dq,n=a,r=abc,x=1'))?.authorizeAs, 'o,p=q')
  assert.equal(parseServerFirst(Buffer.from('r=abc,s=QUJD,i=4096,x=1'))?.iterations, 4096)
  assert.equal(parseServerFirst(Buffer.from('m=x,r=abc,s=QUJD,i=4096')), undefined)
  assert.equal(parseClientFinal(Buffer.from('c=biws,r=abc,x=,p=QUJD')), undefined)
  assert.equal(parseClientFinal(Buffer.from('c=biws,r=abc,x=1,p=QUJD'))?.withoutProof, 'c=biws,r=abc,x=1')
})

test('SCRAM refuses another nonce, another header, a proof that is cut, and says nothing of who exists', async () => {
  const first = `C: ${RFC7677.clientFirst}\nS: ${RFC7677.serverFirst}\n`
  const final = RFC7677.clientFinal
  const from = (text: string) => play('SCRAM-SHA-256', `${first}C: ${text}`, { nonce: RFC7677.nonce })
  assert.deepEqual(await from(final.replace('%hvY', '%hvZ')), { kind: 'failed', why: 'malformed' })
  assert.deepEqual(await from(final.replace('biws', 'eSws')), { kind: 'failed', why: 'channel-binding' })
  assert.deepEqual(await from(final.replace('dHzb', 'dHzc')), { kind: 'refused', refusal: 'wrong' })
  assert.deepEqual(await from(final.replace(/p=.*/, 'p=QUJD')), { kind: 'failed', why: 'malformed' })
  assert.deepEqual(await from(''), { kind: 'failed', why: 'malformed' })
})

interface Meeting {
  readonly client: Partial<SaslClientOptions>
  readonly server?: Partial<Parameters<typeof createSaslServer<string, string>>[1]>
  readonly passwords?: readonly string[]
}

/** Lets our client and our server speak with each other. */
async function meet({ client: clientOptions, server: serverOptions = {}, passwords = ['pencil'] }: Meeting) {
  const client = createSaslClient({
    offered: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'PLAIN', 'LOGIN'],
    credentials: { login: 'user', authorizeAs: '', password: 'pencil' },
    bindings: undefined,
    plaintext: true,
    ...clientOptions,
  })
  if (client === undefined) return 'no mechanism'
  const login = clientOptions.credentials?.login ?? 'user'
  const options = { authority: authority(login, passwords), bindings: undefined, ...serverOptions }
  const server = createSaslServer(client.mechanism, options)
  const initial = client.clientFirst ? await client.respond(undefined) : undefined
  let step = await server.begin(initial?.kind === 'response' ? encodeInitialResponse(initial.data) : undefined)
  while (step.kind === 'challenge') {
    const reply = await client.respond(decodeBase64(encodeBase64(step.data)))
    if (reply.kind === 'abort') return `${client.mechanism} ${reply.why}`
    step = await server.line(encodeBase64(reply.data))
  }
  const outcome = step.kind === 'failed' ? step.why : step.kind
  return `${client.mechanism} ${outcome}${client.complete ? '' : ' unproved'}`
}

test('client and server agree on any name and password, by every mechanism', async () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((one) => !one.includes('\0'))
  // the mirror compares names as sent, so names are ones that SASLprep leaves alone
  const name = fc.stringMatching(/^[a-z=,@.]{1,20}$/)
  await fc.assert(
    fc.asyncProperty(
      name,
      text,
      fc.constantFrom('SCRAM-SHA-256', 'PLAIN', 'LOGIN'),
      async (login, password, offered) => {
        const credentials = { login, authorizeAs: '', password }
        assert.equal(
          await meet({ client: { offered: [offered], credentials }, passwords: ['other', password] }),
          `${offered} success`,
        )
        assert.equal(
          await meet({ client: { offered: [offered], credentials }, passwords: [`${password}x`] }),
          `${offered} refused${offered === 'SCRAM-SHA-256' ? ' unproved' : ''}`,
        )
      },
    ),
    { numRuns: 25 },
  )
})

test('SCRAM-SHA-256-PLUS binds to the channel and refuses another', async () => {
  const one = (type: string) => (type === 'tls-exporter' ? Buffer.from('one') : undefined)
  const other = (type: string) => (type === 'tls-exporter' ? Buffer.from('other') : undefined)
  assert.equal(await meet({ client: { bindings: one }, server: { bindings: one } }), 'SCRAM-SHA-256-PLUS success')
  assert.equal(
    await meet({ client: { bindings: one }, server: { bindings: other } }),
    'SCRAM-SHA-256-PLUS channel-binding unproved',
  )
  const endPoint = (type: string) => (type === 'tls-server-end-point' ? Buffer.from('one') : undefined)
  assert.equal(
    await meet({ client: { bindings: one }, server: { bindings: endPoint } }),
    'SCRAM-SHA-256-PLUS channel-binding unproved',
  )
  assert.equal(
    await meet({ client: { bindings: endPoint }, server: { bindings: endPoint } }),
    'SCRAM-SHA-256-PLUS success',
  )
})

test('a server that binds refuses a client that was told it does not, and one that claims to bind without -PLUS', async () => {
  const bindings = () => Buffer.from('one')
  assert.equal(
    await meet({ client: { bindings, offered: ['SCRAM-SHA-256'] }, server: { bindings } }),
    'SCRAM-SHA-256 channel-binding unproved',
  )
  assert.equal(await meet({ client: { bindings, offered: ['SCRAM-SHA-256'] } }), 'SCRAM-SHA-256 success')
  assert.equal(await meet({ client: {}, server: { bindings } }), 'SCRAM-SHA-256 success')
  const fault = { kind: 'failed', why: 'channel-binding' }
  assert.deepEqual(await play('SCRAM-SHA-256', 'C: p=tls-exporter,,n=user,r=abc', { bindings }), fault)
  assert.deepEqual(await play('SCRAM-SHA-256-PLUS', 'C: n,,n=user,r=abc', { bindings }), fault)
})

test('the client refuses a server that cannot prove itself, or asks for too few or too many rounds', async () => {
  const credentials = { login: 'user', authorizeAs: '', password: 'pencil' }
  const cases = [
    ['r=abcdef,s=QUJD,i=4095', 'iterations'],
    ['r=abcdef,s=QUJD,i=999999999', 'iterations'],
    ['r=abc,s=QUJD,i=4096', 'malformed'],
    ['r=xyzdef,s=QUJD,i=4096', 'malformed'],
    ['e=other-error', 'malformed'],
  ]
  for (const [challenge = '', why] of cases) {
    const client = createSaslClient({
      offered: ['SCRAM-SHA-256'],
      credentials,
      bindings: undefined,
      plaintext: false,
      nonce: () => 'abc',
    })
    await client?.respond(undefined)
    assert.deepEqual(await client?.respond(Buffer.from(challenge)), { kind: 'abort', why })
  }
  const client = createSaslClient({
    offered: ['SCRAM-SHA-256'],
    credentials,
    bindings: undefined,
    plaintext: false,
    nonce: () => 'abc',
  })
  await client?.respond(undefined)
  await client?.respond(Buffer.from('r=abcdef,s=QUJD,i=4096'))
  assert.deepEqual(await client?.respond(Buffer.from('v=QUJD')), { kind: 'abort', why: 'server-proof' })
  assert.equal(client?.complete, false)
})

test('mechanisms are offered by what the connection is, and found in any case', () => {
  assert.deepEqual(offeredMechanisms({ plaintext: false, bindings: false }), ['SCRAM-SHA-256'])
  assert.deepEqual(offeredMechanisms({ plaintext: true, bindings: true }), [
    'SCRAM-SHA-256-PLUS',
    'SCRAM-SHA-256',
    'PLAIN',
    'LOGIN',
  ])
  assert.equal(findMechanism('plain', ['PLAIN']), 'PLAIN')
  assert.equal(findMechanism('PLAIN', ['SCRAM-SHA-256']), undefined)
})

test('a client without TLS sends no password as it is', async () =>
  assert.equal(await meet({ client: { offered: ['PLAIN', 'LOGIN'], plaintext: false } }), 'no mechanism'))

test('an exchange that is over takes nothing more', async () => {
  const server = createSaslServer('PLAIN', { authority: authority('user', []), bindings: undefined })
  assert.deepEqual(await server.begin('!'), { kind: 'failed', why: 'malformed' })
  await assert.rejects(server.line(''), /over/)
})
