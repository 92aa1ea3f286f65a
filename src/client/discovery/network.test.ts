import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { ScriptedServer, testCertificate } from '#testing/scripted-server.ts'
import { wholeServer } from '#testing/whole-server.ts'
import { systemNetwork } from './network.ts'

const never = new AbortController().signal

async function fileServer(t: TestContext): Promise<string> {
  const { cert, key } = await testCertificate()
  const server = createServer({ cert, key }, (request, response) => {
    switch (request.url) {
      case '/config':
        return response.end('<clientConfig/>')
      case '/moved':
        return response.writeHead(302, { location: '/config' }).end()
      case '/round':
        return response.writeHead(302, { location: '/round' }).end()
      case '/plain':
        return response.writeHead(301, { location: 'http://localhost/config' }).end()
      case '/large':
        return response.end('x'.repeat(300_000))
      case '/broken':
        return response.writeHead(500).end()
      case '/silent':
        return undefined
      default:
        return response.writeHead(404).end()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `https://localhost:${(server.address() as AddressInfo).port}`
}

test('a file is fetched over HTTPS alone, within limits', async (t) => {
  const url = await fileServer(t)
  const network = systemNetwork({ tls: { ca: (await testCertificate()).ca } })
  assert.equal(await network.fetch(`${url}/config`, never), '<clientConfig/>')
  assert.equal(await network.fetch(`${url}/moved`, never), '<clientConfig/>')
  assert.equal(await network.fetch(`${url}/none`, never), undefined)
  await assert.rejects(network.fetch(`${url}/plain`, never), /not https/)
  await assert.rejects(network.fetch(`${url}/round`, never), /too many redirects/)
  await assert.rejects(network.fetch(`${url}/large`, never), /more than 262144 octets/)
  await assert.rejects(network.fetch(`${url}/broken`, never), /HTTP status 500/)
  await assert.rejects(network.fetch(`${url}/silent`, AbortSignal.timeout(50)), /abort/i)
  await assert.rejects(systemNetwork().fetch(`${url}/config`, never), /certificate/i)
})

test('a server counts only with a certificate for its name, by TLS and by STARTTLS', async () => {
  const network = systemNetwork({ tls: { ca: (await testCertificate()).ca } })
  const { cert, key } = await testCertificate()
  await using whole = await wholeServer(async (folder) => {
    const { writeFile } = await import('node:fs/promises')
    await writeFile(`${folder}/cert.pem`, cert)
    await writeFile(`${folder}/key.pem`, key)
    return { tls: { cert: `${folder}/cert.pem`, key: `${folder}/key.pem` } }
  })
  const listeners = [
    ['imap', 'imaps', 'tls'],
    ['pop3', 'pop3s', 'tls'],
    ['smtp', 'submissions', 'tls'],
    ['imap', 'imap', 'starttls'],
    ['pop3', 'pop3', 'starttls'],
    ['smtp', 'submission', 'starttls'],
  ] as const
  for (const [protocol, listener, security] of listeners) {
    const target = { protocol, host: 'localhost', port: whole.port(listener), security }
    assert.equal(await network.probe(target, never), 'fits', `${listener} ${security}`)
    assert.equal(await network.probe({ ...target, host: '127.0.0.1' }, never), 'untrusted', `${listener}: another name`)
    assert.equal(await systemNetwork().probe(target, never), 'untrusted', `${listener}: unknown authority`)
  }
})

test('nobody, silence, or a server that has no TLS is nothing', async () => {
  const network = systemNetwork()
  const probe = (port: number, signal = never): Promise<string> =>
    network.probe({ protocol: 'imap', host: 'localhost', port, security: 'starttls' }, signal)
  await using refusing = await ScriptedServer.start(async (peer) => {
    peer.send('* OK there\r\n')
    await peer.line()
    peer.send('a BAD no\r\n')
    peer.socket.end()
  })
  assert.equal(await probe(refusing.port), 'nothing')
  await using silent = await ScriptedServer.start(async (peer) => void (await peer.line()))
  assert.equal(await probe(silent.port, AbortSignal.timeout(50)), 'nothing')
  const { port } = silent
  await silent[Symbol.asyncDispose]().catch(() => undefined)
  assert.equal(await probe(port), 'nothing')
})

/** Answers questions for SRV records (RFC 1035 §4, RFC 2782); names it does not know do not exist. */
async function nameServer(t: TestContext, name: string, host: string): Promise<string> {
  const socket = createSocket('udp4')
  const labels = (text: string): Buffer =>
    Buffer.concat([
      ...text.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
      Buffer.from([0]),
    ])
  socket.on('message', (question, peer) => {
    const end = question.indexOf(0, 12) + 5
    const known = question.subarray(12, end - 4).equals(labels(name))
    const header = Buffer.from(question.subarray(0, 12))
    header.writeUInt16BE(known ? 0x8180 : 0x8183, 2)
    header.writeUInt16BE(known ? 1 : 0, 6)
    header.writeUInt32BE(0, 8)
    const data = Buffer.concat([Buffer.from([0, 10, 0, 5, 993 >> 8, 993 & 255]), labels(host)])
    const record = Buffer.from([0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60, 0, data.length])
    socket.send(Buffer.concat([header, question.subarray(12, end), ...(known ? [record, data] : [])]), peer.port)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.after(() => socket.close())
  return `127.0.0.1:${socket.address().port}`
}

test('SRV records are read from the DNS; a name without any has none', async (t) => {
  const server = await nameServer(t, '_imaps._tcp.example.org', 'imap.example.org')
  const network = systemNetwork({ nameServers: [server] })
  assert.deepEqual(await network.srv('_imaps._tcp.example.org', never), [
    { host: 'imap.example.org', port: 993, priority: 10, weight: 5 },
  ])
  assert.deepEqual(await network.srv('_imap._tcp.example.org', never), [])
})
