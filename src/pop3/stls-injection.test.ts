import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { pop3Transcript, TestClient } from '#testing/pop3-transcript.ts'

test('STLS forgets what was said in the clear, and throws away what came behind it', async () => {
  await using server = await TestPop3Server.start({ tls: true })
  await pop3Transcript(
    `
    S: +OK ...
    C: USER mallory@example.org
    S: +OK Now the password
    C: STLS
    C: USER mallory@example.org
    C: CAPA
    S: +OK Begin the TLS handshake
    C: <tls>
    C: PASS secret
    S: -ERR USER comes first
    C: USER ann@example.org
    C: PASS secret
    S: +OK Now the password
    S: +OK 0 messages (0 octets)
    `,
    server,
  )
  assert.deepEqual(server.registry.attempts, ['ann@example.org'])
})

test('half a command before the TLS handshake is not the beginning of one behind it', async () => {
  await using server = await TestPop3Server.start({ tls: true })
  const plain = await server.connect()
  const client = new TestClient(plain)
  await client.line()
  plain.write('STLS\r\nUSER mallory')
  assert.equal(await client.line(), '+OK Begin the TLS handshake')
  plain.removeAllListeners('data')
  const tls = connectTls({ socket: plain, rejectUnauthorized: false })
  await once(tls, 'secureConnect')
  const secure = new TestClient(tls)
  assert.equal(await secure.ask('NOOP'), '-ERR Log in first')
  assert.equal(server.registry.connections.values().next().value?.secure, true)
  tls.destroy()
})

test('text in place of a TLS handshake ends the connection, and nothing of it is a command', async () => {
  await using server = await TestPop3Server.start({ tls: true })
  const client = new TestClient(await server.connect())
  await client.line()
  assert.equal(await client.ask('STLS'), '+OK Begin the TLS handshake')
  client.send('USER ann@example.org', 'PASS secret', 'QUIT')
  const rest = await client.line()
  assert.doesNotMatch(rest ?? '', /OK|ERR/)
  assert.deepEqual(server.registry.attempts, [])
})

test('a client that closes its side after STLS is let go at once, not when the handshake is overdue', async () => {
  await using server = await TestPop3Server.start({ tls: true })
  const socket = await server.connect()
  const client = new TestClient(socket)
  await client.line()
  assert.equal(await client.ask('STLS'), '+OK Begin the TLS handshake')
  const closed = performance.now()
  socket.end()
  while ((await client.line()) !== undefined);
  assert.ok(performance.now() - closed < 5_000)
})

test('STLS without a certificate is refused', async () => {
  await using server = await TestPop3Server.start()
  await pop3Transcript(
    `
    S: +OK ...
    C: STLS
    S: -ERR [SYS/PERM] There is no TLS here
    C: QUIT
    S: +OK Bye
    S: <closed>
    `,
    server,
  )
})

test('over implicit TLS passwords are taken and STLS is not offered; half-closing works there too', async () => {
  await using server = await TestPop3Server.start({
    allowPlaintext: false,
    implicitTls: true,
    messages: ['a: b\r\n\r\n'],
  })
  const tls = connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(tls, 'secureConnect')
  const client = new TestClient(tls)
  assert.equal(await client.line(), '+OK mail.example.org POP3 ready')
  assert.equal(await client.ask('STLS'), '-ERR TLS is active already')
  assert.equal(await client.ask('CAPA'), '+OK Capabilities follow')
  assert.equal((await client.multiline()).includes('STLS'), false)
  tls.end('USER ann@example.org\r\nPASS secret\r\nDELE 1\r\nQUIT\r\n')
  for (const answer of [
    '+OK Now the password',
    '+OK 1 message (8 octets)',
    '+OK Deleted at QUIT',
    '+OK Bye, 1 deleted',
  ])
    assert.equal(await client.line(), answer)
  assert.equal(await client.line(), undefined)
  assert.equal(await server.count(), 0)
})
