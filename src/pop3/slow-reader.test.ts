import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { patternOf } from '#store/kit.contract.ts'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { TestClient } from '#testing/pop3-transcript.ts'
import { DotUnstuffer } from '#wire/pop3/dot-stuffing.ts'

const SIZE = 25 * 1024 * 1024

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Memory of buffers that somebody still holds. */
function liveBytes(): number {
  // The second waits for what the first one swept away.
  collect()
  collect()
  return process.memoryUsage().arrayBuffers
}

function big(): Uint8Array {
  const bytes = patternOf(SIZE)
  bytes.set(Buffer.from('Subject: big\r\n\r\n'))
  bytes.set(Buffer.from('\r\n.\r\n.\r\n\r\n'), SIZE - 10)
  return bytes
}

/** A connection that is logged in and reads bytes when it is told to. */
async function socketOn(server: TestPop3Server): Promise<Socket> {
  const socket = await server.connect()
  socket.write('USER ann@example.org\r\nPASS secret\r\n')
  let text = ''
  while (!/\+OK \d+ message/.test(text)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    text += chunk.toString('latin1')
  }
  socket.pause()
  return socket
}

test('RETR of 25 MB goes out whole, in little memory', async () => {
  const body = big()
  await using server = await TestPop3Server.start({ messages: [{ body }] })
  const socket = await socketOn(server)
  const before = liveBytes()
  let peak = 0
  let looked = 0
  const hash = createHash('sha256')
  const unstuffer = new DotUnstuffer()
  let octets = 0
  socket.write('RETR 1\r\n')
  let first = true
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    if (octets - looked > 1_000_000) {
      looked = octets
      peak = Math.max(peak, liveBytes() - before)
    }
    const start: number = first ? chunk.indexOf('\n') + 1 : 0
    if (first) assert.equal(chunk.toString('latin1', 0, start), `+OK ${SIZE} octets\r\n`)
    first = false
    const { body: piece, rest } = unstuffer.push(chunk.subarray(start))
    hash.update(piece)
    octets += piece.length
    if (rest !== undefined) break
  }
  assert.ok(looked > SIZE / 2)
  assert.equal(octets, SIZE)
  assert.equal(hash.digest('hex'), createHash('sha256').update(body).digest('hex'))
  assert.ok(peak < 4_000_000, `peak growth ${peak}`)
})

test('a client that does not read stops the server, and is let go after two minutes', async () => {
  await using server = await TestPop3Server.start({ messages: [{ body: big() }] })
  const socket = await socketOn(server)
  const before = liveBytes()
  socket.write('RETR 1\r\n'.repeat(50))
  await after(200)
  const sessions = server.registry.connections.size
  assert.equal(sessions, 1)
  assert.ok(liveBytes() - before < 4_000_000)
  server.pass(119_000)
  await after(20)
  assert.equal(server.registry.connections.size, 1)
  server.pass(1_000)
  while (server.registry.connections.size > 0) await after(5)
  assert.equal(server.registry.maildrops.size, 0)
  const ended = server.log.lines.at(-1)?.fields
  assert.equal(ended !== undefined && 'end' in ended && ended.end, 'The peer took nothing for 120 seconds')
  socket.destroy()
})

test('a client that vanishes in the middle of RETR leaves nothing behind', async () => {
  await using server = await TestPop3Server.start({ messages: [{ body: big() }, 'a: b\r\n\r\n'] })
  for (const how of ['destroy', 'reset'] as const) {
    const socket = await socketOn(server)
    socket.write('DELE 2\r\nRETR 1\r\nQUIT\r\n')
    socket.resume()
    await once(socket, 'data')
    if (how === 'destroy') socket.destroy()
    else socket.resetAndDestroy()
    while (server.registry.connections.size > 0) await after(5)
    assert.equal(server.registry.maildrops.size, 0)
    assert.equal(await server.count(), 2)
  }
  assert.deepEqual(
    server.log.lines.filter((line) => line.level !== 'info'),
    [],
  )
})

test('TOP of a large message reads no more than it gives', async () => {
  await using server = await TestPop3Server.start({ messages: [{ body: big() }] })
  const body = server.store.body.bind(server.store)
  let octets = 0
  server.store.body = (account, place) => {
    const stored = body(account, place)
    return {
      ...stored,
      read: (start, end) => {
        octets += end - start
        return stored.read(start, end)
      },
    }
  }
  const client = await new TestClient(await server.connect()).login()
  assert.equal(await client.ask('TOP 1 0'), '+OK Top of the message')
  assert.deepEqual(await client.multiline(), ['Subject: big', ''])
  assert.ok(octets <= 65_536)
  client.socket.destroy()
})

test('a message that cannot be read on is broken off, nothing is said in the middle of it, and the log says why', async () => {
  await using server = await TestPop3Server.start({ messages: [{ body: big() }] })
  const body = server.store.body.bind(server.store)
  server.store.body = (account, place) => {
    const stored = body(account, place)
    return {
      ...stored,
      size: stored.size,
      async *stream() {
        yield await stored.read(0, 200_000)
        throw new TypeError('No message has such a fault')
      },
    }
  }
  const socket = await socketOn(server)
  socket.write('RETR 1\r\n')
  let text = ''
  for await (const chunk of socket as AsyncIterable<Buffer>) text += chunk.toString('latin1')
  assert.doesNotMatch(text, /-ERR/)
  const [fault, end] = server.log.lines
  assert.equal(fault?.message, 'A message broke off on its way out')
  assert.ok(fault !== undefined && 'err' in fault.fields && fault.fields.err instanceof TypeError)
  assert.equal(end?.message, 'POP3 session ended')
  assert.equal(end !== undefined && 'end' in end.fields && end.fields.end, 'A message could not be read to its end')
})
