import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ImapLines } from '#testing/imap-client.ts'
import { TestImapServer } from '#testing/imap-server.ts'
import { connected, transcript } from '#testing/transcript.ts'

const tls = { tls: true, allowPlaintext: false } as const

test('STARTTLS turns TLS on, after which logins are possible', () =>
  transcript(
    `
    S: * OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE LANGUAGE STARTTLS LOGINDISABLED AUTH=SCRAM-SHA-256] ...
    C: a LOGIN ann@example.org secret
    S: a NO [PRIVACYREQUIRED] Use TLS before you log in
    C: b AUTHENTICATE PLAIN
    S: b NO [PRIVACYREQUIRED] Use TLS before you log in
    C: c STARTTLS
    S: c OK Begin TLS now
    C: <tls>
    C: d CAPABILITY
    S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE LANGUAGE AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256 AUTH=PLAIN AUTH=LOGIN
    S: d OK That is all
    C: e STARTTLS
    S: e BAD TLS is on already
    C: f LOGIN ann@example.org secret
    S: f OK ...
    `,
    connected(tls),
  ))

test('what was slipped in behind STARTTLS in the clear is never run', async () => {
  await using server = await TestImapServer.start({ ...tls, allowPlaintext: true })
  const lines = new ImapLines(await server.connect())
  await lines.line()
  lines.send('a STARTTLS\r\nb LOGIN ann@example.org secret\r\nc CREATE Injected\r\n')
  assert.equal(await lines.line(), 'a OK Begin TLS now')
  await lines.secure()
  assert.deepEqual(await lines.command('d NOOP'), ['d OK Nothing done'])
  assert.deepEqual(server.registry.attempts, [])
  lines.reset()
})

test('half a command before STARTTLS does not go on behind it', async () => {
  await using server = await TestImapServer.start(tls)
  const lines = new ImapLines(await server.connect())
  await lines.line()
  lines.send('a STARTTLS\r\nb LOGIN ann@example.org ')
  await lines.line()
  await lines.secure()
  assert.deepEqual(await lines.command('c NOOP'), ['c OK Nothing done'])
  lines.reset()
})

test('a handshake that is none ends the connection', async () => {
  await using server = await TestImapServer.start(tls)
  const lines = new ImapLines(await server.connect())
  await lines.line()
  lines.send('a STARTTLS\r\n')
  await lines.line()
  lines.send('b NOOP\r\n')
  // An alert may come, in bytes that are no text.
  for (let line = await lines.line(); line !== undefined; line = await lines.line());
  await lines.unread()
  assert.equal(server.service.size, 0)
  assert.deepEqual(
    server.log.lines.filter(({ level }) => level === 'error'),
    [],
  )
})

test('a client that closes its side after STARTTLS is let go at once, not when the handshake is overdue', async () => {
  for (const hello of ['', '\x16\x03\x01\x02\x00']) {
    await using server = await TestImapServer.start(tls)
    const socket = await server.connect()
    const lines = new ImapLines(socket)
    await lines.line()
    lines.send('a STARTTLS\r\n')
    assert.equal(await lines.line(), 'a OK Begin TLS now')
    const closed = performance.now()
    socket.end(Buffer.from(hello, 'latin1'))
    while ((await lines.line()) !== undefined);
    await lines.unread()
    assert.ok(performance.now() - closed < 5_000)
    assert.equal(server.service.size, 0)
  }
})

test('without a certificate there is no STARTTLS', () =>
  transcript(
    `
    S: * OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE LANGUAGE LOGINDISABLED AUTH=SCRAM-SHA-256] ...
    C: a STARTTLS
    S: a NO There is no certificate for TLS
    `,
    connected({ allowPlaintext: false }),
  ))
