import { test } from 'node:test'
import { connected, loggedIn, selected, transcript } from '#testing/transcript.ts'

const BADEVENT =
  'BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange)'

/** Three small messages in INBOX. */
const three = { messages: [{}, {}, {}] }

/** And mailboxes beside it. */
const folders = { mailboxes: ['Lists', 'Lists/one', 'Other'], messages: [{ mailbox: 'Lists/one' }] }

test('NOTIFY refuses what RFC 5465 §8 has not', () =>
  transcript(
    `
    C: a NOTIFY
    S: a BAD An argument is missing (at position 9)
    C: b NOTIFY SOME
    S: b BAD SET or NONE is expected (at position 10)
    C: c NOTIFY SET (personal (MailboxName)
    S: c BAD ")" is expected (at position 37)
    C: d NOTIFY SET (selected (MailboxName))
    S: d BAD That is no event of messages (at position 25)
    C: e NOTIFY SET (selected NONE) (selected-delayed NONE)
    S: e BAD The selected mailbox is named already (at position 30)
    C: f NOTIFY SET (personal (MessageNew (UID) MessageExpunge))
    S: f BAD FETCH items are for the selected mailbox (at position 35)
    `,
    loggedIn(),
  ))

test('NOTIFY needs a login', () =>
  transcript(
    `
    S: * OK ...
    C: a NOTIFY NONE
    S: a BAD Log in first
    `,
    connected(),
  ))

test('NOTIFY names the events that there are where one is not known', () =>
  transcript(
    `
    C: a NOTIFY SET (personal (MessageNew MessageExpunge AnnotationChange))
    S: a NO [${BADEVENT}] One of these events is not known here
    C: b NOTIFY SET (selected (AnnotationChange))
    S: b NO [${BADEVENT}] One of these events is not known here
    C: c NOTIFY SET (personal (NewEvent))
    S: c NO [${BADEVENT}] One of these events is not known here
    `,
    loggedIn(),
  ))

for (const events of ['MessageNew', 'MessageExpunge', 'FlagChange', 'MessageNew FlagChange'])
  test(`NOTIFY refuses ${events} alone (RFC 5465 §5)`, () =>
    transcript(
      `
      C: a NOTIFY SET (personal (${events}))
      S: a BAD MessageNew and MessageExpunge come together, FlagChange with both
      `,
      loggedIn(),
    ))

test('NOTIFY SET STATUS says what there is of every mailbox that is watched', () =>
  transcript(
    `
    C: a NOTIFY SET STATUS (subtree Lists (MessageNew MessageExpunge)) (mailboxes (Other None) (MessageNew MessageExpunge FlagChange)) (mailboxes INBOX (MailboxName))
    S: * STATUS Lists (MESSAGES 0 UIDNEXT 1 UIDVALIDITY $a)
    S: * STATUS Lists/one (MESSAGES 1 UIDNEXT 2 UIDVALIDITY $b)
    S: * STATUS Other (MESSAGES 0 UIDNEXT 1 UIDVALIDITY $c UNSEEN 0 HIGHESTMODSEQ $d)
    S: a OK You will be told
    `,
    loggedIn(folders),
  ))

test('NOTIFY SET says what has accumulated, as NOOP would (RFC 5465 §3.1)', () =>
  transcript(
    `
    1C: a NOTIFY NONE
    1S: a OK Nothing is told unasked
    2C: a STORE 1 +FLAGS.SILENT (\\Seen)
    2S: a OK Stored
    2C: b APPEND INBOX {4+}
    2C: x: y
    2S: * 4 EXISTS
    2S: b OK ...
    1C: b NOOP
    1S: b OK Nothing done
    1C: c NOTIFY SET (personal NONE)
    1S: * 4 EXISTS
    1S: * 1 FETCH (UID 1 FLAGS (\\Seen))
    1S: c OK You will be told
    `,
    selected(three),
  ))

test('a delivery into any mailbox is told between commands', () =>
  transcript(
    `
    1C: a NOTIFY SET (personal (MessageNew MessageExpunge))
    1S: a OK You will be told
    2C: a APPEND Other {4+}
    2C: x: y
    2S: a OK ...
    1S: * STATUS Other (MESSAGES 1 UIDNEXT 2 UIDVALIDITY $v)
    2C: b SELECT Lists/one
    2S: * FLAGS ...
    2S: * OK [PERMANENTFLAGS ...
    2S: * 1 EXISTS
    2S: * 0 RECENT
    2S: * OK [UNSEEN 1] ...
    2S: * OK [UIDVALIDITY $w] ...
    2S: * OK [UIDNEXT 2] ...
    2S: * OK [HIGHESTMODSEQ ...
    2S: * OK [MAILBOXID ...
    2S: b OK ...
    2C: c MOVE 1 Other
    2S: * OK [COPYUID ...
    2S: * 1 EXPUNGE
    2S: c OK ...
    1U: * STATUS Lists/one (MESSAGES 0 UIDNEXT 2 UIDVALIDITY $w)
    1U: * STATUS Other (MESSAGES 2 UIDNEXT 3 UIDVALIDITY $v)
    2C: d NOOP
    2S: d OK ...
    `,
    loggedIn(folders),
  ))

test('what the client does itself is not told (RFC 5465 §5)', () =>
  transcript(
    `
    1C: a NOTIFY SET (personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))
    1S: a OK You will be told
    1C: b APPEND Other {4+}
    1C: x: y
    1S: b OK ...
    1C: c CREATE New
    1S: c OK ...
    1C: d SUBSCRIBE New
    1S: d OK ...
    1C: e RENAME New Newer
    1S: e OK ...
    1C: f DELETE Newer
    1S: f OK ...
    1C: g NOOP
    1S: g OK ...
    2C: a APPEND Other {4+}
    2C: x: y
    2S: a OK ...
    1S: * STATUS Other (MESSAGES 2 UIDNEXT 3 UIDVALIDITY $v UNSEEN 2)
    `,
    loggedIn(folders),
  ))

test('flags in other mailboxes are told by UNSEEN, or by HIGHESTMODSEQ with CONDSTORE (RFC 5465 §5.1)', () =>
  transcript(
    `
    2C: s SELECT INBOX
    2S: * FLAGS ...
    2S: * OK [PERMANENTFLAGS ...
    2S: * 3 EXISTS
    2S: * 0 RECENT
    2S: * OK [UNSEEN 1] ...
    2S: * OK [UIDVALIDITY $v] ...
    2S: * OK [UIDNEXT 4] ...
    2S: * OK [HIGHESTMODSEQ ...
    2S: * OK [MAILBOXID ...
    2S: s OK ...
    1C: a NOTIFY SET (personal (MessageNew MessageExpunge FlagChange))
    1S: a OK You will be told
    2C: a STORE 1 +FLAGS.SILENT (\\Flagged)
    2S: a OK Stored
    2C: b STORE 1 +FLAGS.SILENT (\\Seen)
    2S: b OK Stored
    1S: * STATUS INBOX (UIDVALIDITY $v UNSEEN 2)
    1C: b ENABLE CONDSTORE
    1S: * ENABLED CONDSTORE
    1S: b OK Enabled
    2C: c STORE 1 -FLAGS.SILENT (\\Flagged)
    2S: c OK Stored
    1S: * STATUS INBOX (UIDVALIDITY $v HIGHESTMODSEQ $m)
    1C: c STATUS INBOX (HIGHESTMODSEQ)
    1S: * STATUS INBOX (HIGHESTMODSEQ $m)
    1S: c OK ...
    `,
    loggedIn(three),
  ))

test('the selected mailbox is told at once, with what was asked of new messages', () =>
  transcript(
    `
    1C: a NOTIFY SET (selected (MessageNew (FLAGS BODY.PEEK[HEADER.FIELDS (Subject)]) MessageExpunge FlagChange))
    1S: a OK You will be told
    2C: a APPEND INBOX (\\Flagged) {12+}
    2C: Subject: new
    2S: * 4 EXISTS
    2S: a OK ...
    1S: * 4 EXISTS
    1S: * 4 FETCH (UID 4 FLAGS (\\Flagged) BODY[HEADER.FIELDS (Subject)] {12}
    1S: Subject: new)
    2C: b STORE 2 +FLAGS.SILENT (\\Deleted)
    2S: b OK Stored
    1S: * 2 FETCH (UID 2 FLAGS (\\Deleted))
    2C: c EXPUNGE
    2S: * 2 EXPUNGE
    2S: c OK Expunged
    1S: * 2 EXPUNGE
    1C: b APPEND INBOX {4+}
    1C: x: y
    1S: * 4 EXISTS
    1S: b OK ...
    `,
    selected(three),
  ))

test('without FlagChange the flags that others change are not told', () =>
  transcript(
    `
    1C: a NOTIFY SET (selected (MessageNew MessageExpunge))
    1S: a OK You will be told
    2C: a STORE 1 +FLAGS.SILENT (\\Seen)
    2S: a OK Stored
    2C: b STORE 2 +FLAGS.SILENT (\\Deleted)
    2S: b OK Stored
    2C: c EXPUNGE
    2S: * 2 EXPUNGE
    2S: c OK Expunged
    1S: * 2 EXPUNGE
    1C: b STORE 2 +FLAGS (\\Flagged)
    1S: * 2 FETCH (UID 3 FLAGS (\\Flagged))
    1S: b OK Stored
    1C: c FETCH 1 FLAGS
    1S: * 1 FETCH (FLAGS (\\Seen))
    1S: c OK Fetched
    `,
    selected(three),
  ))

test('SELECTED-DELAYED keeps EXPUNGE back until a command may answer with it (RFC 5465 §6.1.2)', () =>
  transcript(
    `
    1C: a NOTIFY SET (selected-delayed (MessageNew MessageExpunge FlagChange))
    1S: a OK You will be told
    2C: a STORE 1 +FLAGS.SILENT (\\Deleted)
    2S: a OK Stored
    1S: * 1 FETCH (UID 1 FLAGS (\\Deleted))
    2C: b EXPUNGE
    2S: * 1 EXPUNGE
    2S: b OK Expunged
    2C: c APPEND INBOX {4+}
    2C: x: y
    2S: * 3 EXISTS
    2S: c OK ...
    1S: * 4 EXISTS
    1C: b FETCH 2 UID
    1S: * 2 FETCH (UID 2)
    1S: b OK Fetched
    1C: c NOOP
    1S: * 1 EXPUNGE
    1S: c OK Nothing done
    `,
    selected(three),
  ))

test('IDLE lets go of what SELECTED-DELAYED kept back', () =>
  transcript(
    `
    1C: a NOTIFY SET (selected-delayed (MessageNew MessageExpunge)) (mailboxes Other (MessageNew MessageExpunge))
    1S: a OK You will be told
    2C: a STORE 1 +FLAGS.SILENT (\\Deleted)
    2S: a OK Stored
    2C: b EXPUNGE
    2S: * 1 EXPUNGE
    2S: b OK Expunged
    1C: b IDLE
    1S: + Idling
    1S: * 1 EXPUNGE
    2C: c APPEND Other {4+}
    2C: x: y
    2S: c OK ...
    1S: * STATUS Other (MESSAGES 1 UIDNEXT 2 UIDVALIDITY $v)
    1C: DONE
    1S: b OK Done
    `,
    selected({ ...three, mailboxes: ['Other'] }),
  ))

test('a mailbox of which nothing is wanted stays as it was, but for what the client does (RFC 5465 §5)', () =>
  transcript(
    `
    1C: a NOTIFY SET (selected NONE)
    1S: a OK You will be told
    2C: a STORE 1:2 +FLAGS.SILENT (\\Deleted)
    2S: a OK Stored
    2C: b UID EXPUNGE 1
    2S: * 1 EXPUNGE
    2S: b OK Expunged
    1C: b IDLE
    1S: + Idling
    1C: DONE
    1S: b OK Done
    1C: c STORE 3 +FLAGS (\\Flagged)
    1S: * 3 FETCH (UID 3 FLAGS (\\Flagged))
    1S: c OK Stored
    1C: d FETCH 1:3 FLAGS
    1S: * 1 FETCH (FLAGS ())
    1S: * 2 FETCH (FLAGS ())
    1S: * 3 FETCH (FLAGS (\\Flagged))
    1S: d OK Fetched
    1C: e EXPUNGE
    1S: * 2 EXPUNGE
    1S: e OK Expunged
    1C: f NOTIFY SET (selected (MessageNew MessageExpunge))
    1S: * 1 EXPUNGE
    1S: f OK You will be told
    `,
    selected(three),
  ))

test('QRESYNC is told of VANISHED and MODSEQ between commands', () =>
  transcript(
    `
    1C: a NOTIFY SET (selected (MessageNew (UID MODSEQ) MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge))
    1S: a OK You will be told
    2C: a STORE 1 +FLAGS.SILENT (\\Deleted)
    2S: * 1 FETCH (UID 1 MODSEQ ($m))
    2S: a OK Stored
    1S: * 1 FETCH (UID 1 FLAGS (\\Deleted) MODSEQ ($m))
    2C: b EXPUNGE
    2S: * VANISHED 1
    2S: b OK [HIGHESTMODSEQ $h] Expunged
    1S: * VANISHED 1
    2C: c APPEND INBOX {4+}
    2C: x: y
    2S: * 3 EXISTS
    2S: c OK ...
    1S: * 3 EXISTS
    1S: * 3 FETCH (UID 4 MODSEQ ($n))
    2C: d APPEND Other {4+}
    2C: x: y
    2S: d OK ...
    1S: * STATUS Other (MESSAGES 1 UIDNEXT 2 UIDVALIDITY $v HIGHESTMODSEQ $o)
    `,
    selected({ ...three, mailboxes: ['Other'] }, 'ENABLE QRESYNC'),
  ))

test('names that come, change and go are told with the level above (RFC 5465 §5.4)', () =>
  transcript(
    `
    1C: a NOTIFY SET (personal (MailboxName))
    1S: a OK You will be told
    2C: a CREATE Lists/two
    2S: a OK ...
    1S: * LIST (\\HasChildren) "/" Lists
    1S: * LIST (\\HasNoChildren) "/" Lists/two
    2C: b RENAME Lists Groups
    2S: b OK ...
    1S: * LIST (\\HasChildren) "/" Groups ("OLDNAME" (Lists))
    2C: c DELETE Other
    2S: c OK ...
    1S: * LIST (\\NonExistent \\HasNoChildren) "/" Other
    2C: d SUBSCRIBE Groups
    2S: d OK ...
    2C: e NOOP
    2S: e OK ...
    `,
    loggedIn(folders),
  ))

test('subscriptions are told, and decide what SUBSCRIBED watches from then on (RFC 5465 §5.5, §6.4)', () =>
  transcript(
    `
    1C: a NOTIFY SET (personal (SubscriptionChange)) (subscribed (MessageNew MessageExpunge))
    1S: a OK You will be told
    2C: a APPEND Other {4+}
    2C: x: y
    2S: a OK ...
    2C: b SUBSCRIBE Other
    2S: b OK ...
    1S: * LIST (\\HasNoChildren \\Subscribed) "/" Other
    2C: c APPEND Other {4+}
    2C: x: y
    2S: c OK ...
    1S: * STATUS Other (MESSAGES 2 UIDNEXT 3 UIDVALIDITY $v)
    2C: d UNSUBSCRIBE Other
    2S: d OK ...
    1S: * LIST (\\HasNoChildren) "/" Other
    2C: e APPEND Other {4+}
    2C: x: y
    2S: e OK ...
    `,
    loggedIn(folders),
  ))

test('another mailbox in the place of one is told by its UIDVALIDITY', () =>
  transcript(
    `
    1C: a NOTIFY SET STATUS (mailboxes Other (MessageNew MessageExpunge FlagChange))
    1S: * STATUS Other (MESSAGES 0 UIDNEXT 1 UIDVALIDITY $v UNSEEN 0 HIGHESTMODSEQ $m)
    1S: a OK You will be told
    2C: a DELETE Other
    2C: b CREATE Other
    2S: a OK ...
    2S: b OK ...
    1S: * STATUS Other (MESSAGES 0 UIDNEXT 1 UIDVALIDITY $w)
    A: $v < $w
    `,
    loggedIn(folders),
  ))

test('a mailbox that is left is watched again, from what its client knew', () =>
  transcript(
    `
    1C: a NOTIFY SET (selected (MessageNew MessageExpunge)) (personal (MessageNew MessageExpunge))
    1S: a OK You will be told
    2C: a APPEND INBOX {4+}
    2C: x: y
    2S: * 4 EXISTS
    2S: a OK ...
    1S: * 4 EXISTS
    1C: b UNSELECT
    1S: b OK Left
    1C: c NOOP
    1S: c OK ...
    2C: b APPEND INBOX {4+}
    2C: x: y
    2S: * 5 EXISTS
    2S: b OK ...
    1S: * STATUS INBOX (MESSAGES 5 UIDNEXT 6 UIDVALIDITY $v)
    `,
    selected(three),
  ))

test('NONE takes mailboxes out of what other groups ask for', () =>
  transcript(
    `
    1C: a NOTIFY SET (personal (MessageNew MessageExpunge)) (subtree Lists NONE)
    1S: a OK You will be told
    2C: a APPEND Lists/one {4+}
    2C: x: y
    2S: a OK ...
    2C: b APPEND Other {4+}
    2C: x: y
    2S: b OK ...
    1S: * STATUS Other (MESSAGES 1 UIDNEXT 2 UIDVALIDITY $v)
    `,
    loggedIn(folders),
  ))

test('NOTIFY NONE ends it', () =>
  transcript(
    `
    1C: a NOTIFY SET (personal (MessageNew MessageExpunge MailboxName))
    1S: a OK You will be told
    1C: b NOTIFY NONE
    1S: b OK Nothing is told unasked
    2C: a APPEND Other {4+}
    2C: x: y
    2S: a OK ...
    2C: b CREATE New
    2S: b OK ...
    1C: c NOOP
    1S: c OK Nothing done
    `,
    loggedIn(folders),
  ))

test('nothing is told in the middle of a command, and all of it afterwards', () =>
  transcript(
    `
    1C: a NOTIFY SET (personal (MessageNew MessageExpunge))
    1S: a OK You will be told
    1C: b STATUS {3}
    1S: + OK
    2C: a APPEND Other {4+}
    2C: x: y
    2S: a OK ...
    1C: Lists (MESSAGES)
    1S: b BAD ...
    1S: * STATUS Other (MESSAGES 1 UIDNEXT 2 UIDVALIDITY $v)
    `,
    loggedIn(folders),
  ))

test('annotations that change are told by their names (RFC 5465 §5.6, §5.7)', () =>
  transcript(
    `
    1C: a NOTIFY SET (subtree Lists (MailboxMetadataChange)) (mailboxes None (ServerMetadataChange))
    1S: a OK You will be told
    2C: a SETMETADATA Lists (/shared/comment "x" /private/comment "y")
    2S: a OK ...
    1S: * METADATA Lists /private/comment /shared/comment
    2C: b SETMETADATA Lists (/shared/comment NIL /private/comment "y")
    2S: b OK ...
    1S: * METADATA Lists /shared/comment
    2C: c SETMETADATA "" (/private/comment "z")
    2S: c OK ...
    1S: * METADATA "" /private/comment
    2C: d SETMETADATA Other (/shared/comment "x")
    2S: d OK ...
    1C: b SETMETADATA Lists (/shared/comment "mine")
    1S: b OK ...
    1C: c NOOP
    1S: c OK ...
    `,
    loggedIn(folders),
  ))
