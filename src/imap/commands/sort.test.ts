import { test } from 'node:test'
import { selected, transcript } from '#testing/transcript.ts'

function message(fields: string, date: number): { body: string; date: number } {
  return { body: `${fields}\r\n\r\nx\r\n`, date: Date.UTC(2024, 0, date) }
}

const messages = [
  message('From: "Zoe" <carl@x>\r\nTo: b@x\r\nSubject: Re: plan\r\nDate: Wed, 3 Jan 2024 10:00:00 +0000', 3),
  message(
    'From: =?utf-8?q?=C3=89mile?= <ann@x>\r\nTo: a@x\r\nSubject: Apple\r\nDate: Mon, 1 Jan 2024 10:00:00 +0000',
    2,
  ),
  message('From: bob@x\r\nCc: q@x\r\nSubject: [list] PLAN\r\nDate: Tue, 2 Jan 2024 23:30:00 -0500', 1),
  message('Subject: _zzz_ and a longer text', 4),
]

const CASES: readonly (readonly [criteria: string, sorted: string])[] = [
  ['ARRIVAL', '3 2 1 4'],
  ['DATE', '2 3 1 4'],
  ['REVERSE DATE', '4 1 3 2'],
  ['SUBJECT', '2 1 3 4'],
  ['SUBJECT REVERSE DATE', '2 1 3 4'],
  ['FROM', '4 2 3 1'],
  ['DISPLAYFROM', '4 3 2 1'],
  ['TO', '3 4 2 1'],
  ['REVERSE DISPLAYTO', '1 2 3 4'],
  ['CC', '1 2 4 3'],
  ['REVERSE SIZE', '2 1 3 4'],
  ['DATE DATE REVERSE DATE', '2 3 1 4'],
]

test('SORT with bad arguments is BAD, with an unknown charset NO', () =>
  transcript(
    `
    C: a SORT (DATE) UTF-8
    S: a BAD An argument is missing ...
    C: b SORT (HOPE) UTF-8 ALL
    S: b BAD Sort criterion is not known ...
    C: c SORT (DATE) KOI8-R ALL
    S: c NO [BADCHARSET (US-ASCII UTF-8)] That charset is not known here
    C: d SORT (RELEVANCY) UTF-8 ALL
    S: d BAD RELEVANCY needs FUZZY
    C: e SORT RETURN (PARTIAL 1:2 ALL) (DATE) UTF-8 ALL
    S: e BAD PARTIAL and ALL exclude each other ...
    `,
    selected({ messages }),
  ))

for (const [criteria, sorted] of CASES)
  test(`SORT (${criteria}) gives ${sorted}`, () =>
    transcript(
      `
      C: a SORT (${criteria}) UTF-8 ALL
      S: * SORT ${sorted}
      S: a OK Sorted
      `,
      selected({ messages }),
    ))

test('SORT answers for what the search finds alone, UID SORT with UIDs', () =>
  transcript(
    `
    C: a SORT (SUBJECT) US-ASCII TEXT "not in mailbox"
    S: * SORT
    S: a OK Sorted
    C: b STORE 1 +FLAGS.SILENT (\\Deleted)
    S: b OK Stored
    C: c EXPUNGE
    S: * 1 EXPUNGE
    S: c OK Expunged
    C: d SORT (SUBJECT) UTF-8 OR SUBJECT plan SUBJECT apple
    S: * SORT 1 2
    S: d OK Sorted
    C: e UID SORT (REVERSE SUBJECT) UTF-8 ALL
    S: * SORT 4 3 2
    S: e OK Sorted
    `,
    selected({ messages }),
  ))

test('SORT RETURN answers ESEARCH in the order asked for, with ascending ranges alone', () =>
  transcript(
    `
    C: a UID SORT RETURN () (REVERSE DATE) UTF-8 ALL
    S: * ESEARCH (TAG "a") UID ALL 4,1,3,2
    S: a OK Sorted
    C: b SORT RETURN (MIN MAX COUNT) (ARRIVAL) UTF-8 ALL
    S: * ESEARCH (TAG "b") MIN 3 MAX 4 COUNT 4
    S: b OK Sorted
    C: c SORT RETURN (PARTIAL 2:3) (ARRIVAL) UTF-8 ALL
    S: * ESEARCH (TAG "c") PARTIAL (2:3 2,1)
    S: c OK Sorted
    C: d SORT RETURN (SAVE MIN) (ARRIVAL) UTF-8 ALL
    S: * ESEARCH (TAG "d") MIN 3
    S: d OK Sorted
    C: e UID SORT (SIZE) UTF-8 $
    S: * SORT 3
    S: e OK Sorted
    `,
    selected({ messages }),
  ))

test('SORT by MODSEQ tells the highest one', () =>
  transcript(
    `
    C: a SORT (SIZE) UTF-8 MODSEQ 1
    S: * OK [HIGHESTMODSEQ $high] Changes are counted
    S: * SORT 4 3 1 2 (MODSEQ $high)
    S: a OK Sorted
    `,
    selected({ messages }),
  ))

test('exact fits better than loose, the subject better than the text, the newest best among equals (RFC 6203 §4)', () =>
  transcript(
    `
    C: a SORT RETURN (ALL RELEVANCY) (RELEVANCY) UTF-8 FUZZY TEXT "blue sky"
    S: * ESEARCH (TAG "a") ALL 2,1,5,4,3 RELEVANCY (82 76 75 44 13)
    S: a OK Sorted
    `,
    selected({
      messages: [
        { body: 'Subject: blue sky\r\n\r\nx\r\n' },
        { body: 'Subject: a blue sky\r\n\r\nx\r\n' },
        { body: 'Subject: other\r\n\r\nsky so blue\r\n' },
        { body: 'Subject: sky, blue\r\n\r\nx\r\n' },
        { body: 'Subject: other\r\n\r\nthe blue sky\r\n' },
        { body: 'Subject: nothing\r\n\r\nx\r\n' },
      ],
    }),
  ))

test('FUZZY takes words in any order; RELEVANCY says how well they fit', () =>
  transcript(
    `
    C: a SEARCH SUBJECT "text longer"
    S: * SEARCH
    S: a OK Searched
    C: b SEARCH RETURN (ALL RELEVANCY) FUZZY (SUBJECT "text longer")
    S: * ESEARCH (TAG "b") ALL 4 RELEVANCY (50)
    S: b OK Searched
    C: c SORT RETURN (ALL RELEVANCY) (RELEVANCY) UTF-8 OR FUZZY SUBJECT "text longer" SUBJECT apple
    S: * ESEARCH (TAG "c") ALL 2,4 RELEVANCY (76 50)
    S: c OK Sorted
    C: d SEARCH RETURN (RELEVANCY) ALL
    S: d BAD RELEVANCY needs FUZZY
    `,
    selected({ messages }),
  ))

test('after ENABLE UTF8=ACCEPT, SORT and THREAD take no charset but UTF-8 (RFC 9755 §3)', () =>
  transcript(
    `
    C: a SORT (DATE) US-ASCII ALL
    S: a BAD The charset is UTF-8 after ENABLE UTF8=ACCEPT
    C: b THREAD REFS US-ASCII ALL
    S: b BAD The charset is UTF-8 after ENABLE UTF8=ACCEPT
    C: c SORT (DATE) utf-8 SUBJECT nothing
    S: * SORT
    S: c OK Sorted
    `,
    selected({ messages }, 'ENABLE UTF8=ACCEPT'),
  ))
