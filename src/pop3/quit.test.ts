import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMemoryStore } from '#adapters/memory/memory-store.ts'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { TestClient } from '#testing/pop3-transcript.ts'

const messages = ['Subject: one\r\n\r\n1\r\n', 'Subject: two\r\n\r\n2\r\n', 'Subject: three\r\n\r\n3\r\n']

test('QUIT in a batch deletes, answers, and drops what stands behind it', async () => {
  await using server = await TestPop3Server.start({ messages })
  const client = new TestClient(await server.connect())
  await client.line()
  client.send('USER ann@example.org', 'PASS secret', 'RETR 1', 'DELE 1', 'DELE 3', 'QUIT', 'RSET', 'DELE 2')
  assert.equal(await client.line(), '+OK Now the password')
  assert.equal(await client.line(), '+OK 3 messages (59 octets)')
  assert.equal(await client.line(), '+OK 19 octets')
  assert.deepEqual(await client.multiline(), ['Subject: one', '', '1'])
  assert.equal(await client.line(), '+OK Deleted at QUIT')
  assert.equal(await client.line(), '+OK Deleted at QUIT')
  assert.equal(await client.line(), '+OK Bye, 2 deleted')
  assert.equal(await client.line(), undefined)
  assert.equal(await server.count(), 1)
})

test('RSET takes the marks away', async () => {
  await using server = await TestPop3Server.start({ messages })
  const client = await new TestClient(await server.connect()).login()
  client.send('DELE 1', 'RSET', 'QUIT')
  assert.equal(await client.line(), '+OK Deleted at QUIT')
  assert.equal(await client.line(), '+OK 3 messages (59 octets)')
  assert.equal(await client.line(), '+OK Bye')
  assert.equal(await server.count(), 3)
})

test('whatever else ends a session deletes nothing', async () => {
  await using server = await TestPop3Server.start({ messages })
  for (const end of ['end', 'reset', 'autologout', 'kick'] as const) {
    const client = await new TestClient(await server.connect()).login()
    assert.equal(await client.ask('DELE 1'), '+OK Deleted at QUIT')
    if (end === 'end') client.socket.end()
    else if (end === 'reset') client.socket.destroy()
    else if (end === 'autologout') server.pass(600_000)
    else server.registry.order({ kind: 'close', why: 'kicked' })
    // Without a word (RFC 1939 §3).
    if (end !== 'reset') assert.equal(await client.line(), undefined)
    client.socket.destroy()
    while (server.registry.connections.size > 0) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(await server.count(), 3)
    assert.equal(server.registry.maildrops.size, 0)
  }
})

test('a client that closes its side behind QUIT is answered', async () => {
  await using server = await TestPop3Server.start({ messages })
  const client = new TestClient(await server.connect())
  client.socket.end('USER ann@example.org\r\nPASS secret\r\nDELE 2\r\nQUIT\r\n')
  for (const answer of [/POP3 ready$/, /password$/, /^\+OK 3/, /^\+OK Deleted/])
    assert.match((await client.line()) ?? '', answer)
  assert.equal(await client.line(), '+OK Bye, 1 deleted')
  assert.equal(await client.line(), undefined)
  assert.equal(await server.count(), 2)
})

test('a client that closes its side without QUIT is answered, and deletes nothing', async () => {
  await using server = await TestPop3Server.start({ messages })
  const client = new TestClient(await server.connect())
  client.socket.end('USER ann@example.org\r\nPASS secret\r\nDELE 2\r\nSTAT\r\n')
  for (const answer of [/POP3 ready$/, /password$/, /^\+OK 3/, /^\+OK Deleted/])
    assert.match((await client.line()) ?? '', answer)
  assert.equal(await client.line(), '+OK 2 40')
  assert.equal(await client.line(), undefined)
  assert.equal(await server.count(), 3)
})

for (const reason of ['full', 'read-only', 'failed'] as const) {
  test(`QUIT says so when nothing could be removed: ${reason}`, async () => {
    const store = openMemoryStore({ failing: (_, kind) => (kind === 'applyMaildrop' ? reason : undefined) })
    await using server = await TestPop3Server.start({ messages, store })
    const client = await new TestClient(await server.connect()).login()
    client.send('DELE 1', 'QUIT')
    await client.line()
    assert.equal(await client.line(), '-ERR [SYS/TEMP] Some deleted messages were not removed')
    assert.equal(await client.line(), undefined)
    assert.equal(await server.count(), 3)
    assert.equal(server.registry.maildrops.size, 0)
  })
}

test('QUIT is well when only the note of a download could not be written', async () => {
  const store = openMemoryStore({ failing: (_, kind) => (kind === 'applyMaildrop' ? 'full' : undefined) })
  await using server = await TestPop3Server.start({ messages, store })
  const client = await new TestClient(await server.connect()).login()
  client.send('TOP 1 0', 'RETR 1', 'QUIT')
  const lines: string[] = []
  for (let line = await client.line(); line !== undefined; line = await client.line()) lines.push(line)
  assert.equal(lines.at(-1), '+OK Bye')
})

test('the maildrop is free when QUIT is answered', async () => {
  await using server = await TestPop3Server.start({ messages })
  for (let times = 0; times < 20; times += 1) {
    const client = await new TestClient(await server.connect()).login()
    assert.match((await client.ask('QUIT')) ?? '', /^\+OK/)
    assert.equal(server.registry.maildrops.size, 0)
    client.socket.destroy()
  }
})

test('a service that stops ends sessions without UPDATE, and waits for them', async () => {
  const server = await TestPop3Server.start({ messages })
  const client = await new TestClient(await server.connect()).login()
  assert.equal(await client.ask('DELE 1'), '+OK Deleted at QUIT')
  await server.service[Symbol.asyncDispose]()
  assert.equal(await client.line(), undefined)
  assert.equal(server.registry.connections.size, 0)
  assert.equal(await server.count(), 3)
  await server[Symbol.asyncDispose]()
})

test('connections are refused with a reason', async () => {
  await using server = await TestPop3Server.start()
  server.registry.connectRefusal = { kind: 'too-many-from-address', limit: 3 }
  const client = new TestClient(await server.connect())
  assert.equal(await client.line(), '-ERR [SYS/TEMP] Too many connections from your address')
  assert.equal(await client.line(), undefined)
})

test('deadlines: a minute of silence before the login, ten after it', async () => {
  await using server = await TestPop3Server.start()
  const silent = new TestClient(await server.connect())
  await silent.line()
  const client = await new TestClient(await server.connect()).login()
  server.pass(60_000)
  assert.equal(await silent.line(), undefined)
  server.pass(539_000)
  assert.equal(await client.ask('NOOP'), '+OK')
  server.pass(599_000)
  assert.equal(await client.ask('NOOP'), '+OK')
  server.pass(600_000)
  assert.equal(await client.line(), undefined)
})
