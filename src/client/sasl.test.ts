import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { done, type Result, refused } from '#lib/result.ts'
import { scramClientKeys, scramStoredKey } from '#lib/scram-keys.ts'
import { encodeBase64 } from '#wire/sasl/lines.ts'
import type { SaslAuthority, SaslServer, SaslStep } from '#wire/sasl/mechanism.ts'
import { createSaslServer, findMechanism } from '#wire/sasl/server.ts'
import { AuthenticationError } from './errors.ts'
import { authenticate, type LoginOptions, type SaslAnswer, type SaslDialogue } from './sasl.ts'

const PASSWORD = 'correct horse'
const salt = randomBytes(16)
const keys = await scramClientKeys(PASSWORD, salt, 4_096)
const verifiers = [{ storedKey: scramStoredKey(keys.clientKey), serverKey: keys.serverKey }]

function judge(right: boolean): Result<string, string> {
  return right ? done('in') : refused('wrong')
}

const authority: SaslAuthority<string, string> = {
  password: async ({ password }) => judge(password === PASSWORD),
  scramStart: async () => done({ salt, iterations: 4_096, verifiers }),
  scramFinish: async (_, matched) => judge(matched !== undefined),
  bearer: async ({ token }) => judge(token === 'good'),
  bearerFault: () => ({ status: 'invalid_token' }),
  external: async () => done('in'),
}

/** Our own server's mechanisms, spoken to without a protocol. */
class Dialogue implements SaslDialogue {
  readonly initialResponse: boolean
  readonly log: string[] = []
  #server: SaslServer<string, string> | undefined

  constructor(initialResponse = true) {
    this.initialResponse = initialResponse
  }

  async begin(name: string, initial: string | undefined): Promise<SaslAnswer> {
    this.log.push(name)
    const mechanism = findMechanism(name, [name] as never)
    assert.ok(mechanism !== undefined)
    this.#server = createSaslServer(mechanism, { authority, bindings: (type) => Buffer.from(type) })
    return this.#say(await this.#server.begin(initial))
  }

  async answer(line: string): Promise<SaslAnswer> {
    assert.ok(this.#server !== undefined)
    return this.#say(await this.#server.line(line))
  }

  #say(step: SaslStep<string, string>): SaslAnswer {
    switch (step.kind) {
      case 'challenge':
        return { kind: 'challenge', text: encodeBase64(step.data) }
      case 'success':
        return { kind: 'done' }
      case 'refused':
        return { kind: 'refused', code: 'AUTHENTICATIONFAILED', text: 'No' }
      case 'failed':
        return { kind: 'refused', code: undefined, text: step.why }
    }
  }
}

const base: LoginOptions = {
  credentials: { login: 'ann', password: PASSWORD },
  offered: ['PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS', 'OAUTHBEARER', 'XOAUTH2', 'EXTERNAL'],
  bindings: (type) => Buffer.from(type),
  plaintext: true,
}

const trouble = (kind: AuthenticationError['trouble'], words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof AuthenticationError, String(error))
  assert.equal(error.trouble, kind)
  assert.match(error.message, words)
  assert.ok(!error.message.includes(PASSWORD))
  return true
}

const CASES: readonly (readonly [string, Partial<LoginOptions>, string])[] = [
  ['the strongest with a channel to bind to', {}, 'SCRAM-SHA-256-PLUS'],
  ['SCRAM in the clear', { bindings: undefined, plaintext: false }, 'SCRAM-SHA-256'],
  ['PLAIN where there is no SCRAM', { offered: ['LOGIN', 'plain'] }, 'PLAIN'],
  ['LOGIN where there is nothing else', { offered: ['LOGIN'] }, 'LOGIN'],
  ['OAUTHBEARER for a token', { credentials: { login: 'ann', token: 'good' } }, 'OAUTHBEARER'],
  ['XOAUTH2 for a token', { credentials: { login: 'ann', token: 'good' }, offered: ['XOAUTH2'] }, 'XOAUTH2'],
  ['EXTERNAL for a certificate', { credentials: { external: true } }, 'EXTERNAL'],
  [
    'what the caller allows',
    { credentials: { login: 'ann', password: async () => PASSWORD, mechanisms: ['plain'] } },
    'PLAIN',
  ],
  // not "y", which says that a server that does bind does not (RFC 5802 §6)
  [
    'SCRAM that need not be bound',
    { credentials: { login: 'ann', password: PASSWORD, mechanisms: ['SCRAM-SHA-256'] } },
    'SCRAM-SHA-256',
  ],
]
for (const [what, options, expected] of CASES) {
  for (const initial of [true, false]) {
    test(`authenticate() takes ${what}, ${initial ? 'with' : 'without'} an initial response`, async () => {
      assert.equal(await authenticate(new Dialogue(initial), { ...base, ...options }), expected)
    })
  }
}

test('a wrong password is refused, and nothing weaker is tried', async () => {
  const dialogue = new Dialogue()
  const credentials = { login: 'ann', password: 'wrong' }
  await assert.rejects(authenticate(dialogue, { ...base, credentials }), trouble('refused', /check login and password/))
  assert.deepEqual(dialogue.log, ['SCRAM-SHA-256-PLUS'])
})

test('a server that offers -PLUS and cannot bind is logged in to without, unless a binding is required', async () => {
  class Unbindable extends Dialogue {
    override async begin(name: string, initial: string | undefined): Promise<SaslAnswer> {
      const answer = await super.begin(name, initial)
      return name.endsWith('-PLUS') ? { kind: 'refused', code: undefined, text: 'bad protocol' } : answer
    }
  }
  const dialogue = new Unbindable()
  const options = { ...base, credentials: { login: 'ann', password: PASSWORD } }
  assert.equal(await authenticate(dialogue, options), 'SCRAM-SHA-256')
  assert.equal(await authenticate(dialogue, options), 'SCRAM-SHA-256')
  assert.deepEqual(dialogue.log, ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-256'])
  const credentials = { login: 'ann', password: PASSWORD, requireBinding: true }
  const strict = new Unbindable()
  await assert.rejects(authenticate(strict, { ...base, credentials }), trouble('refused', /bad protocol/))
  assert.deepEqual(strict.log, ['SCRAM-SHA-256-PLUS'])
  const withoutSasl = { name: 'LOGIN', logIn: async (): Promise<SaslAnswer> => assert.fail('it went out') } as const
  const plainOnly = { ...base, offered: ['PLAIN', 'SCRAM-SHA-256'], credentials, withoutSasl }
  await assert.rejects(authenticate(strict, plainOnly), trouble('no-mechanism', /password/))
})

test('without TLS a password is not sent as it is, and the error says why', async () => {
  const dialogue = new Dialogue()
  const clear = { ...base, offered: ['PLAIN', 'LOGIN'], plaintext: false, bindings: undefined }
  const withoutSasl = { name: 'LOGIN', logIn: async (): Promise<SaslAnswer> => assert.fail('it went out') } as const
  await assert.rejects(
    authenticate(dialogue, { ...clear, withoutSasl }),
    trouble('no-mechanism', /without TLS.*"allowPlaintext"/),
  )
  assert.deepEqual(dialogue.log, [])
})

test('a way without SASL is taken where no mechanism fits', async () => {
  const sent: string[] = []
  const withoutSasl = {
    name: 'USER',
    async logIn(login: string, password: string): Promise<SaslAnswer> {
      sent.push(login, password)
      return { kind: 'done' }
    },
  } as const
  assert.equal(await authenticate(new Dialogue(), { ...base, offered: [], withoutSasl }), undefined)
  assert.deepEqual(sent, ['ann', PASSWORD])
  for (const mechanisms of [['USER'], ['login']]) {
    const credentials = { login: 'ann', password: PASSWORD, mechanisms }
    const offered = ['PLAIN', 'SCRAM-SHA-256']
    assert.equal(await authenticate(new Dialogue(), { ...base, offered, credentials, withoutSasl }), undefined)
  }
  const credentials = { login: 'ann', password: PASSWORD, mechanisms: ['OTHER'] }
  await assert.rejects(
    authenticate(new Dialogue(), { ...base, credentials, withoutSasl }),
    trouble('no-mechanism', /./),
  )
  assert.equal(sent.length, 6)
})

test('a token that was refused is renewed once', async () => {
  const asked: (string | undefined)[] = []
  const token = (old: string | undefined): string => {
    asked.push(old)
    return old === undefined ? 'stale' : 'good'
  }
  await authenticate(new Dialogue(), { ...base, credentials: { login: 'ann', token } })
  assert.deepEqual(asked, [undefined, 'stale'])
  const never = authenticate(new Dialogue(), { ...base, credentials: { login: 'ann', token: () => 'bad' } })
  await assert.rejects(never, trouble('refused', /token/))
})

test('a server that reports success without its proof is not believed', async () => {
  const liar: SaslDialogue = {
    initialResponse: true,
    begin: async () => ({ kind: 'done' }),
    answer: async () => ({ kind: 'done' }),
  }
  await assert.rejects(authenticate(liar, base), trouble('server-proof', /somebody may stand in between/))
})

test('challenges without end, or without sense, are broken off', async () => {
  for (const challenge of ['!', '']) {
    const lines: string[] = []
    const hostile: SaslDialogue = {
      initialResponse: false,
      begin: async () => ({ kind: 'challenge', text: challenge }),
      answer: async (line) => {
        lines.push(line)
        return line === '*'
          ? { kind: 'refused', code: undefined, text: 'as you like' }
          : { kind: 'challenge', text: challenge }
      },
    }
    await assert.rejects(authenticate(hostile, base), trouble('server-proof', /as you like/))
    assert.equal(lines.at(-1), '*')
  }
})
