import assert from 'node:assert/strict'
import { test } from 'node:test'
import { uidSetOf } from '#mail/uid-set.ts'
import { DamagedBody } from '#store/mail-store.ts'
import { TestPop3Server, type TestServerOptions } from '#testing/pop3-server.ts'
import { pop3Transcript, TestClient } from '#testing/pop3-transcript.ts'

async function play(text: string, options: TestServerOptions): Promise<void> {
  await using server = await TestPop3Server.start(options)
  const login = `
    S: +OK ...
    C: USER ann@example.org
    C: PASS secret
    S: +OK ...
    S: +OK ...`
  await pop3Transcript(login + text, server)
}

const messages = [
  'Subject: one\r\n\r\n.\r\n..x\r\nlast\r\n',
  { body: 'Subject: two\r\n\r\nno line end', trace: 'Return-Path: <>\r\nDelivered-To: ann\r\n' },
  'Subject: three\n\nbare\n.\nlf\n',
  'Subject: only a header\r\n',
  '',
]

test('RETR gives the message, stuffed, with its trace lines, and CRLF at its end', () =>
  play(
    `
    C: RETR
    S: -ERR A message-number is wanted here
    C: RETR 6
    S: -ERR No such message
    C: RETR 1
    S: +OK 30 octets
    S: Subject: one
    S:
    S: ..
    S: ...x
    S: last
    S: .
    C: RETR 2
    S: +OK 63 octets
    S: Return-Path: <>
    S: Delivered-To: ann
    S: Subject: two
    S:
    S: no line end
    S: .
    C: DELE 2
    C: RETR 2
    S: +OK Deleted at QUIT
    S: -ERR That message is deleted
    C: RETR 5
    S: +OK 0 octets
    S: .
    `,
    { messages },
  ))

test('RETR stuffs a dot behind a bare LF, and ends a bare LF with CRLF', () =>
  play(
    `
    C: RETR 3
    S: +OK 26 octets
    S: Subject: three\\n\\nbare\\n..\\nlf\\n
    S: .
    C: TOP 3 2
    S: +OK Top of the message
    S: Subject: three\\n\\nbare\\n..\\n
    S: .
    `,
    { messages },
  ))

test('TOP gives the header, the blank line and as many lines as asked', () =>
  play(
    `
    C: TOP 1
    S: -ERR TOP wants a message-number and a number of lines
    C: TOP 9 0
    S: -ERR No such message
    C: TOP 1 0
    S: +OK Top of the message
    S: Subject: one
    S:
    S: .
    C: TOP 1 2
    S: +OK Top of the message
    S: Subject: one
    S:
    S: ..
    S: ...x
    S: .
    C: TOP 1 3
    S: +OK Top of the message
    S: Subject: one
    S:
    S: ..
    S: ...x
    S: last
    S: .
    C: TOP 2 1000
    S: +OK Top of the message
    S: Return-Path: <>
    S: Delivered-To: ann
    S: Subject: two
    S:
    S: no line end
    S: .
    C: TOP 4 5
    S: +OK Top of the message
    S: Subject: only a header
    S: .
    C: TOP 5 5
    S: +OK Top of the message
    S: .
    C: DELE 4
    C: TOP 4 5
    S: +OK Deleted at QUIT
    S: -ERR That message is deleted
    `,
    { messages },
  ))

test('RETR and STAT stay as they were when IMAP expunges meanwhile', async () => {
  await using server = await TestPop3Server.start({ messages })
  const client = await new TestClient(await server.connect()).login()
  const { store, account, inbox } = server
  await store.write('expunge', { account, by: 'imap', mailbox: inbox, uids: uidSetOf([1, 2]), which: 'any' })
  assert.equal(await server.count(), 3)
  assert.equal(await client.ask('STAT'), '+OK 5 143')
  assert.equal(await client.ask('RETR 1'), '+OK 30 octets')
  assert.deepEqual(await client.multiline(), ['Subject: one', '', '..', '...x', 'last'])
  client.send('DELE 1', 'QUIT')
  assert.equal(await client.line(), '+OK Deleted at QUIT')
  assert.equal(await client.line(), '+OK Bye, 1 deleted')
})

test('RETR says so when a message is damaged, and goes on', async () => {
  await using server = await TestPop3Server.start({ messages })
  const client = await new TestClient(await server.connect()).login()
  const body = server.store.body.bind(server.store)
  server.store.body = (account, place) => ({
    ...body(account, place),
    read: () => Promise.reject(new DamagedBody('Cannot find the body')),
  })
  assert.equal(await client.ask('RETR 1'), '-ERR [SYS/PERM] That message is damaged in the store')
  assert.equal(await client.ask('TOP 2 0'), '-ERR [SYS/PERM] That message is damaged in the store')
  server.store.body = body
  assert.equal(await client.ask('RETR 1'), '+OK 30 octets')
  assert.deepEqual(
    server.log.lines.map((line) => line.message),
    ['Cannot read a message', 'Cannot read a message'],
  )
})
