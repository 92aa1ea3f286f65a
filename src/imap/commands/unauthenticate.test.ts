import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANN, TestImapServer } from '#testing/imap-server.ts'
import { connected, loggedIn, on, selected, transcript } from '#testing/transcript.ts'

test('UNAUTHENTICATE needs a login and takes nothing', () =>
  transcript(
    `
    S: ...
    C: a UNAUTHENTICATE
    S: a BAD Log in first
    C: b LOGIN ${ANN.address} ${ANN.password}
    S: b OK ...
    C: c UNAUTHENTICATE now
    S: c BAD Nothing more is expected (at position 18)
    `,
    connected(),
  ))

test('UNAUTHENTICATE that is switched off is not listed and not known', () =>
  transcript(
    `
    C: a CAPABILITY
    S: * CAPABILITY ... COMPRESS=DEFLATE MESSAGELIMIT=100000 APPENDLIMIT=50000000
    S: a OK That is all
    C: b UNAUTHENTICATE
    S: b BAD Unknown command
    `,
    loggedIn({ unauthenticate: false }),
  ))

test('after UNAUTHENTICATE somebody else may log in, in one go, and finds nothing of the first', () =>
  transcript(
    `
    C: a ENABLE QRESYNC IMAP4rev2
    S: * ENABLED QRESYNC IMAP4rev2
    S: * OK [HIGHESTMODSEQ $modseq] Changes are counted
    S: a OK Enabled
    C: b UID SEARCH RETURN (SAVE) ALL
    S: b OK Searched
    C: c UNAUTHENTICATE
    C: d LOGIN bob@example.org ${ANN.password}
    C: e CHECK
    S: c OK Nobody is logged in
    S: d OK [CAPABILITY ...] Logged in
    S: e BAD Select a mailbox first
    C: f ENABLE QRESYNC
    S: * ENABLED QRESYNC
    S: f OK Enabled
    C: g EXAMINE INBOX
    S: * FLAGS (...)
    S: * OK [PERMANENTFLAGS ()] Nothing can be changed here
    S: * 0 EXISTS
    S: * 0 RECENT
    S: * OK [UIDVALIDITY ...
    S: * OK [UIDNEXT 1] ...
    S: * OK [HIGHESTMODSEQ ...
    S: * OK [MAILBOXID ...
    S: g OK [READ-ONLY] Examined
    C: h UID FETCH $ FLAGS
    S: h OK Nothing to fetch
    `,
    selected({ messages: [{}] }),
  ))

test('what \\Deleted was in the mailbox stays there', async () => {
  await using server = await TestImapServer.start({ messages: [{ flags: ['\\Deleted'] }] })
  await transcript(
    `
    1C: a UNAUTHENTICATE
    1S: a OK Nobody is logged in
    1C: b CAPABILITY
    1S: * CAPABILITY ... AUTH=PLAIN ...
    1S: b OK That is all
    2C: c NOOP
    2S: c OK Nothing done
    2C: d UID FETCH 1 FLAGS
    2S: * 1 FETCH (UID 1 FLAGS (\\Deleted))
    2S: d OK Fetched
    `,
    on(server, selected()),
  )
})

test('a session that was unauthenticated is as one before the login: its time is limited', async () => {
  await using server = await TestImapServer.start()
  await transcript(
    `
    C: a UNAUTHENTICATE
    S: a OK Nobody is logged in
    T: 60000
    S: * BYE Nothing was heard for too long
    S: <closed>
    `,
    on(server, loggedIn()),
  )
  assert.deepEqual(
    server.log.lines.filter(({ level }) => level === 'error'),
    [],
  )
})
