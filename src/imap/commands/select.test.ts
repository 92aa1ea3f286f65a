import { test } from 'node:test'
import { loggedIn, selected, transcript } from '#testing/transcript.ts'

const messages = [{ flags: ['\\Seen', '$Forwarded'] }, {}, { flags: ['\\Deleted'] }]

test('SELECT refuses bad grammar, and QRESYNC before it is enabled', () =>
  transcript(
    `
    C: a SELECT
    S: a BAD An argument is missing (at position 9)
    C: b SELECT INBOX (FOO)
    S: b BAD SELECT parameter is not known (at position 17)
    C: c SELECT INBOX (QRESYNC (1 1))
    S: c BAD Enable QRESYNC first
    C: d CLOSE
    S: d BAD Select a mailbox first
    `,
    loggedIn(),
  ))

test('SELECT describes the mailbox to a client of rev1', () =>
  transcript(
    `
    C: a SELECT inbox
    S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded)
    S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded \\*)] New keywords are welcome
    S: * 3 EXISTS
    S: * 0 RECENT
    S: * OK [UNSEEN 2] The first unseen
    S: * OK [UIDVALIDITY $validity] UIDs are valid
    S: * OK [UIDNEXT 4] The next UID
    S: * OK [HIGHESTMODSEQ $modseq] Changes are counted
    S: * OK [MAILBOXID ($id)] The mailbox has an id
    S: a OK [READ-WRITE] Selected
    C: b STATUS INBOX (MAILBOXID UIDVALIDITY HIGHESTMODSEQ)
    S: * STATUS INBOX (MAILBOXID ($id) UIDVALIDITY $validity HIGHESTMODSEQ $modseq)
    S: b OK That is the status
    `,
    loggedIn({ messages }),
  ))

test('SELECT describes the mailbox to a client of rev2', () =>
  transcript(
    `
    C: a SELECT Sent
    S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded)
    S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded \\*)] New keywords are welcome
    S: * 0 EXISTS
    S: * OK [UIDVALIDITY $validity] UIDs are valid
    S: * OK [UIDNEXT 1] The next UID
    S: * OK [HIGHESTMODSEQ $modseq] Changes are counted
    S: * OK [MAILBOXID ($id)] The mailbox has an id
    S: * LIST (\\HasNoChildren \\Sent \\Subscribed) "/" Sent
    S: a OK [READ-WRITE] Selected
    C: b EXAMINE "Nai\\xcc\\x88f"
    S: * OK [CLOSED] The mailbox before is left
    S: * FLAGS ...
    S: * OK [PERMANENTFLAGS ()] Nothing can be changed here
    S: * 0 EXISTS
    S: * OK [UIDVALIDITY ...
    S: * OK [UIDNEXT 1] The next UID
    S: * OK [HIGHESTMODSEQ ...
    S: * OK [MAILBOXID ...
    S: * LIST (\\HasNoChildren) "/" "Na\xc3\xaff" ("OLDNAME" ("Nai\xcc\x88f"))
    S: b OK [READ-ONLY] Examined
    `,
    loggedIn({ messages, mailboxes: ['Sent:Sent', 'Naïf'], subscribed: ['Sent'] }, 'ENABLE IMAP4rev2'),
  ))

test('a SELECT that fails leaves no mailbox selected', () =>
  transcript(
    `
    C: a SELECT nowhere
    S: * OK [CLOSED] The mailbox before is left
    S: a NO [NONEXISTENT] No such mailbox
    C: b CHECK
    S: b BAD Select a mailbox first
    `,
    selected(),
  ))

test('CLOSE expunges without a word, UNSELECT and EXAMINE leave everything', () =>
  transcript(
    `
    C: a UNSELECT
    S: a OK Left
    C: b STATUS INBOX (MESSAGES)
    S: * STATUS INBOX (MESSAGES 3)
    S: b OK That is the status
    C: c EXAMINE INBOX
    S: * FLAGS ...
    S: * OK [PERMANENTFLAGS ()] Nothing can be changed here
    S: * 3 EXISTS
    S: * 0 RECENT
    S: * OK [UNSEEN 2] The first unseen
    S: * OK [UIDVALIDITY ...
    S: * OK [UIDNEXT 4] The next UID
    S: * OK [HIGHESTMODSEQ ...
    S: * OK [MAILBOXID ...
    S: c OK [READ-ONLY] Examined
    C: d CLOSE
    S: d OK Closed
    C: e STATUS INBOX (MESSAGES)
    S: * STATUS INBOX (MESSAGES 3)
    S: e OK That is the status
    2C: f CLOSE
    2S: f OK Closed
    C: g STATUS INBOX (MESSAGES)
    S: * STATUS INBOX (MESSAGES 2)
    S: g OK That is the status
    C: h CLOSE
    S: h BAD Select a mailbox first
    `,
    selected({ messages }),
  ))

test('what another session does is told before the answer of the next command', () =>
  transcript(
    `
    1C: a NOOP
    1S: a OK Nothing done
    2C: b APPEND INBOX (\\Flagged) {4+}
    2C: A: b
    2S: * 4 EXISTS
    2S: b OK [APPENDUID $validity 4] Appended
    1C: c NOOP
    1S: * 4 EXISTS
    1S: c OK Nothing done
    2C: d CLOSE
    2S: d OK Closed
    1C: e CHECK
    1S: * 3 EXPUNGE
    1S: e OK Checked
    `,
    selected({ messages }),
  ))

test('IDLE tells as it happens, with MODSEQ and VANISHED where they are enabled', () =>
  transcript(
    `
    1C: a IDLE
    1S: + Idling
    2C: b APPEND INBOX {4+}
    2C: A: b
    2S: * 4 EXISTS
    2S: b OK [APPENDUID $validity 4] Appended
    1S: * 4 EXISTS
    2C: c CLOSE
    2S: c OK Closed
    1S: * VANISHED 3
    1C: DONE
    1S: a OK Done
    `,
    selected({ messages }, 'ENABLE QRESYNC'),
  ))

test('a session whose mailbox is deleted by another one is ended; our own DELETE only leaves it', () =>
  transcript(
    `
    1C: a SELECT x
    1S: * OK [CLOSED] The mailbox before is left
    1S: * FLAGS ...
    1S: * OK [PERMANENTFLAGS ...
    1S: * 0 EXISTS
    1S: * 0 RECENT
    1S: * OK [UIDVALIDITY ...
    1S: * OK [UIDNEXT ...
    1S: * OK [HIGHESTMODSEQ ...
    1S: * OK [MAILBOXID ...
    1S: a OK [READ-WRITE] Selected
    2C: b DELETE x
    2S: b OK Deleted
    1C: c NOOP
    1S: * BYE The selected mailbox was deleted
    1S: <closed>
    2C: d CREATE y
    2S: d OK [MAILBOXID ($y)] Created
    2C: e EXAMINE y
    2S: * OK [CLOSED] The mailbox before is left
    2S: * FLAGS ...
    2S: * OK [PERMANENTFLAGS ...
    2S: * 0 EXISTS
    2S: * 0 RECENT
    2S: * OK [UIDVALIDITY ...
    2S: * OK [UIDNEXT ...
    2S: * OK [HIGHESTMODSEQ ...
    2S: * OK [MAILBOXID ($y)] The mailbox has an id
    2S: e OK [READ-ONLY] Examined
    2C: f DELETE y
    2S: * OK [CLOSED] The selected mailbox is no more
    2S: f OK Deleted
    2C: g CHECK
    2S: g BAD Select a mailbox first
    `,
    selected({ messages, mailboxes: ['x'] }),
  ))

test('ENABLE CONDSTORE in a mailbox tells where it stands', () =>
  transcript(
    `
    C: a ENABLE CONDSTORE
    S: * ENABLED CONDSTORE
    S: * OK [HIGHESTMODSEQ $modseq] Changes are counted
    S: a OK Enabled
    `,
    selected({ messages }),
  ))

test('RENAME of INBOX takes its messages out of the view', () =>
  transcript(
    `
    C: a RENAME INBOX old
    S: * 3 EXPUNGE
    S: * 2 EXPUNGE
    S: * 1 EXPUNGE
    S: a OK Renamed
    `,
    selected({ messages }),
  ))

test('RENAME of another mailbox, and of the selected one, leaves the view as it is', () =>
  transcript(
    `
    C: a RENAME foo bar
    S: a OK Renamed
    C: b SELECT bar
    S: * OK [CLOSED] The mailbox before is left
    S: * FLAGS ...
    S: * OK [PERMANENTFLAGS ...
    S: * 0 EXISTS
    S: * 0 RECENT
    S: * OK [UIDVALIDITY ...
    S: * OK [UIDNEXT ...
    S: * OK [HIGHESTMODSEQ ...
    S: * OK [MAILBOXID ($id)] The mailbox has an id
    S: b OK [READ-WRITE] Selected
    C: c RENAME bar baz
    C: d STATUS baz (MAILBOXID)
    C: e APPEND baz {4+}
    C: A: b
    S: c OK Renamed
    S: * STATUS baz (MAILBOXID ($id))
    S: d OK That is the status
    S: * 1 EXISTS
    S: e OK [APPENDUID $validity 1] Appended
    `,
    selected({ messages, mailboxes: ['foo'] }),
  ))
