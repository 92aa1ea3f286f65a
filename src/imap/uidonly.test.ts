import { test } from 'node:test'
import { TestImapServer } from '#testing/imap-server.ts'
import { loggedIn, on, selected, transcript } from '#testing/transcript.ts'

const three = [{}, { flags: ['\\Seen'] }, {}]

test('ENABLE UIDONLY bars message numbers, wherever they may stand (RFC 9586 §3)', () =>
  transcript(
    `
    C: a ENABLE UIDONLY
    S: * ENABLED UIDONLY
    S: a OK Enabled
    C: b FETCH 1 FLAGS
    S: b BAD [UIDREQUIRED] Message numbers are not used after ENABLE UIDONLY
    C: c STORE 1 FLAGS ()
    C: d COPY 1 INBOX
    C: e MOVE 1 INBOX
    C: f SEARCH ALL
    S: c BAD [UIDREQUIRED] ...
    S: d BAD [UIDREQUIRED] ...
    S: e BAD [UIDREQUIRED] ...
    S: f BAD [UIDREQUIRED] ...
    C: g UID SEARCH NOT 1
    C: h UID SEARCH OR SEEN (1:* SEEN)
    S: g BAD [UIDREQUIRED] ...
    S: h BAD [UIDREQUIRED] ...
    C: i NOOP
    S: i OK Nothing done
    C: j REPLACE 1 INBOX {3+}
    C: abc
    S: j BAD [UIDREQUIRED] ...
    C: k UID SEARCH 1:3
    S: k BAD [UIDREQUIRED] ...
    C: l UID SEARCH UID 2:*
    S: * SEARCH 2 3
    S: l OK Searched
    `,
    selected({ messages: three }),
  ))

test('with UIDONLY, FETCH is UIDFETCH, and has UID only where it was asked for (§3.3)', () =>
  transcript(
    `
    C: a UID FETCH 2:3 (FLAGS)
    S: * 2 UIDFETCH (FLAGS (\\Seen))
    S: * 3 UIDFETCH (FLAGS ())
    S: a OK Fetched
    C: b UID FETCH 3 (UID RFC822.SIZE)
    S: * 3 UIDFETCH (UID 3 RFC822.SIZE 48)
    S: b OK Fetched
    C: c UID FETCH 3 BODY[HEADER.FIELDS (Subject)]
    S: * 3 UIDFETCH (FLAGS (\\Seen) BODY[HEADER.FIELDS (Subject)] {18}
    S: Subject: small
    S: 
    S: )
    S: c OK Fetched
    C: d UID STORE 3 +FLAGS (\\Deleted)
    S: * 3 UIDFETCH (FLAGS (\\Deleted \\Seen))
    S: d OK Stored
    C: e EXPUNGE
    S: * VANISHED 3
    S: e OK Expunged
    C: f UID COPY 2 INBOX
    S: * 3 EXISTS
    S: f OK [COPYUID $validity 2 4] Copied
    C: g UID SEARCH RETURN (ALL COUNT) UID 1:3
    S: * ESEARCH (TAG "g") UID ALL 1:2 COUNT 2
    S: g OK Searched
    `,
    selected({ messages: three }, 'ENABLE UIDONLY'),
  ))

test('with UIDONLY, what others do is told by UID (§3.6)', async () => {
  await using server = await TestImapServer.start({ messages: three })
  await transcript(
    `
    1C: a ENABLE UIDONLY
    1S: * ENABLED UIDONLY
    1S: a OK Enabled
    2C: a UID STORE 1 +FLAGS.SILENT (\\Deleted)
    2S: a OK Stored
    2C: b UID STORE 3 +FLAGS.SILENT (\\Flagged)
    2S: b OK Stored
    2C: c EXPUNGE
    2S: * 1 EXPUNGE
    2S: c OK Expunged
    1C: b NOOP
    1S: * VANISHED 1
    1S: * 3 UIDFETCH (FLAGS (\\Flagged))
    1S: b OK Nothing done
    `,
    on(server, selected()),
  )
})

test('with UIDONLY, SELECT says no message number, and QRESYNC may have none (§3, §3.7)', () =>
  transcript(
    `
    C: a ENABLE UIDONLY QRESYNC
    S: * ENABLED UIDONLY QRESYNC
    S: a OK Enabled
    C: b SELECT INBOX (QRESYNC (1 1 1:3 (1 1)))
    S: b BAD [UIDREQUIRED] ...
    C: c SELECT INBOX
    S: * FLAGS (...)
    S: * OK [PERMANENTFLAGS ...
    S: * 3 EXISTS
    S: * 0 RECENT
    S: * OK [UIDVALIDITY $validity] ...
    S: * OK [UIDNEXT 4] ...
    S: * OK [HIGHESTMODSEQ ...
    S: * OK [MAILBOXID ...
    S: c OK [READ-WRITE] Selected
    C: d UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)
    S: * 1 UIDFETCH (FLAGS () MODSEQ ($one))
    S: * 2 UIDFETCH (FLAGS (\\Seen) MODSEQ ($two))
    S: * 3 UIDFETCH (FLAGS () MODSEQ ($three))
    S: d OK Fetched
    C: e SELECT INBOX (QRESYNC ($validity $two))
    S: * OK [CLOSED] ...
    S: * FLAGS (...)
    S: * OK [PERMANENTFLAGS ...
    S: * 3 EXISTS
    S: * 0 RECENT
    S: * OK [UIDVALIDITY ...
    S: * OK [UIDNEXT 4] ...
    S: * OK [HIGHESTMODSEQ ...
    S: * OK [MAILBOXID ...
    S: * 3 UIDFETCH (FLAGS () MODSEQ ($three))
    S: e OK [READ-WRITE] Selected
    `,
    loggedIn({ messages: three }),
  ))
