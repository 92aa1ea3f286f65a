import { test } from 'node:test'
import { loggedIn, selected, transcript } from '#testing/transcript.ts'

const five = { messages: [{}, { flags: ['\\Deleted'] }, {}, { flags: ['\\Deleted'] }, { flags: ['\\Deleted'] }] }

test('EXPUNGE refuses bad grammar and wrong states', () =>
  transcript(
    `
    C: a EXPUNGE
    S: a BAD Select a mailbox first
    C: b UID EXPUNGE
    S: b BAD Select a mailbox first
    C: c EXAMINE INBOX
    S: * FLAGS ...
    S: * OK [PERMANENTFLAGS ()] ...
    S: * 0 EXISTS
    S: * 0 RECENT
    S: * OK [UIDVALIDITY $v] ...
    S: * OK [UIDNEXT 1] ...
    S: * OK [HIGHESTMODSEQ $m] ...
    S: * OK [MAILBOXID ($id)] ...
    S: c OK [READ-ONLY] Examined
    C: d EXPUNGE
    S: d NO [READ-ONLY] The mailbox was only examined
    C: e EXPUNGE 1
    S: e BAD Nothing more is expected
    C: f UID EXPUNGE
    S: f BAD UIDs are expected
    C: g UID EXPUNGE x
    S: g BAD ...
    `,
    loggedIn(),
  ))

test('EXPUNGE takes all with \\Deleted and tells the numbers as they are while it goes', () =>
  transcript(
    `
    1C: a NOOP
    1S: a OK Nothing done
    2C: a EXPUNGE
    2S: * 5 EXPUNGE
    2S: * 4 EXPUNGE
    2S: * 2 EXPUNGE
    2S: a OK Expunged
    2C: b EXPUNGE
    2S: b OK Nothing was deleted
    1C: b NOOP
    1S: * 5 EXPUNGE
    1S: * 4 EXPUNGE
    1S: * 2 EXPUNGE
    1S: b OK Nothing done
    1C: c FETCH 1:* UID
    1S: * 1 FETCH (UID 1)
    1S: * 2 FETCH (UID 3)
    1S: c OK Fetched
    `,
    selected(five),
  ))

test('UID EXPUNGE takes only those that are named', () =>
  transcript(
    `
    C: a UID EXPUNGE 1:4
    S: * 4 EXPUNGE
    S: * 2 EXPUNGE
    S: a OK Expunged
    C: b UID EXPUNGE 17
    S: b OK Nothing to expunge
    C: c UID EXPUNGE *
    S: * 3 EXPUNGE
    S: c OK Expunged
    `,
    selected(five),
  ))

test('EXPUNGE after ENABLE QRESYNC tells UIDs and HIGHESTMODSEQ', () =>
  transcript(
    `
    C: a UID EXPUNGE 2
    S: * VANISHED 2
    S: a OK [HIGHESTMODSEQ 7] Expunged
    C: b EXPUNGE
    S: * VANISHED 4:5
    S: b OK [HIGHESTMODSEQ 8] Expunged
    C: c EXPUNGE
    S: c OK Nothing was deleted
    `,
    selected(five, 'ENABLE QRESYNC'),
  ))

test('EXPUNGE of messages that came meanwhile tells nothing of what was never told', () =>
  transcript(
    `
    1C: a NOOP
    1S: a OK Nothing done
    2C: a APPEND INBOX (\\Deleted) {1+}
    2C: x
    2S: * 6 EXISTS
    2S: a OK [APPENDUID $v 6] Appended
    1C: b EXPUNGE
    1S: * 5 EXPUNGE
    1S: * 4 EXPUNGE
    1S: * 2 EXPUNGE
    1S: b OK Expunged
    1C: c FETCH 1:* UID
    1S: * 1 FETCH (UID 1)
    1S: * 2 FETCH (UID 3)
    1S: c OK Fetched
    `,
    selected(five),
  ))
