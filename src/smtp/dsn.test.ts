import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PASSWORD, type SmtpClient, TestSmtpServer } from '#testing/smtp-server.ts'

const TOKEN = Buffer.from(`\0ann@example.org\0${PASSWORD}`).toString('base64')

async function submitting(work: (client: SmtpClient, server: TestSmtpServer) => Promise<void>): Promise<void> {
  await using server = await TestSmtpServer.start({ role: 'submission', allowPlaintext: true })
  const client = await server.connect()
  try {
    await client.reply()
    await client.say('EHLO laptop')
    assert.match(await client.say(`AUTH PLAIN ${TOKEN}`), /^235 /)
    await work(client, server)
  } finally {
    client.close()
  }
}

/** Sends one message; the last reply. */
async function send(client: SmtpClient, from: string, ...recipients: readonly string[]): Promise<string> {
  assert.match(await client.say(`MAIL FROM:${from}`), /^250 /)
  for (const recipient of recipients) assert.match(await client.say(`RCPT TO:${recipient}`), /^250 /)
  await client.say('DATA')
  client.send('Subject: lunch\r\nMessage-ID: <lunch@laptop>\r\n\r\nsecret text\r\n.\r\n')
  return client.reply()
}

test('NOTIFY=SUCCESS puts a report of delivery into the sender’s mailbox (RFC 3461 §6, RFC 3464)', () =>
  submitting(async (client, server) => {
    const reply = await send(
      client,
      '<ann@example.org> RET=FULL ENVID=QQ+3D314',
      '<bob@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Bob+2Bx@example.com',
      '<team@example.org> NOTIFY=SUCCESS',
      '<bob+lists@example.org> NOTIFY=FAILURE',
    )
    assert.match(reply, /^250 2\.0\.0 /)
    const [report, ...rest] = (await server.texts(server.ann)).filter((text) => text.startsWith('Return-Path: <>'))
    assert.deepEqual(rest, [])
    assert.ok(report)
    for (const line of [
      'To: <ann@example.org>',
      'From: Malle <postmaster@example.org>',
      'Auto-Submitted: auto-replied',
      'Content-Type: message/delivery-status',
      'Original-Envelope-Id: QQ=314',
      'Reporting-MTA: dns; mail.example.org',
    ])
      assert.ok(report.includes(`\r\n${line}\r\n`), line)
    assert.match(report, /Content-Type: multipart\/report; report-type=delivery-status;/)
    assert.ok(
      report.includes(
        '\r\n\r\nOriginal-Recipient: rfc822; Bob+x@example.com\r\nFinal-Recipient: rfc822; bob@example.org\r\n' +
          'Action: delivered\r\nStatus: 2.0.0\r\n\r\nFinal-Recipient: rfc822; team@example.org\r\n' +
          'Action: expanded\r\nStatus: 2.0.0\r\n\r\n',
      ),
      report,
    )
    assert.ok(report.includes('\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: lunch\r\n'))
    assert.doesNotMatch(report, /bob\+lists|secret text/)
    const boundary = /boundary="([^"]+)"/.exec(report)?.[1]
    assert.equal(report.split(`--${boundary}\r\n`).length, 4)
    assert.ok(report.endsWith(`--${boundary}--\r\n`))
  }))

test('nothing is reported of NOTIFY=NEVER, of none, to the null sender, or of mail that was refused', () =>
  submitting(async (client, server) => {
    assert.match(await send(client, '<ann@example.org>', '<bob@example.org> NOTIFY=NEVER'), /^250 /)
    assert.match(await send(client, '<ann@example.org> ENVID=x', '<bob@example.org>'), /^250 /)
    assert.match(await send(client, '<>', '<bob@example.org> NOTIFY=SUCCESS'), /^250 /)
    await client.say('MAIL FROM:<ann@example.org>')
    assert.match(await client.say('RCPT TO:<nobody@example.org> NOTIFY=SUCCESS'), /^550 5\.1\.1 /)
    await client.say('RSET')
    assert.equal(await server.messages(server.bob), 3)
    assert.equal(await server.messages(server.ann), 0)
  }))

test('ENVID is of its own message, and a sender elsewhere is told in the mailbox of the login', () =>
  submitting(async (client, server) => {
    assert.match(await send(client, '<ann@example.org> ENVID=first', '<bob@example.org>'), /^250 /)
    assert.match(await send(client, '<ann@example.net>', '<bob@example.org> NOTIFY=SUCCESS'), /^250 /)
    const [report, ...rest] = await server.texts(server.ann)
    assert.deepEqual(rest, [])
    assert.match(report ?? '', /\r\nTo: <ann@example\.net>\r\n/)
    assert.doesNotMatch(report ?? '', /Original-Envelope-Id/)
  }))

test('addresses that are not ASCII are said in ASCII to who has another (RFC 6533 §3)', () =>
  submitting(async (client, server) => {
    assert.ok((await server.accounts.addAccounts([{ address: 'zoé@example.org', password: PASSWORD }])).ok)
    client.send('MAIL FROM:<ann@example.org> SMTPUTF8\r\n')
    assert.match(await client.reply(), /^250 /)
    client.send(Buffer.from('RCPT TO:<zoé@example.org> NOTIFY=SUCCESS ORCPT=utf-8;zoé@example.org\r\n', 'utf8'))
    assert.match(await client.reply(), /^250 /)
    await client.say('DATA')
    client.send('Subject: hi\r\n\r\nx\r\n.\r\n')
    assert.match(await client.reply(), /^250 /)
    const [report] = await server.texts(server.ann)
    assert.match(report ?? '', /Content-Type: message\/delivery-status\r\n/)
    assert.match(
      report ?? '',
      /Original-Recipient: utf-8; zo\\x\{E9\}@example\.org\r\nFinal-Recipient: utf-8; zo\\x\{E9\}@example\.org\r\n/,
    )
  }))

test('bad DSN parameters are 501, and what was accepted before stays (RFC 3461 §4, §5.1)', () =>
  submitting(async (client) => {
    for (const parameter of ['RET=ALL', 'RET', 'ENVID=', 'ENVID=a+2', 'ENVID=a+0Ab', 'ENVID=a ENVID=b'])
      assert.match(await client.say(`MAIL FROM:<ann@example.org> ${parameter}`), /^501 /, parameter)
    assert.match(await client.say('MAIL FROM:<ann@example.org> RET=HDRS ENVID=a'), /^250 /)
    assert.match(await client.say('RCPT TO:<bob@example.org> NOTIFY=SUCCESS'), /^250 /)
    for (const parameter of ['NOTIFY=SOMETIMES', 'NOTIFY', 'NOTIFY=NEVER,SUCCESS', 'ORCPT=bob', 'ORCPT=rfc822;a=b'])
      assert.match(await client.say(`RCPT TO:<bob@example.org> ${parameter}`), /^501 /, parameter)
    assert.match(await client.say('DATA'), /^354 /)
  }))
