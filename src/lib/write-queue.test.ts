import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createServer as createTlsServer, connect as tlsConnect } from 'node:tls'
import { testCertificate } from '#testing/scripted-server.ts'
import { queueOf } from './write-queue.ts'

/** More than two systems' buffers hold, in one write. */
const WRITTEN = 48_000_000

for (const kind of ['in the clear', 'over TLS'] as const) {
  test(`queueOf() moves as long as the peer takes something of one write, ${kind}`, async () => {
    const { cert, key } = await testCertificate()
    const server = kind === 'over TLS' ? createTlsServer({ cert, key }) : createServer()
    const accepted = once(server, kind === 'over TLS' ? 'secureConnection' : 'connection')
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const peer =
      kind === 'over TLS'
        ? tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false })
        : connect(port, '127.0.0.1')
    const [socket] = (await accepted) as [Socket]
    for (const each of [peer, socket]) each.on('error', () => undefined)
    socket.write(Buffer.alloc(WRITTEN))
    const stuck = await standing(socket)
    assert.equal(socket.writableLength, WRITTEN, 'the write is still counted as a whole')
    let taken = 0
    peer.on('data', (chunk) => {
      taken += chunk.length
      if (taken > 12_000_000) peer.pause()
    })
    while (queueOf(socket) === stuck) await pause(5)
    assert.equal(socket.writableLength, WRITTEN)
    socket.destroy()
    peer.destroy()
    server.close()
  })
}

/** What it is when it has stopped moving. */
async function standing(socket: Socket): Promise<string> {
  for (let last = ''; ; ) {
    await pause(50)
    const now = queueOf(socket)
    if (now === last) return now
    last = now
  }
}
