import { test } from 'node:test'
import { TestImapServer } from '#testing/imap-server.ts'
import { loggedIn, on, selected, transcript } from '#testing/transcript.ts'

const body = 'Subject: x'
const n = body.length
const two = [{ flags: ['\\Seen'] }, {}]

test('REPLACE refuses bad grammar, whichever literal it comes with', () =>
  transcript(
    `
    C: a REPLACE
    S: a BAD An argument is missing (at position 10)
    C: b REPLACE 1 INBOX
    S: b BAD ...
    C: c REPLACE 1:2 INBOX {${n}+}
    C: ${body}
    S: c BAD One message is expected (at position 11)
    C: d REPLACE 1,2 INBOX {${n}+}
    C: ${body}
    S: d BAD One message is expected (at position 11)
    C: e REPLACE $ INBOX {${n}+}
    C: ${body}
    S: e BAD One message is expected (at position 11)
    C: f REPLACE 1 INBOX (\\Seen {3}
    S: f BAD ...
    C: g REPLACE 1 INBOX {${n}+}
    C: ${body} {${n}+}
    C: ${body}
    S: g BAD Nothing more is expected (at position 21)
    C: h REPLACE 0 INBOX {${n}+}
    C: ${body}
    S: h BAD ...
    C: i STATUS INBOX (MESSAGES UIDNEXT)
    S: * STATUS INBOX (MESSAGES 2 UIDNEXT 3)
    S: i OK That is the status
    `,
    selected({ messages: two }),
  ))

test('REPLACE needs a mailbox, and one that may be changed', async () => {
  await transcript(
    `
    C: a REPLACE 1 INBOX {${n}+}
    C: ${body}
    S: a BAD Select a mailbox first
    C: b UID REPLACE 1 INBOX {${n}+}
    C: ${body}
    S: b BAD Select a mailbox first
    `,
    loggedIn(),
  )
  await transcript(
    `
    C: a REPLACE 1 INBOX {${n}}
    S: a NO [READ-ONLY] The mailbox was only examined
    `,
    loggedIn({ messages: two }, 'EXAMINE INBOX'),
  )
})

test('REPLACE refuses messages and mailboxes that are not there, and too much', () =>
  transcript(
    `
    C: a REPLACE 3 INBOX {${n}}
    S: a BAD There is no message of that number
    C: b UID REPLACE 3 INBOX {${n}}
    S: b NO [EXPUNGEISSUED] The message no longer exists
    C: c REPLACE 1 nowhere {${n}+}
    C: ${body}
    S: c NO [TRYCREATE] No such mailbox
    C: d REPLACE 1 INBOX {75}
    S: d NO [OVERQUOTA] The limit is 120 bytes
    C: e REPLACE 1 INBOX {0}
    S: e NO [CANNOT] The message is empty
    `,
    selected({ messages: two, limits: { storageBytes: 120, messages: undefined } }),
  ))

test('REPLACE tells APPENDUID first; what it replaces is vanished for everyone at once', async () => {
  await using server = await TestImapServer.start({ messages: two })
  await transcript(
    `
    2C: a NOOP
    2S: a OK Nothing done
    1C: a REPLACE 1 INBOX (\\Draft) "01-Jan-2020 00:00:00 +0000" {${n}}
    1S: + OK
    1C: ${body}
    1S: * OK [APPENDUID $validity 3] Replaced
    1S: * 1 EXPUNGE
    1S: * 2 EXISTS
    1S: a OK Replaced
    1C: b UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])
    1S: * 1 FETCH (UID 2 FLAGS () INTERNALDATE "14-Nov-2023 22:13:20 +0000" BODY[] {48}
    1S: From: ann@example.org
    1S: Subject: small
    1S: 
    1S: Hello
    1S: )
    1S: * 2 FETCH (UID 3 FLAGS (\\Draft) INTERNALDATE " 1-Jan-2020 00:00:00 +0000" BODY[] {${n}}
    1S: ${body})
    1S: b OK Fetched
    2C: b NOOP
    2S: * 1 EXPUNGE
    2S: * 2 EXISTS
    2S: b OK Nothing done
    `,
    on(server, selected()),
  )
})

test('UID REPLACE moves a draft to where it was sent; * is the last message', () =>
  transcript(
    `
    C: a UID REPLACE * Sent (\\Seen) {${n}+}
    C: ${body}
    S: * OK [APPENDUID $validity 1] Replaced
    S: * 2 EXPUNGE
    S: a OK Replaced
    C: b STATUS Sent (MESSAGES UNSEEN)
    S: * STATUS Sent (MESSAGES 1 UNSEEN 0)
    S: b OK That is the status
    `,
    selected({ messages: two, mailboxes: ['Sent:Sent'] }),
  ))

test('with QRESYNC, REPLACE says VANISHED and HIGHESTMODSEQ (RFC 8508 §4.5)', () =>
  transcript(
    `
    C: a UID REPLACE 2 INBOX {${n}+}
    C: ${body}
    S: * OK [APPENDUID $validity 3] Replaced
    S: * VANISHED 2
    S: * 2 EXISTS
    S: a OK [HIGHESTMODSEQ $modseq] Replaced
    `,
    selected({ messages: two }, 'ENABLE QRESYNC'),
  ))

test('the mailbox name of REPLACE may be a literal', () =>
  transcript(
    `
    C: a REPLACE 1 {5+}
    C: INBOX {${n}+}
    C: ${body}
    S: * OK [APPENDUID $validity 3] Replaced
    S: * 1 EXPUNGE
    S: * 2 EXISTS
    S: a OK Replaced
    `,
    selected({ messages: two }),
  ))
