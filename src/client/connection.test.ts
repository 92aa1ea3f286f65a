import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { serverHandshake } from '#lib/tls-handshake.ts'
import { ManualTimers } from '#testing/manual-timers.ts'
import { ScriptedServer, testCertificate } from '#testing/scripted-server.ts'
import { ClientConnection, type OpenOptions } from './connection.ts'
import { type ClientError, ConnectionError, ProtocolError } from './errors.ts'

function options(port: number, more: Partial<OpenOptions> = {}): OpenOptions {
  return { host: '127.0.0.1', port, security: 'none', tls: {}, protocol: 'imap', connectMs: 5_000, ...more }
}

/** Expects a ConnectionError with this trouble. */
function trouble(kind: ConnectionError['trouble'], words: RegExp = /./) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof ConnectionError, String(error))
    assert.equal(error.trouble, kind)
    assert.match(error.message, words)
    return true
  }
}

async function text(connection: ClientConnection, length: number): Promise<string> {
  let read = ''
  while (read.length < length) read += Buffer.from(await connection.read()).toString('latin1')
  return read
}

test('bytes go both ways in the clear', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send(`you said ${await peer.line()}\r\n`)
  })
  const connection = await ClientConnection.open(options(server.port))
  await connection.write([Buffer.from('hel'), Buffer.from('lo\r\n')])
  assert.equal(await text(connection, 16), 'you said hello\r\n')
  assert.equal(connection.secure, false)
  assert.equal(connection.bindings, undefined)
  await connection.close()
  await assert.rejects(connection.read(), trouble('aborted'))
})

test('a port where nobody listens is told from a host that is not there', async () => {
  const closed = createServer()
  const port = await new Promise<number>((resolve) => {
    closed.listen(0, '127.0.0.1', () => resolve((closed.address() as { port: number }).port))
  })
  await new Promise((resolve) => closed.close(resolve))
  await assert.rejects(ClientConnection.open(options(port)), trouble('refused', /check host and port/))
  await assert.rejects(
    ClientConnection.open(options(port, { host: 'nowhere.invalid' })),
    trouble('not-found', /nowhere\.invalid/),
  )
})

test('a certificate of an unknown authority, or for another name, is refused and the error says the way out', async () => {
  const certificate = await testCertificate()
  await using server = await ScriptedServer.start(async () => undefined, certificate)
  const secure = { host: 'localhost', security: 'tls' } as const
  await assert.rejects(ClientConnection.open(options(server.port, secure)), trouble('tls', /"ca"/))
  const tls = { ca: certificate.ca, servername: 'other.example' }
  await assert.rejects(ClientConnection.open(options(server.port, { ...secure, tls })), trouble('tls', /another name/))
  const connection = await ClientConnection.open(options(server.port, { ...secure, tls: { ca: certificate.ca } }))
  assert.equal(connection.secure, true)
  assert.notEqual(connection.bindings?.('tls-exporter'), undefined)
  await connection.close()
})

test('a pinned certificate is trusted, and no other', async () => {
  const certificate = await testCertificate()
  await using server = await ScriptedServer.start(async () => undefined, certificate)
  const pinnedSha256 = new X509Certificate(certificate.cert).fingerprint256
  const pinned = options(server.port, { security: 'tls', tls: { pinnedSha256 } })
  await (await ClientConnection.open(pinned)).close()
  const wrong = options(server.port, { security: 'tls', tls: { pinnedSha256: pinnedSha256.replace(/^../, '00') } })
  const sameFirst = pinnedSha256.startsWith('00')
  if (!sameFirst) await assert.rejects(ClientConnection.open(wrong), trouble('tls', /pin the new one/))
})

test('TLS to a port that does not speak it is said so', async () => {
  await using server = await ScriptedServer.start(async (peer) => peer.send('* OK in the clear\r\n'))
  await assert.rejects(
    ClientConnection.open(options(server.port, { security: 'tls' })),
    trouble('tls', /does not speak TLS/),
  )
})

test('startTls() encrypts a running connection', async () => {
  const { ca, cert, key } = await testCertificate()
  await using server = await ScriptedServer.start(async (peer) => {
    await peer.line()
    peer.send('go on\r\n')
    peer.socket.removeAllListeners()
    const secure = await serverHandshake(peer.socket, { context: () => createSecureContext({ cert, key }) }, 5_000)
    secure.write('now safe\r\n')
  })
  const connection = await ClientConnection.open(options(server.port, { host: 'localhost', tls: { ca } }))
  await connection.write([Buffer.from('STARTTLS\r\n')])
  assert.equal(await text(connection, 7), 'go on\r\n')
  await connection.startTls(0)
  assert.equal(connection.secure, true)
  assert.equal(await text(connection, 10), 'now safe\r\n')
  await connection.close()
})

test('startTls() ends a connection on which more came before TLS', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    await peer.line()
    peer.send('go on\r\ninjected\r\n')
  })
  const connection = await ClientConnection.open(options(server.port))
  await connection.write([Buffer.from('STARTTLS\r\n')])
  assert.equal(await text(connection, 17), 'go on\r\ninjected\r\n')
  await assert.rejects(connection.startTls(10), (error: ClientError) => error instanceof ProtocolError)
  assert.throws(() => connection.write([]), ConnectionError)
})

test('a server that agrees to TLS and then does not do it is left', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    await peer.line()
    peer.send('go on\r\n')
    await new Promise((resolve) => peer.socket.once('data', resolve))
    peer.socket.end('not TLS\r\n')
  })
  const connection = await ClientConnection.open(options(server.port))
  await connection.write([Buffer.from('STARTTLS\r\n')])
  await text(connection, 7)
  await assert.rejects(connection.startTls(0), trouble('tls'))
})

test('a server that owes an answer has a deadline, which each byte renews; who idles has none', async () => {
  let peerSends: (said: string) => void = () => undefined
  await using server = await ScriptedServer.start(async (peer) => {
    peerSends = (said) => peer.send(said)
    peer.send('x')
  })
  const timers = new ManualTimers()
  const connection = await ClientConnection.open(options(server.port, { timers }))
  await connection.read()
  connection.expect(60_000)
  const first = connection.read()
  timers.pass(59_000)
  peerSends('y')
  await first
  const second = connection.read()
  timers.pass(59_000)
  assert.equal(connection.failure, undefined)
  connection.expect(undefined)
  timers.pass(86_400_000)
  assert.equal(connection.failure, undefined)
  connection.expect(60_000)
  timers.pass(60_000)
  await assert.rejects(second, trouble('timeout', /60 seconds/))
})

test('a server that is not read is held up', async () => {
  let wrote = 0
  await using server = await ScriptedServer.start(async ({ socket }) => {
    const chunk = Buffer.alloc(65_536)
    const more = (): void => {
      while (wrote < 50_000_000) {
        wrote += chunk.length
        if (!socket.write(chunk)) break
      }
    }
    socket.on('drain', more)
    more()
  })
  const connection = await ClientConnection.open(options(server.port))
  let before = -1
  while (before !== wrote) {
    before = wrote
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.ok(wrote < 20_000_000, `${wrote} octets were sent to somebody who does not read`)
  for (let read = 0; read < 50_000_000; ) read += (await connection.read()).length
  connection.destroy()
})

test('a signal ends a connection that is being made, and one that is there', async () => {
  await using server = await ScriptedServer.start(async () => undefined)
  const before = AbortSignal.abort()
  await assert.rejects(ClientConnection.open(options(server.port, { signal: before })), trouble('aborted'))
  const controller = new AbortController()
  const connection = await ClientConnection.open(options(server.port, { signal: controller.signal }))
  const read = connection.read()
  controller.abort()
  await assert.rejects(read, trouble('aborted'))
})

test('what came before the server closed is read first', async () => {
  await using server = await ScriptedServer.start(async ({ socket }) => {
    socket.end('* BYE\r\n')
  })
  const connection = await ClientConnection.open(options(server.port))
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(await text(connection, 7), '* BYE\r\n')
  await assert.rejects(connection.read(), trouble('closed', /has closed/))
})
