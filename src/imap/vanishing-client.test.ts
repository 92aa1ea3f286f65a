import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ImapLines } from '#testing/imap-client.ts'
import { SMALL_MESSAGE, TestImapServer } from '#testing/imap-server.ts'
import { connected, loggedIn, transcript } from '#testing/transcript.ts'

async function messages(server: TestImapServer): Promise<number | undefined> {
  return (await server.store.mailboxByName(server.account, 'INBOX'))?.messages
}

test('a client that vanishes in the middle of APPEND leaves nothing behind', async () => {
  const command = `a APPEND INBOX {${SMALL_MESSAGE.length}+}\r\n${SMALL_MESSAGE} {9+}\r\nA: b\r\n\r\nc`
  for (const cut of [10, 40, 60, command.length - 5, command.length]) {
    await using server = await TestImapServer.start()
    const lines = new ImapLines(await server.connect())
    await lines.line()
    await lines.command('l LOGIN ann@example.org secret')
    lines.send(command.slice(0, cut))
    await lines.unread()
    lines.reset()
    await lines.unread()
    assert.equal(server.service.size, 0, `the session is still there, cut at ${cut}`)
    assert.equal(server.registry.connections.size, 0)
    assert.equal(await messages(server), 0)
    assert.deepEqual(
      server.log.lines.filter(({ level }) => level !== 'debug' && level !== 'info'),
      [],
    )
  }
})

test('commands that came before the client closed its side are answered', () =>
  transcript(
    `
    C: a NOOP
    C: b CAPABILITY
    C: c LIST "" ""
    C: <end>
    S: a OK Nothing done
    S: * CAPABILITY ...
    S: b OK That is all
    S: * LIST (\\Noselect) "/" ""
    S: c OK That is the separator
    S: <closed>
    `,
    loggedIn(),
  ))

test('a real socket that is half closed is answered too, and a reset is noticed', async () => {
  await using server = await TestImapServer.start({ tls: true })
  const half = new ImapLines(await server.connect())
  half.send('a LOGIN ann@example.org secret\r\nb STATUS INBOX (MESSAGES)\r\nc NOOP\r\n')
  half.end()
  const heard: (string | undefined)[] = []
  for (let line = await half.line(); line !== undefined; line = await half.line()) heard.push(line)
  assert.deepEqual(heard.slice(2), ['* STATUS INBOX (MESSAGES 0)', 'b OK That is the status', 'c OK Nothing done'])
  const gone = new ImapLines(await server.connect())
  await gone.line()
  gone.reset()
  while (server.service.size > 0) await gone.unread()
  assert.equal(server.registry.connections.size, 0)
})

test('a client that vanishes while it idles is forgotten', async () => {
  await using server = await TestImapServer.start()
  const lines = new ImapLines(await server.connect())
  await lines.line()
  await lines.command('l LOGIN ann@example.org secret')
  lines.send('a IDLE\r\n')
  assert.equal(await lines.line(), '+ Idling')
  lines.reset()
  await lines.unread()
  assert.equal(server.service.size, 0)
})

test('silence ends the session: 60 s before the login, 30 minutes after', async () => {
  await transcript(
    `
    S: ...
    T: 59000
    C: a NOOP
    S: a OK Nothing done
    T: 59000
    T: 2000
    S: * BYE Nothing was heard for too long
    S: <closed>
    `,
    connected(),
  )
  await transcript(
    `
    C: a NOOP
    S: a OK Nothing done
    T: 1799000
    C: b NOOP
    S: b OK Nothing done
    T: 1801000
    S: * BYE Nothing was heard for too long
    S: <closed>
    `,
    loggedIn(),
  )
})

test('nobody stays for long without a login, however busy', () => {
  const busy = Array.from({ length: 7 }, (_, n) => `C: a${n} NOOP\nS: a${n} OK Nothing done\nT: 45000`).join('\n')
  return transcript(`S: ...\n${busy}\nS: * BYE Nothing was heard for too long\nS: <closed>`, connected())
})

test('the registry can refuse a connection and end one', async () => {
  await using server = await TestImapServer.start()
  const kicked = new ImapLines(await server.connect())
  await kicked.line()
  server.registry.connectRefusal = { kind: 'too-many-connections', limit: 1 }
  const refused = new ImapLines(await server.connect())
  assert.equal(await refused.line(), '* BYE [UNAVAILABLE] Too many connections, try again later')
  assert.equal(await refused.line(), undefined)
  server.registry.order({ kind: 'close', why: 'kicked' })
  assert.equal(await kicked.line(), '* BYE Disconnected by the administrator')
  assert.equal(await kicked.line(), undefined)
})

test('a server that stops says BYE to everyone', async () => {
  const server = await TestImapServer.start()
  const lines = new ImapLines(await server.connect())
  await lines.line()
  await lines.command('l LOGIN ann@example.org secret')
  lines.send('a IDLE\r\n')
  await lines.line()
  const stopped = server[Symbol.asyncDispose]()
  assert.equal(await lines.line(), '* BYE The server is stopping')
  assert.equal(await lines.line(), undefined)
  lines.end()
  await stopped
})
