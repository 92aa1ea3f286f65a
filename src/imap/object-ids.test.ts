import { test } from 'node:test'
import { loggedIn, selected, transcript } from '#testing/transcript.ts'

const thread = [
  { body: Buffer.from('Message-ID: <one@x>\r\nSubject: lunch\r\n\r\n1\r\n') },
  { body: Buffer.from('Message-ID: <two@x>\r\nIn-Reply-To: <one@x>\r\nSubject: Re: lunch\r\n\r\n2\r\n') },
  { body: Buffer.from('Message-ID: <three@x>\r\nSubject: other\r\n\r\n3\r\n') },
]

const SELECTED = `S: * FLAGS ...
    S: * OK [PERMANENTFLAGS ...
    S: * 0 EXISTS
    S: * 0 RECENT
    S: * OK [UIDVALIDITY ...
    S: * OK [UIDNEXT ...
    S: * OK [HIGHESTMODSEQ ...`

test('MAILBOXID is in CREATE, SELECT, EXAMINE, STATUS and LIST-STATUS, one and the same (RFC 8474 §4.1 to §4.3)', () =>
  transcript(
    `
    C: a CREATE foo
    S: a OK [MAILBOXID ($foo)] Created
    C: b CREATE bar
    S: b OK [MAILBOXID ($bar)] Created
    C: c CREATE foo
    S: c NO [ALREADYEXISTS] ...
    C: d SELECT foo
    ${SELECTED}
    S: * OK [MAILBOXID ($foo)] ...
    S: d OK [READ-WRITE] Selected
    C: e EXAMINE foo
    S: * OK [CLOSED] ...
    ${SELECTED}
    S: * OK [MAILBOXID ($foo)] ...
    S: e OK [READ-ONLY] Examined
    C: f STATUS bar (MAILBOXID)
    S: * STATUS bar (MAILBOXID ($bar))
    S: f OK That is the status
    C: g LIST "" "*" RETURN (STATUS (MAILBOXID))
    S: * LIST (\\HasNoChildren) "/" INBOX
    S: * STATUS INBOX (MAILBOXID ($inbox))
    S: * LIST (\\HasNoChildren) "/" bar
    S: * STATUS bar (MAILBOXID ($bar))
    S: * LIST (\\HasNoChildren) "/" foo
    S: * STATUS foo (MAILBOXID ($foo))
    S: g OK That is the list
    `,
    loggedIn(),
  ))

test('RENAME keeps MAILBOXID, that of the levels below too; a mailbox made anew has another (§4)', () =>
  transcript(
    `
    C: a LIST "" "f*" RETURN (STATUS (MAILBOXID))
    S: * LIST (\\HasChildren) "/" foo
    S: * STATUS foo (MAILBOXID ($foo))
    S: * LIST (\\HasNoChildren) "/" foo/bar
    S: * STATUS foo/bar (MAILBOXID ($bar))
    S: a OK That is the list
    C: b RENAME foo new
    C: c LIST "" "n*" RETURN (STATUS (MAILBOXID))
    S: b OK Renamed
    S: * LIST (\\HasChildren) "/" new
    S: * STATUS new (MAILBOXID ($foo))
    S: * LIST (\\HasNoChildren) "/" new/bar
    S: * STATUS new/bar (MAILBOXID ($bar))
    S: c OK That is the list
    C: d DELETE new/bar
    C: e CREATE new/bar
    S: d OK Deleted
    S: e OK [MAILBOXID ($again)] Created
    `,
    loggedIn({ mailboxes: ['foo', 'foo/bar'] }),
  ))

test('RENAME of INBOX makes a new mailbox, and its messages keep their ids (§4, §5.1)', () =>
  transcript(
    `
    C: a UID FETCH 1:3 (EMAILID THREADID)
    S: * 1 FETCH (UID 1 EMAILID ($e1) THREADID ($t1))
    S: * 2 FETCH (UID 2 EMAILID ($e2) THREADID ($t1))
    S: * 3 FETCH (UID 3 EMAILID ($e3) THREADID ($t3))
    S: a OK Fetched
    C: b STATUS INBOX (MAILBOXID)
    S: * STATUS INBOX (MAILBOXID ($inbox))
    S: b OK That is the status
    C: c RENAME INBOX old
    S: * 3 EXPUNGE
    S: * 2 EXPUNGE
    S: * 1 EXPUNGE
    S: c OK Renamed
    C: d STATUS INBOX (MAILBOXID)
    S: * STATUS INBOX (MAILBOXID ($inbox))
    S: d OK That is the status
    C: e STATUS old (MAILBOXID)
    S: * STATUS old (MAILBOXID ($old))
    S: e OK That is the status
    C: f SELECT old
    S: <lines>
    S: f OK [READ-WRITE] Selected
    C: g FETCH 1:3 (EMAILID THREADID)
    S: * 1 FETCH (EMAILID ($e1) THREADID ($t1))
    S: * 2 FETCH (EMAILID ($e2) THREADID ($t1))
    S: * 3 FETCH (EMAILID ($e3) THREADID ($t3))
    S: g OK Fetched
    `,
    selected({ messages: thread }),
  ))

test('EMAILID is the same in COPY and MOVE; THREADID is shared by replies and never changes (§5.1, §5.2)', () =>
  transcript(
    `
    C: a FETCH 1:3 (EMAILID THREADID)
    S: * 1 FETCH (EMAILID ($e1) THREADID ($t1))
    S: * 2 FETCH (EMAILID ($e2) THREADID ($t1))
    S: * 3 FETCH (EMAILID ($e3) THREADID ($t3))
    S: a OK Fetched
    C: b MOVE 2 foo
    S: * OK [COPYUID $v 2 1] Moved
    S: * 2 EXPUNGE
    S: b OK Moved
    C: c COPY 1 foo
    S: c OK [COPYUID $v 1 2] Copied
    C: d FETCH 1:2 (EMAILID THREADID)
    S: * 1 FETCH (EMAILID ($e1) THREADID ($t1))
    S: * 2 FETCH (EMAILID ($e3) THREADID ($t3))
    S: d OK Fetched
    C: e SELECT foo
    S: <lines>
    S: e OK [READ-WRITE] Selected
    C: f FETCH 1:2 (EMAILID THREADID)
    S: * 1 FETCH (EMAILID ($e2) THREADID ($t1))
    S: * 2 FETCH (EMAILID ($e1) THREADID ($t1))
    S: f OK Fetched
    `,
    selected({ messages: thread, mailboxes: ['foo'] }),
  ))

test('SEARCH EMAILID and THREADID find what has the id, and an id of the other kind finds nothing (§5.2, §6)', () =>
  transcript(
    `
    C: a FETCH 1,3 (EMAILID THREADID)
    S: * 1 FETCH (EMAILID ($e1) THREADID ($t1))
    S: * 3 FETCH (EMAILID ($e3) THREADID ($t3))
    S: a OK Fetched
    C: b SEARCH EMAILID $e3
    S: * SEARCH 3
    S: b OK Searched
    C: c SEARCH THREADID $t1
    S: * SEARCH 1 2
    S: c OK Searched
    C: d UID SEARCH NOT THREADID $t1
    S: * SEARCH 3
    S: d OK Searched
    C: e SEARCH EMAILID $t1
    S: * SEARCH
    S: e OK Searched
    C: f SEARCH THREADID $e1
    S: * SEARCH
    S: f OK Searched
    C: g SEARCH EMAILID unknown-id_1
    S: * SEARCH
    S: g OK Searched
    `,
    selected({ messages: thread }),
  ))
