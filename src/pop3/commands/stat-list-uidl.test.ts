import { test } from 'node:test'
import { TestPop3Server, type TestServerOptions } from '#testing/pop3-server.ts'
import { pop3Transcript } from '#testing/pop3-transcript.ts'

const LOGIN = `
  S: +OK mail.example.org POP3 ready
  C: USER ann@example.org
  C: PASS secret
  S: +OK Now the password
  S: +OK ...`

async function play(text: string, options: TestServerOptions): Promise<void> {
  await using server = await TestPop3Server.start(options)
  const uidValidity = server.uidValidity.toString(16).padStart(8, '0')
  await pop3Transcript(LOGIN + text, server, { id1: `${uidValidity}00000001`, id2: `${uidValidity}00000002` })
}

const messages = [
  'Subject: one\r\n\r\n1\r\n',
  { body: 'Subject: two\r\n\r\nno line end', trace: 'Return-Path: <>\r\n' },
  { body: 'Subject: three\r\n\r\n.\r\n', uidl: 'kept-since-1999' },
]

test('STAT counts messages and octets, trace lines too, without what is deleted', () =>
  play(
    `
    C: STAT 1
    S: -ERR STAT wants no argument
    C: STAT
    S: +OK 3 84
    C: DELE 2
    C: STAT
    S: +OK Deleted at QUIT
    S: +OK 2 40
    `,
    { messages },
  ))

test('LIST lists what is not deleted, or says why not', () =>
  play(
    `
    C: LIST
    S: +OK 3 messages (84 octets)
    S: 1 19
    S: 2 44
    S: 3 21
    S: .
    C: LIST 3
    S: +OK 3 21
    C: LIST 4
    S: -ERR No such message
    C: LIST x
    S: -ERR A message-number is wanted here
    C: DELE 1
    C: LIST 1
    C: LIST
    S: +OK Deleted at QUIT
    S: -ERR That message is deleted
    S: +OK 2 messages (65 octets)
    S: 2 44
    S: 3 21
    S: .
    `,
    { messages },
  ))

test('LIST and UIDL of an empty maildrop are empty lists', () =>
  play(
    `
    C: STAT
    C: LIST
    C: UIDL
    S: +OK 0 0
    S: +OK 0 messages (0 octets)
    S: .
    S: +OK 0 messages (0 octets)
    S: .
    C: RETR 1
    S: -ERR No such message
    `,
    {},
  ))

test('UIDL gives what was kept from a migration, else UIDVALIDITY and UID in hexadecimal', () =>
  play(
    `
    C: UIDL
    S: +OK 3 messages (84 octets)
    S: 1 $id1
    S: 2 $id2
    S: 3 kept-since-1999
    S: .
    C: UIDL 3
    S: +OK 3 kept-since-1999
    C: UIDL 2
    S: +OK 2 $id2
    C: UIDL 4
    S: -ERR No such message
    C: DELE 3
    C: UIDL 3
    S: +OK Deleted at QUIT
    S: -ERR That message is deleted
    `,
    { messages },
  ))
