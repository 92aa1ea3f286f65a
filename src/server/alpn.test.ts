import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { type ConnectionOptions, connect, createSecureContext, type TLSSocket } from 'node:tls'
import { ListLog } from '#testing/list-log.ts'
import { open } from './listeners.ts'
import { selfMadeCertificate } from './self-made-certificate.ts'

let listener: Awaited<ReturnType<typeof open>>

before(async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-test-'))
  const files = await selfMadeCertificate(folder, ['localhost'])
  const context = createSecureContext({ cert: await readFile(files.cert), key: await readFile(files.key) })
  await rm(folder, { recursive: true, force: true })
  const identity = { context: () => context, ticketKeys: Buffer.alloc(48, 1) }
  const acceptor = { accept: (socket: { end(text: string): void }) => socket.end('hello') }
  listener = await open({ host: '127.0.0.1', port: 0 }, acceptor, {
    implicitTls: identity,
    alpn: 'imap',
    reusePort: false,
    log: new ListLog(),
  })
})
after(() => listener.close())

function dial(options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const { host, port } = listener.endpoint
    const socket = connect({ host, port, rejectUnauthorized: false, ...options }, () => resolve(socket))
    socket.once('error', reject)
  })
}

for (const [what, names, chosen] of [
  ['that names none', undefined, false],
  ['that names imap', ['imap'], 'imap'],
  ['that names imap among others', ['h2', 'imap'], 'imap'],
] as const)
  test(`a client ${what} is let in (RFC 7301)`, async () => {
    const socket = await dial(names === undefined ? {} : { ALPNProtocols: [...names] })
    assert.equal(socket.alpnProtocol, chosen)
    socket.destroy()
  })

for (const minVersion of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`a client that names others only is told so and refused, ${minVersion} (RFC 7301 §3.2)`, async () => {
    await assert.rejects(dial({ ALPNProtocols: ['pop3', 'http/1.1'], minVersion, maxVersion: minVersion }), {
      code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    })
  })
