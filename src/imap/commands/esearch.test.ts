import { test } from 'node:test'
import { loggedIn, selected, transcript } from '#testing/transcript.ts'

const messages = [
  { body: 'Subject: one\r\n\r\nx\r\n', flags: ['\\Seen'] },
  { body: 'Subject: two\r\n\r\nx\r\n' },
  { body: 'Subject: three\r\n\r\nx\r\n' },
]

const FILL = [
  'CREATE A',
  'CREATE A/B',
  'CREATE A/B/C',
  'CREATE Été',
  'SUBSCRIBE A/B',
  'SELECT INBOX',
  'COPY 1:2 A',
  'COPY 3 A/B',
  'COPY 1:3 A/B/C',
  'CLOSE',
].map((line) => line.replace('Été', '&AMk-t&AOk-'))

test('ESEARCH with bad arguments, or without a selected mailbox where one is meant, is BAD', () =>
  transcript(
    `
    C: a ESEARCH IN () ALL
    S: a BAD The list must not be empty ...
    C: b ESEARCH IN (selected-delayed) ALL
    S: b BAD Mailboxes are expected ...
    C: c ESEARCH ALL
    S: c BAD No mailbox is selected
    C: d ESEARCH IN (personal selected) ALL
    S: d BAD No mailbox is selected
    C: e ESEARCH IN (personal) RETURN (SAVE) ALL
    S: e BAD SAVE is for the selected mailbox alone
    C: f ESEARCH IN (personal) CHARSET KOI8-R ALL
    S: f NO [BADCHARSET (US-ASCII UTF-8)] That charset is not known here
    `,
    loggedIn({ messages }),
  ))

test('ESEARCH answers for each mailbox that has something, by UID', () =>
  transcript(
    `
    C: a ESEARCH IN (personal) SUBJECT two
    S: * ESEARCH (TAG "a" MAILBOX "INBOX" UIDVALIDITY $inbox) UID ALL 2
    S: * ESEARCH (TAG "a" MAILBOX "A" UIDVALIDITY $a) UID ALL 2
    S: * ESEARCH (TAG "a" MAILBOX "A/B/C" UIDVALIDITY $c) UID ALL 2
    S: a OK Searched
    C: b ESEARCH IN (subtree-one A) RETURN (COUNT MIN) 1:2
    S: * ESEARCH (TAG "b" MAILBOX "A" UIDVALIDITY $a) UID MIN 1 COUNT 2
    S: * ESEARCH (TAG "b" MAILBOX "A/B" UIDVALIDITY $b) UID MIN 1 COUNT 1
    S: b OK Searched
    C: c ESEARCH IN (subtree (A/B Nowhere)) UNSEEN
    S: * ESEARCH (TAG "c" MAILBOX "A/B" UIDVALIDITY $b) UID ALL 1
    S: * ESEARCH (TAG "c" MAILBOX "A/B/C" UIDVALIDITY $c) UID ALL 2:3
    S: c OK Searched
    C: d ESEARCH IN (subscribed mailboxes (A inbox A)) RETURN (PARTIAL -1:-1) ALL
    S: * ESEARCH (TAG "d" MAILBOX "INBOX" UIDVALIDITY $inbox) UID PARTIAL (-1:-1 3)
    S: * ESEARCH (TAG "d" MAILBOX "A" UIDVALIDITY $a) UID PARTIAL (-1:-1 2)
    S: * ESEARCH (TAG "d" MAILBOX "A/B" UIDVALIDITY $b) UID PARTIAL (-1:-1 1)
    S: d OK Searched
    C: e ESEARCH IN (mailboxes Nowhere) RETURN (COUNT) ALL
    S: e OK Searched
    `,
    loggedIn({ messages }, ...FILL),
  ))

test('ESEARCH without sources searches the selected mailbox, which stays selected', () =>
  transcript(
    `
    C: a ESEARCH SUBJECT t
    S: * ESEARCH (TAG "a" MAILBOX "INBOX" UIDVALIDITY $v) UID ALL 2:3
    S: a OK Searched
    C: b ESEARCH IN (selected) RETURN (SAVE COUNT) SUBJECT t
    S: * ESEARCH (TAG "b" MAILBOX "INBOX" UIDVALIDITY $v) UID COUNT 2
    S: b OK Searched
    C: c SEARCH $
    S: * SEARCH 2 3
    S: c OK Searched
    C: d ESEARCH RETURN (COUNT) SUBJECT nothing
    S: d OK Searched
    `,
    selected({ messages }),
  ))

test('PARTIAL gives a part of the results, from the first or from the last', () =>
  transcript(
    `
    C: a SEARCH RETURN (PARTIAL 2:1) ALL
    S: * ESEARCH (TAG "a") PARTIAL (2:1 1:2)
    S: a OK Searched
    C: b UID SEARCH RETURN (PARTIAL -1:-2 COUNT) ALL
    S: * ESEARCH (TAG "b") UID COUNT 3 PARTIAL (-1:-2 2:3)
    S: b OK Searched
    C: c SEARCH RETURN (PARTIAL 4:9) ALL
    S: * ESEARCH (TAG "c") PARTIAL (4:9 NIL)
    S: c OK Searched
    C: d SEARCH RETURN (SAVE PARTIAL 3:9 MIN) ALL
    S: * ESEARCH (TAG "d") MIN 1 PARTIAL (3:9 3)
    S: d OK Searched
    C: e SEARCH $
    S: * SEARCH 1 3
    S: e OK Searched
    C: f UID FETCH 1:* (UID) (PARTIAL -1:-2)
    S: * 2 FETCH (UID 2)
    S: * 3 FETCH (UID 3)
    S: f OK Fetched
    C: g UID FETCH 1:* (UID) (PARTIAL 4:5)
    S: g OK Nothing to fetch
    C: h FETCH 1:* (UID) (PARTIAL 1:2)
    S: h BAD PARTIAL needs UID FETCH
    `,
    selected({ messages }),
  ))
