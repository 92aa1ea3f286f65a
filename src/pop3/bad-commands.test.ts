import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { pop3Transcript, TestClient } from '#testing/pop3-transcript.ts'

test('three bad commands in a row before the login end the connection', async () => {
  await using server = await TestPop3Server.start()
  await pop3Transcript(
    `
    S: +OK ...
    C: GET / HTTP/1.1
    S: -ERR Unknown command
    C: USER ann@example.org
    S: +OK Now the password
    C: Host: mail
    S: -ERR Unknown command
    C:
    S: -ERR Unknown command
    C: NO\\0OP
    S: -ERR A control character is in the command
    S: -ERR Too many bad commands, goodbye
    S: <closed>
    `,
    server,
  )
})

test('ten bad commands in a row after the login end the connection, nine do not', async () => {
  await using server = await TestPop3Server.start({ messages: ['a: b\r\n\r\n'] })
  const client = await new TestClient(await server.connect()).login()
  for (let times = 0; times < 9; times += 1) assert.equal(await client.ask('XYZZY'), '-ERR Unknown command')
  assert.equal(await client.ask('NOOP'), '+OK')
  client.send('DELE 1', ...Array<string>(12).fill('LAST'))
  assert.equal(await client.line(), '+OK Deleted at QUIT')
  for (let times = 0; times < 10; times += 1) assert.equal(await client.line(), '-ERR Unknown command')
  assert.equal(await client.line(), '-ERR Too many bad commands, goodbye')
  assert.equal(await client.line(), undefined)
  assert.equal(await server.count(), 1)
})

test('a refusal is no bad command', async () => {
  await using server = await TestPop3Server.start()
  const client = await new TestClient(await server.connect()).login()
  for (let times = 0; times < 20; times += 1) assert.equal(await client.ask('RETR 1'), '-ERR No such message')
  client.socket.destroy()
})

test('a line that never ends is dropped, and the connection goes on', async () => {
  await using server = await TestPop3Server.start()
  const client = await new TestClient(await server.connect()).login()
  const before = process.memoryUsage().arrayBuffers
  for (let times = 0; times < 200; times += 1) {
    if (!client.socket.write('x'.repeat(65_536))) await new Promise((resolve) => client.socket.once('drain', resolve))
  }
  assert.ok(process.memoryUsage().arrayBuffers - before < 20_000_000)
  client.send('', 'NOOP')
  assert.equal(await client.line(), '-ERR The command is too long')
  assert.equal(await client.line(), '+OK')
  client.socket.destroy()
})

test('bare LFs end commands too', async () => {
  await using server = await TestPop3Server.start()
  const client = new TestClient(await server.connect())
  await client.line()
  client.socket.write('USER ann@example.org\nPASS secret\nSTAT\n')
  assert.equal(await client.line(), '+OK Now the password')
  assert.equal(await client.line(), '+OK 0 messages (0 octets)')
  assert.equal(await client.line(), '+OK 0 0')
  client.socket.destroy()
})

test('an AUTH exchange takes long lines, and refuses longer ones', async () => {
  await using server = await TestPop3Server.start()
  const client = new TestClient(await server.connect())
  await client.line()
  assert.equal(await client.ask('AUTH PLAIN'), '+ ')
  assert.equal(await client.ask('A'.repeat(60_000)), '-ERR The answer is not what the mechanism wants')
  assert.equal(await client.ask('AUTH PLAIN'), '+ ')
  assert.equal(await client.ask('A'.repeat(70_000)), '-ERR The answer is too long')
  assert.equal(await client.ask(`AUTH PLAIN ${'A'.repeat(70_000)}`), '-ERR The command is too long')
  client.socket.destroy()
})
