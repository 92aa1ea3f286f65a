import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { pop3Transcript } from '#testing/pop3-transcript.ts'

async function start(): Promise<TestPop3Server> {
  const server = await TestPop3Server.start({ messages: ['Subject: in\r\n\r\n'] })
  const { store, account, inbox } = server
  for (const name of ['Work', 'work', 'Lists/Été 2026']) {
    assert.ok((await store.write('createMailbox', { account, by: 'test', name, specialUse: undefined })).ok)
  }
  const lists = await store.mailboxByName(account, 'Lists/Été 2026')
  assert.ok(lists)
  await store.write('copy', { account, by: 'test', mailbox: inbox, uids: [[1, 1]] as never, target: lists.key })
  return server
}

test('a login with + opens another mailbox, by USER and by AUTH', async () => {
  await using server = await start()
  const initial = Buffer.from('\0ann+lists/été 2026@example.org\0secret').toString('base64')
  await pop3Transcript(
    `
    S: +OK ...
    C: USER ann+Lists/\\xc3\\x89t\\xc3\\xa9 2026@example.org
    C: PASS secret
    S: +OK Now the password
    S: +OK 1 message (15 octets)
    C: DELE 1
    C: QUIT
    S: +OK Deleted at QUIT
    S: +OK Bye, 1 deleted
    1S: +OK ...
    1C: AUTH PLAIN ${initial}
    1S: +OK 0 messages (0 octets)
    1C: QUIT
    1S: +OK Bye
    2S: +OK ...
    2C: USER ann+INBOX@example.org
    2C: PASS secret
    2S: +OK Now the password
    2S: +OK 1 message (15 octets)
    `,
    server,
  )
  const [first, second, inbox] = server.registry.locked
  assert.ok(first !== undefined && first === second)
  assert.equal(inbox, undefined)
})

test('a mailbox that is not there, or is not the only one of its name, is refused once the password was right', async () => {
  await using server = await start()
  await pop3Transcript(
    `
    S: +OK ...
    C: USER ann+Nothing@example.org
    C: PASS wrong
    S: +OK Now the password
    S: -ERR [AUTH] Wrong login name or password
    C: USER ann+Nothing@example.org
    C: PASS secret
    S: +OK Now the password
    S: -ERR [SYS/PERM] There is no mailbox of the name behind the +
    C: USER ann+WORK@example.org
    C: PASS secret
    S: +OK Now the password
    S: -ERR [SYS/PERM] There is no mailbox of the name behind the +
    C: USER ann+work@example.org
    C: PASS secret
    S: +OK Now the password
    S: +OK 0 messages (0 octets)
    `,
    server,
  )
})
