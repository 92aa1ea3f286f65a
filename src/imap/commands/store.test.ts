import { test } from 'node:test'
import { loggedIn, selected, transcript } from '#testing/transcript.ts'

const three = { messages: [{}, { flags: ['\\Seen', 'work'] }, {}] }

test('STORE refuses bad grammar', () =>
  transcript(
    `
    C: a STORE
    S: a BAD An argument is missing (at position 8)
    C: b STORE x FLAGS (\\Seen)
    S: b BAD A set of message numbers is expected (at position 9)
    C: c STORE 1 FLAG (\\Seen)
    S: c BAD ...
    C: d STORE 1 FLAGS (\\Seen
    S: d BAD ...
    C: e STORE 1 (UNCHANGEDSINCE x) FLAGS ()
    S: e BAD ...
    C: f STORE 1 (CHANGEDSINCE 1) FLAGS ()
    S: f BAD ...
    C: g STORE 0 FLAGS ()
    S: g BAD ...
    `,
    selected(three),
  ))

test('STORE needs a mailbox that may be changed, and numbers that exist', () =>
  transcript(
    `
    C: a STORE 1 FLAGS ()
    S: a BAD Select a mailbox first
    C: b EXAMINE INBOX
    S: * FLAGS ...
    S: * OK [PERMANENTFLAGS ()] ...
    S: * 1 EXISTS
    S: * 0 RECENT
    S: * OK [UNSEEN 1] ...
    S: * OK [UIDVALIDITY $v] ...
    S: * OK [UIDNEXT 2] ...
    S: * OK [HIGHESTMODSEQ $m] ...
    S: * OK [MAILBOXID ($id)] ...
    S: b OK [READ-ONLY] Examined
    C: c STORE 1 +FLAGS (\\Seen)
    S: c NO [READ-ONLY] The mailbox was only examined
    C: d STORE 2 +FLAGS (\\Seen)
    S: d NO [READ-ONLY] The mailbox was only examined
    `,
    loggedIn({ messages: [{}] }),
  ))

test('STORE adds, removes and replaces, and tells the result whether it changed or not', () =>
  transcript(
    `
    C: a STORE 1:2 +FLAGS (\\Flagged work)
    S: * 1 FETCH (FLAGS (\\Flagged work))
    S: * 2 FETCH (FLAGS (\\Flagged \\Seen work))
    S: a OK Stored
    C: b STORE 2 -FLAGS \\Flagged WORK
    S: * 2 FETCH (FLAGS (\\Seen))
    S: b OK Stored
    C: c STORE 1,3 FLAGS (\\Answered)
    S: * 1 FETCH (FLAGS (\\Answered))
    S: * 3 FETCH (FLAGS (\\Answered))
    S: c OK Stored
    C: d STORE * FLAGS (\\Answered)
    S: * 3 FETCH (FLAGS (\\Answered))
    S: d OK Stored
    C: e UID STORE 2,7 FLAGS ()
    S: * 2 FETCH (UID 2 FLAGS ())
    S: e OK Stored
    C: f UID STORE 9 FLAGS ()
    S: f OK Nothing to store
    C: g STORE 4 FLAGS ()
    S: g BAD There is no message of that number
    C: h STORE 1 FLAGS (\\Recent \\Unheard)
    S: * 1 FETCH (FLAGS ())
    S: h OK Stored
    `,
    selected(three),
  ))

test('STORE of a new keyword tells FLAGS and PERMANENTFLAGS first', () =>
  transcript(
    `
    C: a STORE 1 +FLAGS (new)
    S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft work new)
    S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft work new \\*)] New keywords are welcome
    S: * 1 FETCH (FLAGS (new))
    S: a OK Stored
    C: b STORE 1 +FLAGS (${Array.from({ length: 101 }, (_, n) => `k${n}`).join(' ')})
    S: b NO [LIMIT] ...
    `,
    selected(three),
  ))

test('STORE .SILENT is silent, except where another session changed the message, too', () =>
  transcript(
    `
    2C: 0 NOOP
    2S: 0 OK Nothing done
    1C: a STORE 1:2 +FLAGS.SILENT (\\Flagged)
    1S: a OK Stored
    2C: a NOOP
    2S: * 1 FETCH (FLAGS (\\Flagged))
    2S: * 2 FETCH (FLAGS (\\Flagged \\Seen work))
    2S: a OK Nothing done
    2C: b STORE 1 +FLAGS.SILENT (\\Draft)
    2S: b OK Stored
    1C: b STORE 1:3 +FLAGS.SILENT (\\Answered)
    1S: * 1 FETCH (FLAGS (\\Answered \\Flagged \\Draft))
    1S: b OK Stored
    2C: c STORE 3 FLAGS.SILENT (\\Answered)
    2S: * 1 FETCH (FLAGS (\\Answered \\Flagged \\Draft))
    2S: * 2 FETCH (FLAGS (\\Answered \\Flagged \\Seen work))
    2S: c OK Stored
    1C: c NOOP
    1S: c OK Nothing done
    `,
    selected(three),
  ))

test('STORE to a client that counts MODSEQs tells UID and MODSEQ, of silent ones nothing else', () =>
  transcript(
    `
    C: a STORE 1 +FLAGS (\\Flagged)
    S: * 1 FETCH (UID 1 FLAGS (\\Flagged) MODSEQ ($a))
    S: a OK Stored
    C: b STORE 1:2 +FLAGS.SILENT (\\Flagged)
    S: * 2 FETCH (UID 2 MODSEQ ($b))
    S: b OK Stored
    C: c UID STORE 2 -FLAGS.SILENT (\\Flagged)
    S: * 2 FETCH (UID 2 MODSEQ ($c))
    S: c OK Stored
    `,
    selected(three, 'ENABLE CONDSTORE'),
  ))

test('STORE UNCHANGEDSINCE leaves changed messages alone, names them and tells how they are', () =>
  transcript(
    `
    2C: 0 NOOP
    2S: 0 OK Nothing done
    1C: a STORE 1:3 (UNCHANGEDSINCE 4) +FLAGS.SILENT (\\Flagged)
    1S: * OK [HIGHESTMODSEQ 4] Changes are counted
    1S: * 1 FETCH (UID 1 MODSEQ (5))
    1S: * 2 FETCH (UID 2 MODSEQ (5))
    1S: * 3 FETCH (UID 3 MODSEQ (5))
    1S: a OK Stored
    2C: a STORE 2 +FLAGS.SILENT (\\Draft)
    2S: * 1 FETCH (FLAGS (\\Flagged))
    2S: * 2 FETCH (FLAGS (\\Flagged \\Seen \\Draft work))
    2S: * 3 FETCH (FLAGS (\\Flagged))
    2S: a OK Stored
    1C: b STORE 1:3 (UNCHANGEDSINCE 5) -FLAGS.SILENT (\\Flagged)
    1S: * 1 FETCH (UID 1 MODSEQ (7))
    1S: * 2 FETCH (UID 2 FLAGS (\\Flagged \\Seen \\Draft work) MODSEQ (6))
    1S: * 3 FETCH (UID 3 MODSEQ (7))
    1S: b OK [MODIFIED 2] Some have changed meanwhile
    1C: c UID STORE 1:2 (UNCHANGEDSINCE 0) FLAGS ()
    1S: * 1 FETCH (UID 1 FLAGS () MODSEQ (7))
    1S: * 2 FETCH (UID 2 FLAGS (\\Flagged \\Seen \\Draft work) MODSEQ (6))
    1S: c OK [MODIFIED 1:2] Some have changed meanwhile
    1C: d STORE 3 (UNCHANGEDSINCE 7) -FLAGS.SILENT (\\Flagged)
    1S: * 3 FETCH (UID 3 MODSEQ (7))
    1S: d OK Stored
    `,
    selected(three),
  ))

test('STORE on messages that another session expunged does the rest, keeps numbers and says so', () =>
  transcript(
    `
    1C: a NOOP
    1S: a OK Nothing done
    2C: a STORE 2 +FLAGS.SILENT (\\Deleted)
    2S: a OK Stored
    2C: b EXPUNGE
    2S: * 2 EXPUNGE
    2S: b OK Expunged
    1C: b STORE 1:3 +FLAGS (\\Flagged)
    1S: * 1 FETCH (FLAGS (\\Flagged))
    1S: * 3 FETCH (FLAGS (\\Flagged))
    1S: b NO [EXPUNGEISSUED] Some of the messages no longer exist
    1C: c STORE 3 -FLAGS (\\Flagged)
    1S: * 3 FETCH (FLAGS ())
    1S: c OK Stored
    1C: d UID STORE 2:3 +FLAGS (\\Flagged)
    1S: * 2 EXPUNGE
    1S: * 2 FETCH (UID 3 FLAGS (\\Flagged))
    1S: d OK Stored
    `,
    selected(three),
  ))

test('STORE .SILENT that finds news on its way tells the flags that are left in the end', () =>
  transcript(
    `
    1C: 0 NOOP
    1S: 0 OK Nothing done
    2C: a STORE 1 FLAGS.SILENT (\\Draft)
    2S: a OK Stored
    1C: a UID STORE 1,77 FLAGS.SILENT (\\Seen)
    1S: * 1 FETCH (UID 1 FLAGS (\\Draft))
    1S: * 1 FETCH (UID 1 FLAGS (\\Seen))
    1S: a OK Stored
    `,
    selected(three),
  ))

test('UID STOREs that come in one piece and ask the same are one change', () =>
  transcript(
    `
    2C: z NOOP
    2S: z OK ...
    1C: a UID STORE 1 +FLAGS (\\Flagged)
    1C: b UID STORE 3 +FLAGS (\\Flagged)
    1C: c UID STORE 9 +FLAGS (\\Flagged)
    1S: * 1 FETCH (UID 1 FLAGS (\\Flagged) MODSEQ ($one))
    1S: * 3 FETCH (UID 3 FLAGS (\\Flagged) MODSEQ ($one))
    1S: a OK Stored
    1S: b OK Stored
    1S: c OK Stored
    2C: a NOOP
    2S: * 1 FETCH (UID 1 FLAGS (\\Flagged) MODSEQ ($one))
    2S: * 3 FETCH (UID 3 FLAGS (\\Flagged) MODSEQ ($one))
    2S: a OK ...
    1C: d UID STORE 1 -FLAGS.SILENT (\\Flagged)
    1C: e UID STORE 2 -FLAGS.SILENT (\\Flagged)
    1C: f NOOP
    1S: * 1 FETCH (UID 1 MODSEQ ($two))
    1S: d OK Stored
    1S: e OK Stored
    1S: f OK ...
    `,
    selected(three, 'ENABLE CONDSTORE'),
  ))

test('UID STOREs in one piece that ask different things are done one after the other', () =>
  transcript(
    `
    C: a UID STORE 1 +FLAGS (\\Flagged)
    C: b UID STORE 1 -FLAGS (\\Flagged)
    C: c UID STORE 1 +FLAGS (work)
    C: d UID STORE x +FLAGS (work)
    C: e UID STORE 1 (UNCHANGEDSINCE 1) +FLAGS (work)
    S: * 1 FETCH (UID 1 FLAGS (\\Flagged))
    S: a OK Stored
    S: * 1 FETCH (UID 1 FLAGS ())
    S: b OK Stored
    S: * FLAGS ...
    S: * OK [PERMANENTFLAGS ...
    S: * 1 FETCH (UID 1 FLAGS (work))
    S: c OK Stored
    S: d BAD ...
    S: * OK [HIGHESTMODSEQ $m] ...
    S: * 1 FETCH (UID 1 FLAGS (work) MODSEQ ($m))
    S: e OK [MODIFIED 1] Some have changed meanwhile
    `,
    selected({ messages: [{}] }),
  ))

test('no more UID STOREs are joined than one command may have messages', () =>
  transcript(
    `
    C: a UID STORE 1 +FLAGS (\\Flagged)
    C: b UID STORE 2 +FLAGS (\\Flagged)
    C: c UID STORE 3 +FLAGS (\\Flagged)
    S: * 1 FETCH (UID 1 FLAGS (\\Flagged))
    S: * 2 FETCH (UID 2 FLAGS (\\Flagged \\Seen work))
    S: a OK Stored
    S: b OK Stored
    S: * 3 FETCH (UID 3 FLAGS (\\Flagged))
    S: c OK Stored
    `,
    selected({ ...three, messagesPerCommand: 2 }),
  ))
