/** What one session hears of another, and when (RFC 9051 §7.5, RFC 7162 §3.2, §6). @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { prepareEmail } from '#mail/prepare.ts'
import { scanMessage } from '#mail/scanner.ts'
import { snapshotsOf } from '#services/snapshots.ts'
import { ImapLines } from '#testing/imap-client.ts'
import { TestImapServer } from '#testing/imap-server.ts'
import { loggedIn, on, selected, transcript } from '#testing/transcript.ts'

const four = { messages: [{}, {}, {}, {}], mailboxes: ['Kept'] }

test('what went comes first, then how many there are, new keywords, flags', () =>
  transcript(
    `
    1C: a NOOP
    1S: a OK Nothing done
    2C: a STORE 2 +FLAGS.SILENT (\\Deleted)
    2C: b STORE 4 +FLAGS.SILENT (fresh)
    2C: c EXPUNGE
    2C: d COPY 3 INBOX
    2S: a OK Stored
    2S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft fresh)
    2S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft fresh \\*)] New keywords are welcome
    2S: b OK Stored
    2S: * 2 EXPUNGE
    2S: c OK Expunged
    2S: * 4 EXISTS
    2S: d OK [COPYUID $v 4 5] Copied
    1C: b NOOP
    1S: * 2 EXPUNGE
    1S: * 4 EXISTS
    1S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft fresh)
    1S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft fresh \\*)] New keywords are welcome
    1S: * 3 FETCH (FLAGS (fresh))
    1S: b OK Nothing done
    `,
    selected(four),
  ))

test('while FETCH, STORE and SEARCH by number answer, numbers stay; new messages and flags are told all the same', () =>
  transcript(
    `
    1C: a NOOP
    1S: a OK Nothing done
    2C: a STORE 1,4 +FLAGS.SILENT (\\Deleted)
    2C: b EXPUNGE
    2C: c COPY 1 INBOX
    2C: d STORE 2 +FLAGS.SILENT (\\Flagged)
    2S: a OK Stored
    2S: * 4 EXPUNGE
    2S: * 1 EXPUNGE
    2S: b OK Expunged
    2S: * 3 EXISTS
    2S: c OK [COPYUID $v 2 5] Copied
    2S: d OK Stored
    1C: b FETCH 1:* UID
    1S: * 1 FETCH (UID 1)
    1S: * 2 FETCH (UID 2)
    1S: * 3 FETCH (UID 3)
    1S: * 4 FETCH (UID 4)
    1S: * 5 EXISTS
    1S: * 3 FETCH (FLAGS (\\Flagged))
    1S: b OK Fetched
    1C: c SEARCH FLAGGED
    1S: * SEARCH 3
    1S: c OK Searched
    1C: d STORE 5 +FLAGS (\\Draft)
    1S: * 5 FETCH (FLAGS (\\Draft))
    1S: d OK Stored
    1C: e UID FETCH 5 UID
    1S: * 5 FETCH (UID 5)
    1S: * 4 EXPUNGE
    1S: * 1 EXPUNGE
    1S: e OK Fetched
    `,
    selected(four),
  ))

test('UID SEARCH by message numbers keeps them, too (RFC 7162 §3.2.10.2)', () =>
  transcript(
    `
    1C: a NOOP
    1S: a OK Nothing done
    2C: a STORE 1 +FLAGS.SILENT (\\Deleted)
    2C: b EXPUNGE
    2C: c STORE 1 +FLAGS.SILENT (\\Flagged)
    2S: a OK Stored
    2S: * 1 EXPUNGE
    2S: b OK Expunged
    2S: c OK Stored
    1C: b UID SEARCH 2:3
    1S: * SEARCH 2 3
    1S: * 2 FETCH (UID 2 FLAGS (\\Flagged))
    1S: b OK Searched
    1C: c UID SEARCH UID 2:3
    1S: * SEARCH 2 3
    1S: * 1 EXPUNGE
    1S: c OK Searched
    `,
    selected(four),
  ))

test('a message that came and went while expunges are held back goes with them', () =>
  transcript(
    `
    1C: a NOOP
    1S: a OK Nothing done
    2C: a STORE 1 +FLAGS.SILENT (\\Deleted)
    2C: b EXPUNGE
    2C: c COPY 1 INBOX
    2S: a OK Stored
    2S: * 1 EXPUNGE
    2S: b OK Expunged
    2S: * 4 EXISTS
    2S: c OK [COPYUID $v 2 5] Copied
    1C: b FETCH 1 UID
    1S: * 1 FETCH (UID 1)
    1S: * 5 EXISTS
    1S: b OK Fetched
    2C: d STORE 4 +FLAGS.SILENT (\\Deleted)
    2C: e EXPUNGE
    2S: d OK Stored
    2S: * 4 EXPUNGE
    2S: e OK Expunged
    1C: c FETCH 5 UID
    1S: * 5 FETCH (UID 5)
    1S: c OK Fetched
    1C: d NOOP
    1S: * 5 EXPUNGE
    1S: * 1 EXPUNGE
    1S: d OK Nothing done
    `,
    selected(four),
  ))

test('QRESYNC: HIGHESTMODSEQ stays low while VANISHED is held back (RFC 7162 §6)', () =>
  transcript(
    `
    1C: a NOOP
    1S: a OK Nothing done
    2C: a STORE 1 +FLAGS.SILENT (\\Deleted)
    2C: b EXPUNGE
    2C: c STORE 1 +FLAGS.SILENT (\\Flagged)
    2S: * 1 FETCH (UID 1 MODSEQ (6))
    2S: a OK Stored
    2S: * VANISHED 1
    2S: b OK [HIGHESTMODSEQ 7] Expunged
    2S: * 1 FETCH (UID 2 MODSEQ (8))
    2S: c OK Stored
    1C: b FETCH 2 FLAGS
    1S: * 2 FETCH (FLAGS ())
    1S: * 2 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ (8))
    1S: * OK [HIGHESTMODSEQ 5] Expunges are held back
    1S: b OK Fetched
    1C: c FETCH 2 (FLAGS MODSEQ)
    1S: * 2 FETCH (FLAGS (\\Flagged) MODSEQ (8))
    1S: * OK [HIGHESTMODSEQ 5] Expunges are held back
    1S: c OK Fetched
    1C: d NOOP
    1S: * VANISHED 1
    1S: * OK [HIGHESTMODSEQ 8] Nothing is held back
    1S: d OK Nothing done
    1C: e NOOP
    1S: e OK Nothing done
    `,
    selected(four, 'ENABLE QRESYNC'),
  ))

test('who idles is told at once, expunges too', () =>
  transcript(
    `
    1C: a IDLE
    1S: + Idling
    2C: a STORE 2 +FLAGS (\\Deleted)
    2S: * 2 FETCH (FLAGS (\\Deleted))
    2S: a OK Stored
    1S: * 2 FETCH (FLAGS (\\Deleted))
    2C: b EXPUNGE
    2S: * 2 EXPUNGE
    2S: b OK Expunged
    1S: * 2 EXPUNGE
    2C: c APPEND INBOX {1+}
    2C: x
    2S: * 4 EXISTS
    2S: c OK [APPENDUID $v 5] Appended
    1S: * 4 EXISTS
    1C: DONE
    1S: a OK Done
    `,
    selected(four),
  ))

test('a session whose mailbox is deleted is told goodbye', () =>
  transcript(
    `
    1C: a SELECT Kept
    1S: * OK [CLOSED] ...
    1S: * FLAGS ...
    1S: * OK [PERMANENTFLAGS (...)] ...
    1S: * 0 EXISTS
    1S: * 0 RECENT
    1S: * OK [UIDVALIDITY $v] ...
    1S: * OK [UIDNEXT 1] ...
    1S: * OK [HIGHESTMODSEQ $m] ...
    1S: * OK [MAILBOXID ($id)] ...
    1S: a OK [READ-WRITE] Selected
    1C: b IDLE
    1S: + Idling
    2C: a DELETE Kept
    2S: a OK Deleted
    1S: * BYE The selected mailbox was deleted
    1S: <closed>
    `,
    selected(four),
  ))

test('$ is the result of the last SEARCH that saved it, without what was expunged since (RFC 5182)', () =>
  transcript(
    `
    C: a FETCH $ UID
    S: a OK Nothing to fetch
    C: b SEARCH RETURN (SAVE) 2:4
    S: b OK Searched
    C: c STORE $ +FLAGS (\\Flagged)
    S: * 2 FETCH (FLAGS (\\Flagged))
    S: * 3 FETCH (FLAGS (\\Flagged))
    S: * 4 FETCH (FLAGS (\\Flagged))
    S: c OK Stored
    C: d STORE 3 +FLAGS.SILENT (\\Deleted)
    C: e EXPUNGE
    S: d OK Stored
    S: * 3 EXPUNGE
    S: e OK Expunged
    C: f UID COPY $ Kept
    S: f OK [COPYUID $v 2,4 1:2] Copied
    C: g UID SEARCH $
    S: * SEARCH 2 4
    S: g OK Searched
    `,
    selected(four),
  ))

test('a UID that the client knows from elsewhere is looked for in the store', () =>
  transcript(
    `
    1C: a NOOP
    1S: a OK Nothing done
    2C: a APPEND INBOX (\\Seen) {1+}
    2C: x
    2S: * 5 EXISTS
    2S: a OK [APPENDUID $v 5] Appended
    1C: b UID FETCH 5 FLAGS
    1S: * 5 EXISTS
    1S: * 5 FETCH (UID 5 FLAGS (\\Seen))
    1S: b OK Fetched
    `,
    selected(four),
  ))

test('sessions of one mailbox share one snapshot; nobody keeps it alive for ever', async () => {
  await using server = await TestImapServer.start(four)
  const clients: ImapLines[] = []
  for (let n = 0; n < 20; n += 1) {
    const lines = new ImapLines(await server.connect())
    await lines.line()
    await lines.command('l LOGIN ann@example.org secret')
    await lines.command('s SELECT INBOX')
    clients.push(lines)
  }
  assert.deepEqual(snapshotsOf(server.store).size, { mailboxes: 1, messages: 4 })
  await transcript('C: a NOOP\nS: a OK Nothing done', on(server, selected()))
  for (const lines of clients) lines.reset()
})

test('who idles for long on a large mailbox lets go of it, and hears of everything all the same', async () => {
  await using server = await TestImapServer.start()
  const { store, account } = server
  const mailbox = (await store.mailboxByName(account, 'INBOX'))?.key
  assert.ok(mailbox !== undefined)
  const bytes = Buffer.from('Subject: one of many\r\n\r\n')
  const message = {
    body: { kind: 'bytes', bytes },
    email: prepareEmail(scanMessage(bytes)),
    trace: new Uint8Array(0),
    flags: { system: 0, keywords: [] },
    internalDate: 0,
    internalZone: 0,
    uidl: undefined,
  } as const
  const messages = Array.from({ length: 1_500 }, () => message)
  await store.write('append', { account, by: 'test', mailbox, messages })
  const lines = new ImapLines(await server.connect())
  await lines.line()
  await lines.command('l LOGIN ann@example.org secret')
  await lines.command('s SELECT INBOX')
  lines.send('i IDLE\r\n')
  assert.equal(await lines.line(), '+ Idling')
  assert.equal(snapshotsOf(store).size.messages, 1_500)
  server.pass(121_000)
  assert.equal(await lines.line(), '* OK Still here')
  assert.equal(snapshotsOf(store).size.messages, 0)
  server.pass(121_000)
  assert.equal(await lines.line(), '* OK Still here')
  assert.equal(snapshotsOf(store).size.messages, 0, 'it stays so while nothing happens')
  await transcript(
    `
    C: a UID STORE 3,1500 +FLAGS.SILENT (\\Deleted)
    C: b UID EXPUNGE 1500
    C: c UID STORE 7 +FLAGS.SILENT (fresh)
    S: a OK Stored
    S: * 1500 EXPUNGE
    S: b OK Expunged
    S: * FLAGS ...
    S: * OK [PERMANENTFLAGS (...)] ...
    S: c OK Stored
    `,
    on(server, loggedIn({}, 'SELECT INBOX')),
  )
  await server.add({})
  lines.send('DONE\r\n')
  const heard: string[] = []
  for (let line = await lines.line(); line !== undefined; line = await lines.line()) {
    heard.push(line)
    if (line.startsWith('i ')) break
  }
  // When it wakes is its own affair; what it hears in the end is not.
  const news = heard.filter((line) => !/FLAGS \(\\Answered|1500 FETCH/.test(line))
  assert.deepEqual(news.toSorted(), [
    '* 1500 EXISTS',
    '* 1500 EXPUNGE',
    '* 3 FETCH (FLAGS (\\Deleted))',
    '* 7 FETCH (FLAGS (fresh))',
    'i OK Done',
  ])
  lines.reset()
})
