import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { connect, createSecureContext } from 'node:tls'
import { selfMadeCertificate } from '../self-made-certificate.ts'
import { Challenges } from './challenges.ts'
import { choosing } from './choosing.ts'

interface Seen {
  readonly protocol: string | false | null
  readonly name: string
}

async function look(port: number, servername: string, protocols: readonly string[]): Promise<Seen | string> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername,
    ALPNProtocols: [...protocols],
    rejectUnauthorized: false,
  })
  try {
    await once(socket, 'secureConnect')
    const name = socket.getPeerX509Certificate()?.subject ?? ''
    if (protocols.includes('acme-tls/1')) await once(socket.resume(), 'close')
    return { protocol: socket.alpnProtocol, name }
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  } finally {
    socket.destroy()
  }
}

test('only who speaks acme-tls/1 sees the certificate of a challenge, and nothing is said to it', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'malle-choosing-'))
  const pairOf = async (name: string): Promise<{ cert: string; key: string }> => {
    const files = await selfMadeCertificate(path.join(folder, name), [name])
    return { cert: await readFile(files.cert, 'utf8'), key: await readFile(files.key, 'utf8') }
  }
  const usual = await pairOf('mail.example.org')
  const challenges = new Challenges()
  const context = createSecureContext(usual)
  const server = createServer({ ...usual, ...choosing({ context: () => context }, challenges) }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const challenge = { type: 'tls-alpn-01', name: 'mail.example.org', ...(await pairOf('challenge')) } as const
  challenges.add(challenge)
  try {
    const acme = ['acme-tls/1']
    assert.deepEqual(await look(port, 'Mail.example.org', acme), { protocol: 'acme-tls/1', name: 'CN=challenge' })
    assert.deepEqual(await look(port, 'mail.example.org', ['http/1.1']), {
      protocol: 'http/1.1',
      name: 'CN=mail.example.org',
    })
    assert.deepEqual(await look(port, 'mail.example.org', []), { protocol: false, name: 'CN=mail.example.org' })
    const refusal = 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'
    assert.equal(await look(port, 'other.example.org', acme), refusal)
    assert.equal(await look(port, 'mail.example.org', ['h2']), refusal)
    challenges.remove(challenge)
    assert.equal(await look(port, 'mail.example.org', acme), refusal)
  } finally {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true, force: true })
  }
})
