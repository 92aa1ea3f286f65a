import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { pop3Transcript, TestClient } from '#testing/pop3-transcript.ts'

const messages = ['Subject: one\r\n\r\n1\r\n', 'Subject: two\r\n\r\n2\r\n']

test('a second login finds the maildrop in use until the first one quits', async () => {
  await using server = await TestPop3Server.start({ messages })
  await pop3Transcript(
    `
    1S: +OK ...
    1C: USER ann@example.org
    1C: PASS secret
    1S: +OK Now the password
    1S: +OK 2 messages (38 octets)
    1C: DELE 1
    1S: +OK Deleted at QUIT
    2S: +OK ...
    2C: USER ann@example.org
    2C: PASS secret
    2S: +OK Now the password
    2S: -ERR [IN-USE] The maildrop is in use by another session
    2C: STAT
    2S: -ERR Log in first
    1C: QUIT
    1S: +OK Bye, 1 deleted
    1S: <closed>
    2C: AUTH PLAIN AGFubkBleGFtcGxlLm9yZwBzZWNyZXQ=
    2S: +OK 1 message (19 octets)
    2C: QUIT
    2S: +OK Bye
    `,
    server,
  )
})

test('a session silent for a minute gives its maildrop up, and deletes nothing', async () => {
  await using server = await TestPop3Server.start({ messages })
  const first = await new TestClient(await server.connect()).login()
  assert.equal(await first.ask('DELE 1'), '+OK Deleted at QUIT')
  server.pass(59_000)
  const second = new TestClient(await server.connect())
  await second.line()
  await second.ask('USER ann@example.org')
  assert.equal(await second.ask('PASS secret'), '-ERR [IN-USE] The maildrop is in use by another session')
  server.pass(1_000)
  await second.ask('USER ann@example.org')
  assert.equal(await second.ask('PASS secret'), '+OK 2 messages (38 octets)')
  first.send('QUIT')
  assert.equal(await first.line(), undefined)
  assert.equal(await server.count(), 2)
  assert.equal(server.registry.maildrops.size, 1)
  second.socket.destroy()
})

test('a session that speaks keeps its maildrop', async () => {
  await using server = await TestPop3Server.start({ messages })
  const first = await new TestClient(await server.connect()).login()
  server.pass(50_000)
  assert.equal(await first.ask('NOOP'), '+OK')
  server.pass(50_000)
  const second = new TestClient(await server.connect())
  await second.line()
  await second.ask('USER ann@example.org')
  assert.equal(await second.ask('PASS secret'), '-ERR [IN-USE] The maildrop is in use by another session')
  assert.equal(await first.ask('STAT'), '+OK 2 38')
  first.socket.destroy()
  second.socket.destroy()
})

test('a login whose maildrop cannot be opened leaves it free', async () => {
  await using server = await TestPop3Server.start({ messages })
  const mailboxByName = server.store.mailboxByName.bind(server.store)
  server.store.mailboxByName = () => Promise.reject(new Error('The disk is on fire'))
  const client = new TestClient(await server.connect())
  await client.line()
  await client.ask('USER ann@example.org')
  assert.equal(await client.ask('PASS secret'), '-ERR [SYS/TEMP] The maildrop cannot be opened now')
  assert.equal(server.registry.maildrops.size, 0)
  server.store.mailboxByName = mailboxByName
  await client.ask('USER ann@example.org')
  assert.equal(await client.ask('PASS secret'), '+OK 2 messages (38 octets)')
  client.socket.destroy()
})
