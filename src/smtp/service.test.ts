import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { test } from 'node:test'
import { uidSetOf } from '#mail/uid-set.ts'
import { PASSWORD, type SmtpClient, type SmtpServerOptions, TestSmtpServer } from '#testing/smtp-server.ts'

async function talk(
  options: SmtpServerOptions,
  work: (client: SmtpClient, server: TestSmtpServer) => Promise<void>,
): Promise<void> {
  await using server = await TestSmtpServer.start(options)
  const client = await server.connect()
  try {
    assert.match(await client.reply(), /^220 mail\.example\.org E?[SL]MTP/)
    await work(client, server)
  } finally {
    client.close()
  }
}

const plain = (login: string, password: string) => Buffer.from(`\0${login}\0${password}`).toString('base64')

test('port 25 takes mail for local people and refuses the rest with enhanced codes', () =>
  talk({ role: 'mx' }, async (client, server) => {
    const hello = await client.say('EHLO mx.example.net')
    for (const keyword of ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES', 'STARTTLS', 'SIZE 50000000'])
      assert.match(hello, new RegExp(`[- ]${keyword}$`, 'm'))
    assert.doesNotMatch(hello, /AUTH/)
    assert.match(await client.say('MAIL FROM:<someone@example.net>'), /^250 2\.1\.0/)
    assert.match(await client.say('RCPT TO:<nobody@example.org>'), /^550 5\.1\.1 No such user here$/)
    assert.match(await client.say('RCPT TO:<someone@example.com>'), /^550 5\.7\.1 .*relay/)
    assert.match(await client.say('DATA'), /^503 /)
    assert.match(await client.say('RCPT TO:<ANN+lists@Example.ORG>'), /^250 2\.1\.5/)
    assert.match(await client.say('DATA'), /^354 /)
    client.send('Subject: hi\r\n\r\n..dot\r\n.\r\n')
    assert.match(await client.reply(), /^250 2\.0\.0 Kept as c1\.1$/)
    assert.equal(await server.messages(server.ann), 1)
    assert.match(await client.say('QUIT'), /^221 /)
  }))

test('postmaster is always accepted', () =>
  talk({ role: 'mx' }, async (client) => {
    await client.say('EHLO mx.example.net')
    await client.say('MAIL FROM:<>')
    assert.match(await client.say('RCPT TO:<postmaster@example.org>'), /^250 /)
    assert.match(await client.say('RCPT TO:<Postmaster>'), /^250 /)
  }))

test('bare line ends on port 25 are refused: nothing is smuggled', () =>
  talk({ role: 'mx' }, async (client, server) => {
    await client.say('EHLO mx.example.net')
    for (const smuggled of ['a\n.\nMAIL FROM:<x@y>\r\n', 'a\r.\rb\r\n', 'one\ntwo\r\n']) {
      await client.say('MAIL FROM:<someone@example.net>')
      await client.say('RCPT TO:<ann@example.org>')
      await client.say('DATA')
      client.send(`Subject: x\r\n\r\n${smuggled}.\r\n`)
      assert.match(await client.reply(), /^550 5\.5\.2 /)
    }
    assert.equal(await server.messages(server.ann), 0)
  }))

test('LMTP answers for each recipient', () =>
  talk({ role: 'lmtp', bobLimit: 2_000 }, async (client, server) => {
    assert.match(await client.say('EHLO x'), /^500 /)
    await client.say('LHLO mta.example.org')
    await client.say('MAIL FROM:<someone@example.net>')
    for (const address of ['ann@example.org', 'bob@example.org', 'team@example.org'])
      assert.match(await client.say(`RCPT TO:<${address}>`), /^250 /)
    await client.say('DATA')
    client.send(`Subject: big\r\n\r\n${'x'.repeat(2_000)}\r\n.\r\n`)
    assert.match(await client.reply(), /^250 2\.0\.0 /)
    assert.match(await client.reply(), /^452 4\.2\.2 /)
    assert.match(await client.reply(), /^452 4\.2\.2 /)
    assert.equal(await server.messages(server.ann), 1)
    assert.equal(await server.messages(server.bob), 0)
  }))

test('a full mailbox is refused at RCPT already, as is an announced size', () =>
  talk({ role: 'mx', bobLimit: 1_000 }, async (client) => {
    await client.say('EHLO mx.example.net')
    await client.say('MAIL FROM:<someone@example.net> SIZE=5000')
    assert.match(await client.say('RCPT TO:<bob@example.org>'), /^452 4\.2\.2 /)
    assert.match(await client.say('RCPT TO:<ann@example.org>'), /^250 /)
    await client.say('RSET')
    assert.match(await client.say('MAIL FROM:<someone@example.net> SIZE=60000000'), /^552 5\.3\.4 /)
  }))

test('a message over the limit is refused after DATA', () =>
  talk({ role: 'mx', messageBytes: 65_536 }, async (client, server) => {
    await client.say('EHLO mx.example.net')
    await client.say('MAIL FROM:<someone@example.net>')
    await client.say('RCPT TO:<ann@example.org>')
    await client.say('DATA')
    client.send(`Subject: big\r\n\r\n${'x'.repeat(100_000)}\r\n.\r\n`)
    assert.match(await client.reply(), /^552 5\.3\.4 /)
    assert.equal(await server.messages(server.ann), 0)
  }))

test('submission wants TLS, then a login, and relays nowhere', () =>
  talk({ role: 'submission' }, async (client, server) => {
    const hello = await client.say('EHLO laptop')
    assert.match(hello, /STARTTLS/)
    assert.match(await client.say('MAIL FROM:<ann@example.org>'), /^530 5\.7\.0 Authentication required$/)
    assert.match(await client.say(`AUTH PLAIN ${plain('ann@example.org', PASSWORD)}`), /^538 5\.7\.11 /)
    assert.match(await client.say('STARTTLS'), /^220 /)
    await client.startTls()
    assert.match(await client.say('EHLO laptop'), /AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN/)
    assert.match(await client.say('AUTH CRAM-MD5'), /^504 /)
    assert.match(await client.say(`AUTH PLAIN ${plain('ann@example.org', 'wrong')}`), /^535 5\.7\.8 /)
    assert.match(await client.say('AUTH LOGIN'), /^334 VXNlcm5hbWU6$/i)
    assert.match(await client.say('*'), /^501 5\.7\.0 Authentication cancelled$/)
    assert.match(await client.say('AUTH PLAIN'), /^334/)
    assert.match(await client.say(plain('ann@example.org', PASSWORD)), /^235 2\.7\.0 /)
    assert.match(await client.say('AUTH PLAIN'), /^503 /)
    assert.match(await client.say('MAIL FROM:<ann@example.org>'), /^250 /)
    assert.match(await client.say('RCPT TO:<someone@example.com>'), /^550 5\.7\.1 .*does not send/)
    assert.match(await client.say('RCPT TO:<bob@example.org>'), /^250 /)
    assert.match(await client.say('DATA'), /^354 /)
    client.send('Subject: bare\nfrom a phone\n\ntext\n\r\n.\r\n')
    assert.match(await client.reply(), /^250 /)
    assert.equal(await server.messages(server.bob), 1)
    const bob = server.bob
    assert.ok(bob)
    const inbox = await server.store.mailboxByName(bob, 'INBOX')
    assert.ok(inbox)
    const page = await server.store.messages(bob, inbox.key, 0)
    for await (const [row] of server.store.emails(bob, inbox.key, uidSetOf(page.uids), 0)) {
      assert.ok(row)
      const trace = Buffer.from(row.trace).toString('latin1')
      assert.match(
        trace,
        /^Return-Path: <ann@example\.org>\r\nDelivered-To: bob@example\.org\r\nReceived: from laptop \(\[127\.0\.0\.1\]\)\r\n\t\(TLSv1\.3 [A-Z0-9_]+\)\r\n\tby mail\.example\.org \(Malle\) with ESMTPSA id c1\.\d+\r\n/,
      )
    }
  }))

test('what is pipelined behind STARTTLS in plaintext is never carried out', () =>
  talk({ role: 'submission' }, async (client) => {
    await client.say('EHLO laptop')
    client.send('STARTTLS\r\nNOOP injected\r\nNOOP\r\n')
    assert.match(await client.reply(), /^220 /)
    await client.startTls()
    assert.match(await client.say('NOOP'), /^250 /)
    assert.match(await client.say('MAIL FROM:<ann@example.org>'), /^503 .*first$/)
  }))

test('a client that closes its side after STARTTLS is let go at once, not when the handshake is overdue', () =>
  talk({ role: 'submission' }, async (client) => {
    await client.say('EHLO laptop')
    assert.match(await client.say('STARTTLS'), /^220 /)
    const closed = performance.now()
    client.socket.end()
    assert.equal(await client.reply(), '<closed>')
    assert.ok(performance.now() - closed < 5_000)
  }))

test('SCRAM-SHA-256 works with an app password over submission', () =>
  talk({ role: 'submission', allowPlaintext: true }, async (client, server) => {
    const made = await server.accounts.addAppPassword('ann@example.org', 'phone', ['smtp'])
    assert.ok(made.ok)
    await client.say('EHLO phone')
    const bare = 'n=ann@example.org,r=abcdefghijklmnop'
    const first = await client.say(`AUTH SCRAM-SHA-256 ${Buffer.from(`n,,${bare}`).toString('base64')}`)
    const serverFirst = Buffer.from(first.slice(4), 'base64').toString()
    const [, nonce, salt, rounds] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst) ?? []
    assert.ok(nonce !== undefined && salt !== undefined && rounds !== undefined, first)
    const salted = pbkdf2Sync(made.value.password, Buffer.from(salt, 'base64'), Number(rounds), 32, 'sha256')
    const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
    const clientKey = hmac(salted, 'Client Key')
    const final = `c=biws,r=${nonce}`
    const signature = hmac(createHash('sha256').update(clientKey).digest(), `${bare},${serverFirst},${final}`)
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)))
    const second = await client.say(Buffer.from(`${final},p=${proof.toString('base64')}`).toString('base64'))
    assert.match(second, /^334 /)
    assert.match(Buffer.from(second.slice(4), 'base64').toString(), /^v=/)
    assert.match(await client.say(''), /^235 /)
  }))

test('a client that vanishes in mid-message leaves nothing, and the server goes on', () =>
  talk({ role: 'mx' }, async (client, server) => {
    await client.say('EHLO mx.example.net')
    await client.say('MAIL FROM:<someone@example.net>')
    await client.say('RCPT TO:<ann@example.org>')
    await client.say('DATA')
    client.send(`Subject: cut\r\n\r\n${'x'.repeat(10_000)}`)
    client.close()
    const other = await server.connect()
    assert.match(await other.reply(), /^220 /)
    other.close()
    assert.equal(await server.messages(server.ann), 0)
  }))
