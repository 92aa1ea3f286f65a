import { test } from 'node:test'
import { selected, transcript } from '#testing/transcript.ts'
import { UPDATED_SEARCHES } from '../limits.ts'

const messages = [
  { body: 'Subject: apples\r\n\r\nx\r\n', flags: ['\\Flagged'] },
  { body: 'Subject: pears\r\n\r\nx\r\n' },
  { body: 'Subject: apples again\r\n\r\nx\r\n', flags: ['\\Seen'] },
  { body: 'Subject: plums\r\n\r\nx\r\n' },
]

test('CANCELUPDATE needs a mailbox, quoted tags, and a search of that tag', () =>
  transcript(
    `
    C: a CANCELUPDATE
    S: a BAD An argument is missing (at position 15)
    C: b CANCELUPDATE "a" c
    S: b BAD A string is expected (at position 20)
    C: c CANCELUPDATE "a"
    S: c BAD No search of that tag is kept up to date
    C: d UNSELECT
    S: d OK ...
    C: e CANCELUPDATE "a"
    S: e BAD Select a mailbox first
    `,
    selected({ messages }),
  ))

test('RETURN (UPDATE) tells what comes and goes as other sessions change flags (RFC 5267 §4.3)', () =>
  transcript(
    `
    1C: a UID SEARCH RETURN (UPDATE COUNT) FLAGGED
    1S: * ESEARCH (TAG "a") UID COUNT 1
    1S: a OK Searched
    1C: b SEARCH RETURN (CONTEXT UPDATE) UNSEEN
    1S: * ESEARCH (TAG "b") ALL 1:2,4
    1S: b OK Searched
    2C: a UID STORE 1:3 +FLAGS.SILENT (\\Seen)
    2S: a OK ...
    2C: b UID STORE 2:3 +FLAGS.SILENT (\\Flagged)
    2S: b OK ...
    1C: c NOOP
    1S: * 1 FETCH (FLAGS (\\Flagged \\Seen))
    1S: * 2 FETCH (FLAGS (\\Flagged \\Seen))
    1S: * 3 FETCH (FLAGS (\\Flagged \\Seen))
    1S: * ESEARCH (TAG "a") UID ADDTO (0 2:3)
    1S: * ESEARCH (TAG "b") REMOVEFROM (0 1:2)
    1S: c OK Nothing done
    1C: d UID STORE 3 -FLAGS.SILENT (\\Flagged)
    1S: * ESEARCH (TAG "a") UID REMOVEFROM (0 3)
    1S: d OK Stored
    1C: e CANCELUPDATE "a"
    1S: e OK You are told no more of it
    1C: f UID STORE 3 +FLAGS.SILENT (\\Flagged)
    1S: f OK Stored
    1C: g UID STORE 3 -FLAGS.SILENT (\\Seen)
    1S: * ESEARCH (TAG "b") ADDTO (0 3)
    1S: g OK Stored
    `,
    selected({ messages }),
  ))

test('expunges are told before EXPUNGE, new messages after EXISTS, numbers as they are then (§4.3.3, §4.3.4)', () =>
  transcript(
    `
    1C: a SEARCH RETURN (UPDATE MIN) SUBJECT apples
    1S: * ESEARCH (TAG "a") MIN 1
    1S: a OK Searched
    1C: b UID SEARCH RETURN (UPDATE ALL) 2:3
    1S: * ESEARCH (TAG "b") UID ALL 2:3
    1S: b OK Searched
    1C: c IDLE
    1S: + Idling
    2C: a UID STORE 1:2 +FLAGS.SILENT (\\Deleted)
    2S: a OK ...
    1S: * 1 FETCH (...)
    1S: * 2 FETCH (...)
    2C: b APPEND INBOX (\\Seen) {26+}
    2C: Subject: more apples
    2C:
    2C: x
    2S: * 5 EXISTS
    2S: b OK ...
    1S: * 5 EXISTS
    1S: * ESEARCH (TAG "a") ADDTO (0 5)
    2C: c EXPUNGE
    2S: * 2 EXPUNGE
    2S: * 1 EXPUNGE
    2S: c OK ...
    1S: * ESEARCH (TAG "a") REMOVEFROM (0 1)
    1S: * ESEARCH (TAG "b") UID REMOVEFROM (0 2)
    1S: * 2 EXPUNGE
    1S: * 1 EXPUNGE
    1C: DONE
    1S: c OK Done
    `,
    selected({ messages }),
  ))

test('expunges that are held back are held back here too', () =>
  transcript(
    `
    1C: a UID SEARCH RETURN (UPDATE COUNT) ALL
    1S: * ESEARCH (TAG "a") UID COUNT 4
    1S: a OK Searched
    2C: a UID STORE 2 +FLAGS.SILENT (\\Deleted)
    2S: a OK ...
    2C: b EXPUNGE
    2S: * 2 EXPUNGE
    2S: b OK ...
    1C: b FETCH 1 (UID)
    1S: * 1 FETCH (UID 1)
    1S: b OK ...
    1C: c NOOP
    1S: * ESEARCH (TAG "a") UID REMOVEFROM (0 2)
    1S: * 2 EXPUNGE
    1S: c OK Nothing done
    `,
    selected({ messages }),
  ))

test('a tag in use is BAD; too many, those that age, SORT and ESEARCH are NOUPDATE and answered (§4.3, §4.3.1)', () =>
  transcript(
    `
    C: x UID SEARCH RETURN (UPDATE COUNT) ALL
    S: * ESEARCH (TAG "x") UID COUNT 4
    S: x OK Searched
    C: x UID SEARCH RETURN (UPDATE COUNT) SEEN
    S: x BAD A search of that tag is kept up to date
    C: x UID SORT RETURN (UPDATE COUNT) (ARRIVAL) UTF-8 ALL
    S: x BAD A search of that tag is kept up to date
    C: y UID SEARCH RETURN (UPDATE COUNT) NOT OLDER 60
    S: * ESEARCH (TAG "y") UID COUNT ...
    S: * NO [NOUPDATE "y"] This search is not kept up to date
    S: y OK Searched
    C: z UID SORT RETURN (UPDATE COUNT) (ARRIVAL) UTF-8 ALL
    S: * ESEARCH (TAG "z") UID COUNT 4
    S: * NO [NOUPDATE "z"] This search is not kept up to date
    S: z OK Sorted
    C: w ESEARCH IN (selected) RETURN (UPDATE COUNT) ALL
    S: * ESEARCH (TAG "w" MAILBOX "INBOX" UIDVALIDITY $v) UID COUNT 4
    S: * NO [NOUPDATE "w"] This search is not kept up to date
    S: w OK Searched
    ${Array.from(
      { length: UPDATED_SEARCHES - 1 },
      (_, n) => `C: t${n} UID SEARCH RETURN (UPDATE COUNT) ALL
    S: * ESEARCH (TAG "t${n}") UID COUNT 4
    S: t${n} OK Searched`,
    ).join('\n    ')}
    C: u UID SEARCH RETURN (UPDATE COUNT) ALL
    S: * ESEARCH (TAG "u") UID COUNT 4
    S: * NO [NOUPDATE "u"] This search is not kept up to date
    S: u OK Searched
    C: v CANCELUPDATE "x" "t1"
    S: v OK You are told no more of it
    C: u UID SEARCH RETURN (UPDATE COUNT) ALL
    S: * ESEARCH (TAG "u") UID COUNT 4
    S: u OK Searched
    `,
    selected({ messages }),
  ))

test('with another mailbox selected, nothing is told any more', () =>
  transcript(
    `
    1C: a UID SEARCH RETURN (UPDATE COUNT) SEEN
    1S: * ESEARCH (TAG "a") UID COUNT 1
    1S: a OK Searched
    1C: b SELECT INBOX
    1S: * ...
    1S: * ...
    1S: * ...
    1S: * ...
    1S: * ...
    1S: * ...
    1S: * ...
    1S: * ...
    1S: * ...
    1S: * ...
    1S: b OK ...
    1C: c UID STORE 1 +FLAGS.SILENT (\\Seen)
    1S: c OK Stored
    `,
    selected({ messages }),
  ))
