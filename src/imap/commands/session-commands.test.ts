import { test } from 'node:test'
import { connected, loggedIn, transcript } from '#testing/transcript.ts'

const LOGGED_IN =
  'IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE LANGUAGE IDLE NOTIFY NAMESPACE CHILDREN LIST-EXTENDED LIST-STATUS SPECIAL-USE ' +
  'CREATE-SPECIAL-USE STATUS=SIZE UIDPLUS UNSELECT MOVE MULTIAPPEND BINARY UTF8=ACCEPT CONDSTORE QRESYNC ESEARCH ' +
  'SEARCHRES WITHIN OBJECTID SAVEDATE PREVIEW REPLACE UIDONLY UIDBATCHES I18NLEVEL=1 INPROGRESS QUOTA QUOTASET QUOTA=RES-STORAGE QUOTA=RES-MESSAGE ' +
  'SORT SORT=DISPLAY ESORT CONTEXT=SEARCH THREAD=ORDEREDSUBJECT THREAD=REFERENCES THREAD=REFS SEARCH=FUZZY PARTIAL MULTISEARCH ' +
  'METADATA LIST-METADATA ACL RIGHTS=kxte LIST-MYRIGHTS COMPRESS=DEFLATE UNAUTHENTICATE MESSAGELIMIT=100000 APPENDLIMIT=50000000'

test('CAPABILITY after the login lists everything', () =>
  transcript(
    `
    C: a CAPABILITY now
    S: a BAD Nothing more is expected (at position 14)
    C: b CAPABILITY
    S: * CAPABILITY ${LOGGED_IN}
    S: b OK That is all
    `,
    loggedIn(),
  ))

test('what is no command is BAD, with its tag where there is one', () =>
  transcript(
    `
    C: a FROBNICATE
    S: a BAD Unknown command
    C: 
    S: * BAD A tag is expected (at position 1)
    C: b
    S: * BAD ...
    C: c UID NOOP
    S: c BAD Unknown command
    C: * NOOP
    S: * BAD A tag is expected (at position 1)
    C: d (
    S: d BAD An atom is expected (at position 3)
    `,
    loggedIn(),
  ))

test('NOOP and CHECK do nothing, the latter in a mailbox only', () =>
  transcript(
    `
    C: a noop
    S: a OK Nothing done
    C: b CHECK
    S: b BAD Select a mailbox first
    `,
    loggedIn(),
  ))

test('ID tells our name, and takes a name or none', () =>
  transcript(
    `
    S: ...
    C: a ID NIL
    S: * ID ("name" "Malle")
    S: a OK Pleased to meet you
    C: b ID ("name" "mutt" "version" NIL "vendor" "x")
    S: * ID ("name" "Malle")
    S: b OK Pleased to meet you
    C: c ID ("name")
    S: c BAD ...
    `,
    connected(),
  ))

test('ENABLE tells what is on now and was not before', () =>
  transcript(
    `
    C: a ENABLE
    S: a BAD An argument is missing (at position 9)
    C: b ENABLE X-UNKNOWN condstore
    S: * ENABLED CONDSTORE
    S: b OK Enabled
    C: c ENABLE QRESYNC CONDSTORE UTF8=ACCEPT
    S: * ENABLED QRESYNC UTF8=ACCEPT
    S: c OK Enabled
    C: d ENABLE IMAP4rev2 QRESYNC
    S: * ENABLED IMAP4rev2
    S: d OK Enabled
    C: e ENABLE IMAP4rev2
    S: * ENABLED
    S: e OK Enabled
    `,
    loggedIn(),
  ))

test('NAMESPACE is the person’s own and that of other people', () =>
  transcript(
    `
    C: a NAMESPACE
    S: * NAMESPACE (("" "/")) (("Other users/" "/")) NIL
    S: a OK Those are the namespaces
    `,
    loggedIn(),
  ))

test('LOGOUT says BYE and ends, whatever comes behind it', () =>
  transcript(
    `
    C: a LOGOUT
    C: b NOOP
    S: * BYE See you
    S: a OK Logged out
    S: <closed>
    `,
    loggedIn(),
  ))

test('IDLE waits for DONE, takes commands behind it, and keeps the line awake', () =>
  transcript(
    `
    C: a IDLE
    C: DONE
    C: b NOOP
    S: + Idling
    S: a OK Done
    S: b OK Nothing done
    C: c IDLE
    S: + Idling
    T: 119000
    T: 1000
    S: * OK Still here
    T: 119000
    T: 1000
    S: * OK Still here
    C: done
    S: c OK Done
    C: d IDLE
    S: + Idling
    C: e NOOP
    S: d BAD DONE was expected
    `,
    loggedIn(),
  ))

test('IDLE ends after half an hour of silence, however often we spoke', () =>
  transcript(
    `
    C: a IDLE
    S: + Idling
    ${'T: 120000\nS: * OK Still here\n'.repeat(14)}
    T: 120000
    S: * BYE Nothing was heard for too long
    S: <closed>
    `,
    loggedIn(),
  ))
