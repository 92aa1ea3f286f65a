import { test } from 'node:test'
import { openMemoryStore } from '#adapters/memory/memory-store.ts'
import { TestImapServer } from '#testing/imap-server.ts'
import { loggedIn, on, transcript } from '#testing/transcript.ts'

const messages = Array.from({ length: 6 }, (_, n) => ({ flags: n % 2 === 1 ? ['\\Deleted'] : [] }))

/** Five lines of SELECT that are not the point. */
const DESCRIPTION = `
    S: * FLAGS ...
    S: * OK [PERMANENTFLAGS ...`

test('SELECT (QRESYNC …) tells what went and what changed since', async () => {
  await using server = await TestImapServer.start({ messages })
  await transcript(
    `
    C: a STATUS INBOX (UIDVALIDITY HIGHESTMODSEQ)
    S: * STATUS INBOX (UIDVALIDITY $validity HIGHESTMODSEQ $old)
    S: a OK That is the status
    C: b SELECT INBOX
    S: * FLAGS ...
    S: * OK [PERMANENTFLAGS ...
    S: * 6 EXISTS
    S: * OK [UIDVALIDITY $validity] UIDs are valid
    S: * OK [UIDNEXT 7] The next UID
    S: * OK [HIGHESTMODSEQ $old] Changes are counted
    S: * OK [MAILBOXID ...
    S: * LIST ...
    S: b OK [READ-WRITE] Selected
    C: c CLOSE
    S: c OK Closed
    C: d APPEND INBOX (\\Flagged) {4+}
    C: A: b
    S: d OK [APPENDUID $validity 7] Appended
    C: e SELECT INBOX (QRESYNC ($validity $old))
    ${DESCRIPTION}
    S: * 4 EXISTS
    S: * OK [UIDVALIDITY $validity] UIDs are valid
    S: * OK [UIDNEXT 8] The next UID
    S: * OK [HIGHESTMODSEQ $new] Changes are counted
    S: * OK [MAILBOXID ...
    S: * LIST ...
    S: * VANISHED (EARLIER) 2,4,6
    S: * 4 FETCH (UID 7 FLAGS (\\Flagged) MODSEQ ($new))
    S: e OK [READ-WRITE] Selected
    C: f SELECT INBOX (QRESYNC ($validity $old 1:3,5))
    S: * OK [CLOSED] The mailbox before is left
    ${DESCRIPTION}
    S: * 4 EXISTS
    S: * OK [UIDVALIDITY $validity] UIDs are valid
    S: * OK [UIDNEXT 8] The next UID
    S: * OK [HIGHESTMODSEQ $new] Changes are counted
    S: * OK [MAILBOXID ...
    S: * LIST ...
    S: * VANISHED (EARLIER) 2
    S: f OK [READ-WRITE] Selected
    C: g SELECT INBOX (QRESYNC (4711 $old))
    S: * OK [CLOSED] The mailbox before is left
    ${DESCRIPTION}
    S: * 4 EXISTS
    S: * OK [UIDVALIDITY $validity] UIDs are valid
    S: * OK [UIDNEXT 8] The next UID
    S: * OK [HIGHESTMODSEQ $new] Changes are counted
    S: * OK [MAILBOXID ...
    S: * LIST ...
    S: g OK [READ-WRITE] Selected
    `,
    on(server, loggedIn({}, 'ENABLE IMAP4rev2 QRESYNC')),
  )
})

test('where nobody remembers what went, every UID that is not there has, unless the client proves that it knows', async () => {
  await using server = await TestImapServer.start({ messages, store: openMemoryStore({ maxTombstones: 0 }) })
  await transcript(
    `
    C: a STATUS INBOX (UIDVALIDITY HIGHESTMODSEQ)
    S: * STATUS INBOX (UIDVALIDITY $validity HIGHESTMODSEQ $old)
    S: a OK That is the status
    C: b SELECT INBOX
    S: * FLAGS ...
    S: * OK [PERMANENTFLAGS ...
    S: * 6 EXISTS
    S: * 0 RECENT
    S: * OK [UNSEEN 1] The first unseen
    S: * OK [UIDVALIDITY $validity] UIDs are valid
    S: * OK [UIDNEXT 7] The next UID
    S: * OK [HIGHESTMODSEQ $old] Changes are counted
    S: * OK [MAILBOXID ...
    S: b OK [READ-WRITE] Selected
    C: c CLOSE
    S: c OK Closed
    C: d SELECT INBOX (QRESYNC ($validity $old 1:6 (1,2 1,3)))
    S: * FLAGS ...
    S: * OK [PERMANENTFLAGS ...
    S: * 3 EXISTS
    S: * 0 RECENT
    S: * OK [UNSEEN 1] The first unseen
    S: * OK [UIDVALIDITY $validity] UIDs are valid
    S: * OK [UIDNEXT 7] The next UID
    S: * OK [HIGHESTMODSEQ $new] Changes are counted
    S: * OK [MAILBOXID ...
    S: * VANISHED (EARLIER) 4,6
    S: d OK [READ-WRITE] Selected
    C: e SELECT INBOX (QRESYNC ($validity $old 1:4294967295))
    S: * OK [CLOSED] The mailbox before is left
    S: * FLAGS ...
    S: * OK [PERMANENTFLAGS ...
    S: * 3 EXISTS
    S: * 0 RECENT
    S: * OK [UNSEEN 1] The first unseen
    S: * OK [UIDVALIDITY $validity] UIDs are valid
    S: * OK [UIDNEXT 7] The next UID
    S: * OK [HIGHESTMODSEQ $new] Changes are counted
    S: * OK [MAILBOXID ...
    S: * VANISHED (EARLIER) 2,4,6
    S: e OK [READ-WRITE] Selected
    `,
    on(server, loggedIn({}, 'ENABLE QRESYNC')),
  )
})
