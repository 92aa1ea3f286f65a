import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pop3Policy } from '#mail/pop3-policy.ts'
import { SEEN } from '#store/flags.ts'
import { TestPop3Server, type TestServerOptions } from '#testing/pop3-server.ts'
import { TestClient } from '#testing/pop3-transcript.ts'

const messages = ['Subject: one\r\n\r\n1\r\n', 'Subject: two\r\n\r\n2\r\n', 'Subject: three\r\n\r\n3\r\n']

async function start(policy: Pop3Policy, options: TestServerOptions = {}): Promise<TestPop3Server> {
  const server = await TestPop3Server.start({ messages, ...options })
  server.registry.pop3 = { policy, loginDelaySeconds: 0 }
  return server
}

async function retrieve(client: TestClient, number: number): Promise<void> {
  assert.match((await client.ask(`RETR ${number}`)) ?? '', /^\+OK/)
  await client.multiline()
}

/** Logs in, does what is asked, and quits. */
async function session(server: TestPop3Server, work: (client: TestClient) => Promise<void>): Promise<string> {
  const client = await new TestClient(await server.connect()).login()
  await work(client)
  return (await client.ask('QUIT')) ?? ''
}

async function uidsOf(server: TestPop3Server): Promise<readonly number[]> {
  return Array.from((await server.store.messages(server.account, server.inbox, 0)).uids)
}

async function capa(client: TestClient): Promise<readonly string[]> {
  assert.match((await client.ask('CAPA')) ?? '', /^\+OK/)
  return (await client.multiline()).filter((line) => /^(?:EXPIRE|LOGIN-DELAY)/.test(line))
}

test('policy client: what is downloaded stays; the client deletes', async () => {
  await using server = await start({ kind: 'client' })
  assert.equal(await session(server, (client) => retrieve(client, 1)), '+OK Bye')
  assert.deepEqual(await uidsOf(server), [1, 2, 3])
})

test('policy delete: what was downloaded goes at QUIT, and only then', async () => {
  await using server = await start({ kind: 'delete' })
  const client = await new TestClient(await server.connect()).login()
  await retrieve(client, 1)
  client.socket.destroy()
  await new Promise((resolve) => client.socket.once('close', resolve))
  assert.deepEqual(await uidsOf(server), [1, 2, 3])
  const end = await session(server, async (again) => {
    assert.deepEqual(await capa(again), ['EXPIRE 0'])
    await retrieve(again, 3)
    assert.match((await again.ask('TOP 2 0')) ?? '', /^\+OK/)
    await again.multiline()
    await again.ask('DELE 1')
    await again.ask('RSET')
  })
  assert.equal(end, '+OK Bye, 1 deleted')
  assert.deepEqual(await uidsOf(server), [1, 2])
})

test('policy keep: messages go so many days after their first download, at a login', async () => {
  await using server = await start({ kind: 'keep', days: 2 })
  const day = 86_400_000
  await session(server, (client) => retrieve(client, 1))
  server.pass(day)
  await session(server, async (client) => {
    assert.deepEqual(await capa(client), ['EXPIRE 2'])
    await retrieve(client, 1)
    await retrieve(client, 2)
  })
  server.pass(day - 1)
  await session(server, async (client) => assert.equal(await client.ask('STAT'), '+OK 3 59'))
  server.pass(1)
  await session(server, async (client) => {
    assert.equal(await client.ask('STAT'), '+OK 2 40')
    assert.match((await client.ask('UIDL 1')) ?? '', /00000002$/)
    assert.deepEqual(await uidsOf(server), [2, 3])
  })
  server.pass(day)
  server.registry.pop3 = { policy: { kind: 'client' }, loginDelaySeconds: 0 }
  await session(server, async (client) => assert.equal(await client.ask('STAT'), '+OK 2 40'))
})

test('policy read-only: DELE is refused, and nothing is marked', async () => {
  await using server = await start({ kind: 'read-only' }, { pop3: { markSeen: true, language: 'en' } })
  const before = await server.store.state(server.account)
  const end = await session(server, async (client) => {
    assert.deepEqual(await capa(client), ['EXPIRE NEVER'])
    await retrieve(client, 1)
    assert.equal(await client.ask('DELE 1'), '-ERR [SYS/PERM] This maildrop is read-only')
    assert.equal(await client.ask('DELE 9'), '-ERR No such message')
  })
  assert.equal(end, '+OK Bye')
  assert.deepEqual(await server.store.state(server.account), before)
})

for (const markSeen of [true, false])
  test(`downloaded messages ${markSeen ? 'get' : 'do not get'} \\Seen at QUIT with mark_seen = ${markSeen}`, async () => {
    await using server = await start({ kind: 'client' }, { pop3: { markSeen, language: 'en' } })
    await session(server, async (client) => {
      await retrieve(client, 1)
      await retrieve(client, 2)
      await client.ask('DELE 1')
    })
    const { uids, flags } = await server.store.messages(server.account, server.inbox, 0)
    assert.deepEqual(Array.from(uids), [2, 3])
    assert.deepEqual(
      Array.from(flags, (bits) => (bits & SEEN) !== 0),
      [markSeen, false],
    )
  })

test('CAPA tells the strictest of anybody before the login, and where people differ (RFC 2449 §6.5, §6.7)', async () => {
  await using server = await start({ kind: 'keep', days: 30 })
  const client = new TestClient(await server.connect())
  await client.line()
  assert.deepEqual(await capa(client), ['EXPIRE NEVER'])
  server.registry.announcement = {
    loginDelaySeconds: 900,
    loginDelayByUser: true,
    retentionDays: 0,
    retentionByUser: true,
  }
  assert.deepEqual(await capa(client), ['EXPIRE 0 USER', 'LOGIN-DELAY 900 USER'])
  await client.ask('USER ann@example.org')
  await client.ask('PASS secret')
  assert.deepEqual(await capa(client), ['EXPIRE 30', 'LOGIN-DELAY 0'])
  client.socket.destroy()
})

test('a login too early is -ERR [LOGIN-DELAY] (RFC 2449 §8.1.1)', async () => {
  await using server = await start({ kind: 'client' })
  server.registry.maildropRefusal = { kind: 'too-early', retryAfterMs: 1_500 }
  const client = new TestClient(await server.connect())
  await client.line()
  await client.ask('USER ann@example.org')
  assert.equal(await client.ask('PASS secret'), '-ERR [LOGIN-DELAY] Too early, wait 2 s')
  assert.equal(await client.ask('STAT'), '-ERR Log in first')
  client.socket.destroy()
})
