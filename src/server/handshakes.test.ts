import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { networkTest } from '#services/networks.ts'
import { Handshakes } from './handshakes.ts'

/** Sockets as a listener accepts them, from the loopback address asked for. */
async function sockets(...from: readonly string[]): Promise<Socket[]> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const accepted: Socket[] = []
  for (const localAddress of from) {
    const client = connect({ port, host: '127.0.0.1', localAddress })
    client.on('error', () => undefined)
    const [socket] = (await once(server, 'connection')) as [Socket]
    accepted.push(socket)
    after(() => client.destroy())
    after(() => socket.destroy())
  }
  server.close()
  return accepted
}

test('too many of one address are refused, and counted until they end', async () => {
  const handshakes = new Handshakes({ perAddress: 2, atOnce: 10, exempt: networkTest([]) })
  const [a, b, c, d] = (await sockets('127.0.0.1', '127.0.0.1', '127.0.0.1', '127.0.0.2')) as [
    Socket,
    Socket,
    Socket,
    Socket,
  ]
  assert.deepEqual(
    [a, b, c, d].map((socket) => handshakes.begin(socket)),
    [true, true, false, true],
  )
  assert.deepEqual(
    [a, b, c, d].map(({ destroyed }) => destroyed),
    [false, false, true, false],
  )
  handshakes.end(a)
  handshakes.end(a)
  const [e] = (await sockets('127.0.0.1')) as [Socket]
  assert.equal(handshakes.begin(e), true)
  assert.equal(handshakes.size, 3)
})

test('of all, the oldest gives way', async () => {
  const handshakes = new Handshakes({ perAddress: 1, atOnce: 2, exempt: networkTest(['127.0.0.0/8']) })
  const [a, b, c] = (await sockets('127.0.0.1', '127.0.0.1', '127.0.0.1')) as [Socket, Socket, Socket]
  for (const socket of [a, b, c]) assert.equal(handshakes.begin(socket), true)
  assert.deepEqual(
    [a, b, c].map(({ destroyed }) => destroyed),
    [true, false, false],
  )
  assert.equal(handshakes.size, 2)
})
