/** Who asks over HTTP has no more connections than others have. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { type WholeServer, wholeServer } from '#testing/whole-server.ts'

const GET = 'GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** What a listener says first, or `closed`. */
async function ask(port: number, question: string): Promise<{ readonly socket: Socket; readonly said: string }> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(question)
  const said = await new Promise<string>((resolve) => {
    socket.once('data', (bytes) => resolve(bytes.toString().split('\r\n')[0] ?? ''))
    socket.once('close', () => resolve('closed'))
  })
  return { socket, said }
}

async function listening(http: object): Promise<{ readonly whole: WholeServer; readonly ports: readonly number[] }> {
  const any = ['127.0.0.1:0']
  const whole = await wholeServer({
    listen: { http: any, https: any },
    limits: { connections_per_address: 3 },
    http,
  })
  const { http: plain, https } = whole.server.endpoints
  return { whole, ports: [plain[0]?.port ?? 0, https[0]?.port ?? 0] }
}

test('connections over HTTP and HTTPS count with those of mail for the limit of an address', async () => {
  const { whole, ports } = await listening({ watchers: [] })
  await using server = whole
  const [http = 0, https = 0] = ports
  const first = await ask(http, GET)
  const second = await ask(http, GET)
  assert.deepEqual([first.said, second.said], ['HTTP/1.1 404 Not Found', 'HTTP/1.1 404 Not Found'])
  const mail = await ask(server.port('imap'), '')
  assert.match(mail.said, /^\* OK /)
  assert.equal((await ask(http, GET)).said, 'closed')
  assert.equal((await ask(https, 'no handshake')).said, 'closed')
  assert.match((await ask(server.port('pop3'), '')).said, /^-ERR /)
  first.socket.destroy()
  await once(first.socket, 'close')
  // it is heard of a moment later
  let again = 'closed'
  for (const end = Date.now() + 10_000; again === 'closed' && Date.now() < end; ) again = (await ask(http, GET)).said
  assert.equal(again, 'HTTP/1.1 404 Not Found')
  for (const { socket } of [second, mail]) socket.destroy()
})

test('whoever may watch the server is not counted', async () => {
  const { whole, ports } = await listening({})
  await using _server = whole
  const asked = await Promise.all(Array.from({ length: 5 }, () => ask(ports[0] ?? 0, GET)))
  assert.ok(asked.every(({ said }) => said === 'HTTP/1.1 404 Not Found'))
  for (const { socket } of asked) socket.destroy()
})
