import { test } from 'node:test'
import { TestImapServer } from '#testing/imap-server.ts'
import { loggedIn, on, selected, transcript } from '#testing/transcript.ts'

test('UIDBATCHES refuses bad grammar, small batches, and too much at once', () =>
  transcript(
    `
    C: a UIDBATCHES
    S: a BAD ...
    C: b UIDBATCHES 0
    S: b BAD ...
    C: c UIDBATCHES 500 1
    S: c BAD ...
    C: d UIDBATCHES 500 1:*
    S: d BAD ...
    C: e UID UIDBATCHES 500
    S: e BAD Unknown command
    C: f UIDBATCHES 500 4:1
    S: f BAD [CLIENTBUG] The range of batches is the wrong way round
    C: g UIDBATCHES 499
    S: g NO [TOOFEW] A batch has 500 messages at least
    C: h UIDBATCHES 2000 1:51
    S: h NO [TOOMANY] The limit is 100000 messages at once
    C: i UIDBATCHES 4294967295 1:4294967295
    S: i NO [TOOMANY] ...
    `,
    selected(),
  ))

test('UIDBATCHES needs a mailbox', () =>
  transcript(
    `
    C: a UIDBATCHES 500
    S: a BAD Select a mailbox first
    `,
    loggedIn(),
  ))

test('UIDBATCHES of an empty mailbox are none; of a small one, it is one (RFC 10022 §3.1.3.3.1, §3.1.6)', () =>
  transcript(
    `
    C: a UIDBATCHES 500
    S: * UIDBATCHES (TAG "a")
    S: a OK These are the batches
    C: b APPEND INBOX {3+}
    C: abc
    S: * 1 EXISTS
    S: b OK [APPENDUID ...] Appended
    C: c UIDBATCHES 500
    S: * UIDBATCHES (TAG "c") 1:1
    S: c OK These are the batches
    `,
    selected(),
  ))

test('UIDBATCHES split what is there, from the newest on, with and without UIDONLY', async () => {
  await using server = await TestImapServer.start({ messages: Array.from({ length: 1_210 }, () => ({ body: 'x' })) })
  await server.store.write('expunge', {
    account: server.account,
    by: 'test',
    mailbox: (await server.store.mailboxByName(server.account, 'INBOX'))?.key ?? (0 as never),
    uids: [
      [1, 100],
      [705, 709],
    ] as never,
    which: 'any',
  })
  await transcript(
    `
    C: a ENABLE UIDONLY
    S: * ENABLED UIDONLY
    S: a OK Enabled
    C: b UIDBATCHES 500
    S: * UIDBATCHES (TAG "b") 1210:711,710:206,205:1
    S: b OK These are the batches
    C: c UIDBATCHES 500 2:2
    S: * UIDBATCHES (TAG "c") 710:206
    S: c OK These are the batches
    C: d UIDBATCHES 500 3:9
    S: * UIDBATCHES (TAG "d") 205:1
    S: d OK These are the batches
    C: e UIDBATCHES 500 4:9
    S: * UIDBATCHES (TAG "e")
    S: e OK These are the batches
    C: f UIDBATCHES 1105
    S: * UIDBATCHES (TAG "f") 1210:1
    S: f OK These are the batches
    C: g UID SEARCH RETURN (COUNT) UID 710:206
    S: * ESEARCH (TAG "g") UID COUNT 500
    S: g OK Searched
    `,
    on(server, selected()),
  )
})
