import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { TestPop3Server, type TestServerOptions } from '#testing/pop3-server.ts'
import { pop3Transcript, TestClient } from '#testing/pop3-transcript.ts'
import { type ChannelBindings, channelBindings } from '#wire/sasl/channel-binding.ts'
import { createSaslClient } from '#wire/sasl/client.ts'
import { encodeBase64 } from '#wire/sasl/lines.ts'

async function play(text: string, options: TestServerOptions = {}): Promise<TestPop3Server> {
  const server = await TestPop3Server.start({ messages: ['a: b\r\n\r\n'], ...options })
  try {
    await pop3Transcript(text, server)
  } finally {
    await server[Symbol.asyncDispose]()
  }
  return server
}

/** Plays it in a test of its own. */
function transcript(text: string, options?: TestServerOptions): () => Promise<void> {
  return async () => void (await play(text, options))
}

test(
  'USER and PASS want each other and the AUTHORIZATION state',
  transcript(`
    S: +OK mail.example.org POP3 ready
    C: PASS secret
    S: -ERR USER comes first
    C: USER
    S: -ERR USER wants a name
    C: STAT
    S: -ERR Log in first
    C: USER ann@example.org
    C: PASS secret
    S: +OK Now the password
    S: +OK 1 message (8 octets)
    C: USER ann@example.org
    C: PASS secret
    C: AUTH PLAIN
    C: STLS
    S: -ERR You are logged in already
    S: -ERR You are logged in already
    S: -ERR You are logged in already
    S: -ERR You are logged in already
  `),
)

test('a wrong password and an unknown user are refused alike, a protocol that is not allowed with its reason', async () => {
  const server = await play(`
    S: +OK ...
    C: USER ann@example.org
    C: PASS wrong
    S: +OK Now the password
    S: -ERR [AUTH] Wrong login name or password
    C: PASS secret
    S: -ERR USER comes first
    C: USER nobody@example.org
    C: PASS secret
    S: +OK Now the password
    S: -ERR [AUTH] Wrong login name or password
    C: USER imap-only@example.org
    C: PASS secret
    S: +OK Now the password
    S: -ERR [SYS/PERM] POP3 is not allowed for this account
  `)
  assert.deepEqual(server.registry.attempts, ['ann@example.org', 'nobody@example.org', 'imap-only@example.org'])
})

test(
  'a connection ends after five failed logins',
  transcript(`
    S: +OK ...
    C: AUTH PLAIN AGEAYg==
    C: AUTH PLAIN AGEAYg==
    C: AUTH PLAIN AGEAYg==
    C: AUTH PLAIN AGEAYg==
    C: AUTH PLAIN AGEAYg==
    C: NOOP
    S: -ERR [AUTH] Wrong login name or password
    S: -ERR [AUTH] Wrong login name or password
    S: -ERR [AUTH] Wrong login name or password
    S: -ERR [AUTH] Wrong login name or password
    S: -ERR [AUTH] Wrong login name or password
    S: <closed>
  `),
)

test('no password is taken without TLS unless it is allowed', async () => {
  const server = await play(
    `
    S: +OK ...
    C: CAPA
    S: +OK Capabilities follow
    S: TOP
    S: UIDL
    S: RESP-CODES
    S: AUTH-RESP-CODE
    S: PIPELINING
    S: EXPIRE NEVER
    S: UTF8 USER
    S: LANG
    S: SASL SCRAM-SHA-256
    S: STLS
    S: IMPLEMENTATION Malle
    S: .
    C: USER ann@example.org
    S: -ERR [SYS/PERM] Passwords are taken over TLS only, use STLS first
    C: PASS secret
    S: -ERR [SYS/PERM] Passwords are taken over TLS only, use STLS first
    C: AUTH PLAIN AGFubkBleGFtcGxlLm9yZwBzZWNyZXQ=
    S: -ERR [SYS/PERM] Passwords are taken over TLS only, use STLS first
    C: AUTH LOGIN
    S: -ERR [SYS/PERM] Passwords are taken over TLS only, use STLS first
    C: AUTH
    S: +OK
    S: SCRAM-SHA-256
    S: .
    `,
    { allowPlaintext: false, tls: true },
  )
  assert.deepEqual(server.registry.attempts, [])
})

test(
  'CAPA tells what works, before and after the login',
  transcript(
    `
    S: +OK ...
    C: STLS
    S: +OK Begin the TLS handshake
    C: <tls>
    C: capa
    S: +OK Capabilities follow
    S: TOP
    S: UIDL
    S: RESP-CODES
    S: AUTH-RESP-CODE
    S: PIPELINING
    S: EXPIRE NEVER
    S: UTF8 USER
    S: LANG
    S: USER
    S: SASL SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN
    S: IMPLEMENTATION Malle
    S: .
    C: STLS
    S: -ERR TLS is active already
    C: AUTH PLAIN AGFubkBleGFtcGxlLm9yZwBzZWNyZXQ=
    S: +OK 1 message (8 octets)
    C: CAPA
    S: +OK Capabilities follow
    S: TOP
    S: UIDL
    S: RESP-CODES
    S: AUTH-RESP-CODE
    S: PIPELINING
    S: EXPIRE NEVER
    S: UTF8 USER
    S: LANG
    S: USER
    S: SASL SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN
    S: IMPLEMENTATION Malle
    S: .
    `,
    { allowPlaintext: false, tls: true },
  ),
)

test(
  'AUTH PLAIN and LOGIN work with and without an initial response, and are cancelled with a star',
  transcript(`
    S: +OK ...
    C: AUTH PLAIN
    S: +\x20
    C: *
    S: -ERR Cancelled
    C: AUTH PLAIN
    S: +\x20
    C: not base64!
    S: -ERR The answer is not what the mechanism wants
    C: AUTH DIGEST-MD5
    S: -ERR That mechanism is not offered here
    C: AUTH LOGIN
    S: + VXNlcm5hbWU6
    C: YW5uQGV4YW1wbGUub3Jn
    S: + UGFzc3dvcmQ6
    C: d3Jvbmc=
    S: -ERR [AUTH] Wrong login name or password
    C: AUTH PLAIN
    S: +\x20
    C: AGFubkBleGFtcGxlLm9yZwBzZWNyZXQ=
    S: +OK 1 message (8 octets)
    C: QUIT
    S: +OK Bye
    S: <closed>
  `),
)

async function scram(server: TestPop3Server, secure: boolean, bind: 'right' | 'wrong'): Promise<string | undefined> {
  let client = new TestClient(await server.connect())
  await client.line()
  let bindings: ChannelBindings | undefined
  if (secure) {
    await client.ask('STLS')
    client.socket.removeAllListeners('data')
    const tls = connectTls({ socket: client.socket, rejectUnauthorized: false })
    await once(tls, 'secureConnect')
    client = new TestClient(tls)
    const right = channelBindings(tls, 'client')
    bindings = bind === 'right' ? right : (type) => right(type)?.map((octet) => octet ^ 1)
  }
  const sasl = createSaslClient({
    offered: secure ? ['SCRAM-SHA-256-PLUS'] : ['SCRAM-SHA-256'],
    credentials: { login: 'ann@example.org', authorizeAs: '', password: 'secret' },
    bindings,
    plaintext: false,
  })
  assert.ok(sasl)
  let challenge: Uint8Array | undefined
  let command = `AUTH ${sasl.mechanism} `
  for (;;) {
    const reply = await sasl.respond(challenge)
    assert.ok(reply.kind === 'response')
    const line = await client.ask(command + encodeBase64(reply.data))
    command = ''
    if (line?.startsWith('+ ') !== true) {
      client.socket.destroy()
      if (line?.startsWith('+OK') === true) assert.ok(sasl.complete)
      return line
    }
    challenge = Buffer.from(line.slice(2), 'base64')
  }
}

test('AUTH SCRAM-SHA-256 works without TLS, and proves both sides', async () => {
  await using server = await TestPop3Server.start({ allowPlaintext: false })
  assert.equal(await scram(server, false, 'right'), '+OK 0 messages (0 octets)')
})

test('AUTH SCRAM-SHA-256-PLUS is bound to its connection', async () => {
  await using server = await TestPop3Server.start({ allowPlaintext: false, tls: true })
  assert.equal(await scram(server, true, 'right'), '+OK 0 messages (0 octets)')
  assert.equal(await scram(server, true, 'wrong'), '-ERR [AUTH] The channel binding does not fit this connection')
})
