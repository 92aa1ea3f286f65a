import { test } from 'node:test'
import { SMALL_MESSAGE } from '#testing/imap-server.ts'
import { loggedIn, transcript } from '#testing/transcript.ts'

const size = SMALL_MESSAGE.length

test('STATUS refuses bad grammar and what is not there', () =>
  transcript(
    `
    C: a STATUS INBOX
    S: a BAD An argument is missing (at position 15)
    C: b STATUS INBOX ()
    S: b BAD The list must not be empty (at position 16)
    C: c STATUS INBOX (FOO)
    S: c BAD STATUS item is not known (at position 17)
    C: d STATUS nowhere (MESSAGES)
    S: d NO [NONEXISTENT] No such mailbox
    `,
    loggedIn(),
  ))

test('STATUS gives every item, in the order asked for', () =>
  transcript(
    `
    C: a STATUS inbox (UIDNEXT MESSAGES UNSEEN DELETED RECENT SIZE DELETED-STORAGE APPENDLIMIT UIDVALIDITY HIGHESTMODSEQ MAILBOXID)
    S: * STATUS INBOX (UIDNEXT 4 MESSAGES 3 UNSEEN 2 DELETED 2 RECENT 0 SIZE ${3 * size} DELETED-STORAGE ${2 * size} APPENDLIMIT 50000000 UIDVALIDITY $validity HIGHESTMODSEQ $modseq MAILBOXID ($id))
    S: a OK That is the status
    `,
    loggedIn({ messages: [{ flags: ['\\Seen', '\\Deleted'] }, {}, { flags: ['\\Deleted'] }] }),
  ))

test('GETQUOTA and GETQUOTAROOT tell limits, SETQUOTA is not for people', () =>
  transcript(
    `
    C: a GETQUOTA ""
    S: * QUOTA "" (STORAGE 1 1024 MESSAGE 1 10)
    S: a OK That is the quota
    C: b GETQUOTA other
    S: b NO [NONEXISTENT] No such quota root
    C: c GETQUOTAROOT inbox
    S: * QUOTAROOT INBOX ""
    S: * QUOTA "" (STORAGE 1 1024 MESSAGE 1 10)
    S: c OK That is the quota
    C: d GETQUOTAROOT nowhere
    S: d NO [NONEXISTENT] No such mailbox
    C: e SETQUOTA "" (STORAGE 512)
    S: e NO [NOPERM] Only the administrator changes quotas
    C: f SETQUOTA ""
    S: f BAD An argument is missing (at position 14)
    `,
    loggedIn({ messages: [{}], limits: { storageBytes: 1_048_576, messages: 10 } }),
  ))

test('without limits the quota is empty', () =>
  transcript(
    `
    C: a GETQUOTAROOT INBOX
    S: * QUOTAROOT INBOX ""
    S: a OK That is the quota
    `,
    loggedIn(),
  ))
