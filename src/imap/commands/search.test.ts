import { test } from 'node:test'
import { selected, transcript } from '#testing/transcript.ts'

const messages = [
  {
    body: 'From: Zoë <zoe@example.org>\r\nTo: ann@example.org\r\nSubject: =?utf-8?q?=C3=89t=C3=A9?= plans\r\nDate: Mon, 1 Jul 2024 23:30:00 -0700\r\nX-Tag: one\r\n\r\nWe meet at the lake.\r\n',
    flags: ['\\Seen', '$Work'],
    date: Date.UTC(2024, 6, 2, 6, 30),
  },
  {
    body: 'From: bob@example.net\r\nSubject: invoice\r\nDate: Wed, 3 Jul 2024 10:00:00 +0000\r\n\r\nPlease pay 40 euros.\r\n',
    flags: ['\\Flagged'],
    date: Date.UTC(2024, 6, 3, 10),
  },
  {
    body: 'From: bob@example.net\r\nBcc: hidden@example.net\r\nSubject: Re: invoice\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nR3LDvMOfZSBhdXMgS8O2bG4K\r\n',
    flags: ['\\Seen', '\\Answered'],
    date: Date.UTC(2024, 6, 4, 10),
  },
]

const CASES: readonly (readonly [keys: string, found: string])[] = [
  ['ALL', '1 2 3'],
  ['SEEN', '1 3'],
  ['UNSEEN', '2'],
  ['UNSEEN FLAGGED', '2'],
  ['ANSWERED', '3'],
  ['KEYWORD $work', '1'],
  ['UNKEYWORD $Work', '2 3'],
  ['KEYWORD nobody', ''],
  ['NEW', ''],
  ['OLD', '1 2 3'],
  ['2:3', '2 3'],
  ['3:7', '3'],
  ['*', '3'],
  ['UID 1,3', '1 3'],
  ['NOT 1', '2 3'],
  ['OR 1 SUBJECT invoice', '1 2 3'],
  ['(SEEN ANSWERED)', '3'],
  ['SUBJECT INVOICE', '2 3'],
  ['FROM zoe@example', '1'],
  ['FROM BOB SEEN', '3'],
  ['TO ann', '1'],
  ['BCC hidden', '3'],
  ['HEADER X-Tag ""', '1'],
  ['HEADER X-Tag ON', '1'],
  ['HEADER x-tag two', ''],
  ['HEADER Subject ""', '1 2 3'],
  ['BODY lake', '1'],
  ['BODY invoice', ''],
  ['TEXT invoice', '2 3'],
  ['TEXT "40 EUROS"', '2'],
  ['NOT TEXT invoice', '1'],
  ['BODY aus', '3'],
  ['LARGER 150', '1 3'],
  ['SMALLER 150', '2'],
  ['SINCE 3-Jul-2024', '2 3'],
  ['ON 3-Jul-2024', '2'],
  ['BEFORE 3-Jul-2024', '1'],
  ['SENTON 1-Jul-2024', '1'],
  ['SENTSINCE 2-Jul-2024', '2'],
  ['MODSEQ 1', '1 2 3 (MODSEQ $high)'],
  ['MODSEQ 999999', ''],
  ['EMAILID nonsense', ''],
  ['SAVEDATESUPPORTED', '1 2 3'],
]

for (const [keys, found] of CASES) {
  test(`SEARCH ${keys} finds ${found === '' ? 'nothing' : found}`, () =>
    transcript(
      `
      C: a SEARCH ${keys}
      ${keys.startsWith('MODSEQ') ? 'S: * OK [HIGHESTMODSEQ $high] Changes are counted' : ''}
      S: * SEARCH${found === '' ? '' : ` ${found}`}
      S: a OK Searched
      `,
      selected({ messages }),
    ))
}

test('SEARCH takes text in UTF-8 and compares it without case', () =>
  transcript(
    `
    C: a SEARCH CHARSET UTF-8 SUBJECT {5+}
    C: \\xc9T\\xc9x
    S: a BAD The string is not UTF-8 (at position 32)
    C: b SEARCH CHARSET UTF-8 SUBJECT {5+}
    C: \\xc3\\x89T\\xc3\\x89
    S: * SEARCH 1
    S: b OK Searched
    C: c SEARCH CHARSET UTF-8 BODY {7+}
    C: GR\\xc3\\x9cSSE
    S: * SEARCH 3
    S: c OK Searched
    `,
    selected({ messages }),
  ))

test('SEARCH refuses charsets it does not know', () =>
  transcript(
    `
    C: a SEARCH CHARSET KOI8-R SUBJECT x
    S: a NO [BADCHARSET (US-ASCII UTF-8)] That charset is not known here
    `,
    selected({ messages }),
  ))

test('SEARCH RETURN answers ESEARCH with what is asked', () =>
  transcript(
    `
    C: a SEARCH RETURN (MIN MAX COUNT) SEEN
    S: * ESEARCH (TAG "a") MIN 1 MAX 3 COUNT 2
    S: a OK Searched
    C: b UID SEARCH RETURN () ALL
    S: * ESEARCH (TAG "b") UID ALL 1:3
    S: b OK Searched
    C: c SEARCH RETURN (MIN COUNT ALL) DELETED
    S: * ESEARCH (TAG "c") COUNT 0
    S: c OK Searched
    C: d UID SEARCH RETURN (ALL) DELETED
    S: * ESEARCH (TAG "d") UID
    S: d OK Searched
    `,
    selected({ messages }),
  ))

test('with rev2 enabled SEARCH answers ESEARCH', () =>
  transcript(
    `
    C: a SEARCH SEEN
    S: * ESEARCH (TAG "a") ALL 1,3
    S: a OK Searched
    `,
    selected({ messages }, 'ENABLE IMAP4rev2'),
  ))

test('SAVE keeps the result in $, which loses messages that go', () =>
  transcript(
    `
    C: a SEARCH RETURN (SAVE) SEEN
    S: a OK Searched
    C: b SEARCH $
    S: * SEARCH 1 3
    S: b OK Searched
    C: c SEARCH RETURN (SAVE MAX) SEEN
    S: * ESEARCH (TAG "c") MAX 3
    S: c OK Searched
    C: d UID SEARCH $
    S: * SEARCH 3
    S: d OK Searched
    C: e SEARCH RETURN (SAVE) CHARSET KOI8-R SUBJECT x
    S: e NO [BADCHARSET (US-ASCII UTF-8)] That charset is not known here
    C: f SEARCH $
    S: * SEARCH
    S: f OK Searched
    `,
    selected({ messages }),
  ))

test('in an empty mailbox 1:* finds nothing and is no fault', () =>
  transcript(
    `
    C: a SEARCH 1:*
    S: * SEARCH
    S: a OK Searched
    C: b UID SEARCH UID 1:*
    S: * SEARCH
    S: b OK Searched
    `,
    selected(),
  ))

const RETURNS: readonly (readonly [options: string, answer: string | undefined, saved?: string])[] = [
  ['', 'ALL 1,3'],
  ['ALL', 'ALL 1,3'],
  ['COUNT', 'COUNT 2'],
  ['MIN', 'MIN 1'],
  ['MAX', 'MAX 3'],
  ['COUNT ALL MAX MIN', 'MIN 1 MAX 3 ALL 1,3 COUNT 2'],
  ['PARTIAL 1:1', 'PARTIAL (1:1 1)'],
  ['PARTIAL -1:-1', 'PARTIAL (-1:-1 3)'],
  ['PARTIAL 2:1', 'PARTIAL (2:1 1,3)'],
  ['PARTIAL 3:4', 'PARTIAL (3:4 NIL)'],
  ['MIN COUNT PARTIAL 2:9', 'MIN 1 COUNT 2 PARTIAL (2:9 3)'],
  ['SAVE', undefined, '1,3'],
  ['SAVE ALL', 'ALL 1,3', '1,3'],
  ['SAVE COUNT', 'COUNT 2', '1,3'],
  ['SAVE MIN', 'MIN 1', '1'],
  ['MAX SAVE', 'MAX 3', '3'],
  ['MIN SAVE MAX', 'MIN 1 MAX 3', '1,3'],
  ['MIN SAVE COUNT', 'MIN 1 COUNT 2', '1,3'],
  ['SAVE PARTIAL 2:2', 'PARTIAL (2:2 3)', '3'],
  ['SAVE PARTIAL 3:4', 'PARTIAL (3:4 NIL)', ''],
  ['SAVE MIN PARTIAL 2:2', 'MIN 1 PARTIAL (2:2 3)', '1,3'],
  ['SAVE COUNT PARTIAL 2:2', 'COUNT 2 PARTIAL (2:2 3)', '1,3'],
  ['CONTEXT', 'ALL 1,3'],
  ['CONTEXT COUNT', 'COUNT 2'],
]

test('every combination of RETURN options, in SEARCH and in SORT (RFC 4731 §3.1, RFC 5182 §2.4, RFC 9394 §3)', async () => {
  const commands = RETURNS.flatMap(([options, answer, saved], n) =>
    ['UID SEARCH', 'UID SORT'].flatMap((name) => [
      `C: a${n} ${name} RETURN (${options}) ${name === 'UID SORT' ? '(ARRIVAL) UTF-8 ' : ''}SEEN`,
      ...(answer === undefined ? [] : [`S: * ESEARCH (TAG "a${n}") UID ${answer}`]),
      `S: a${n} OK ...`,
      ...(saved === undefined
        ? []
        : [
            `C: b${n} UID SEARCH RETURN (ALL) $`,
            `S: * ESEARCH (TAG "b${n}") UID${saved === '' ? '' : ` ALL ${saved}`}`,
            `S: b${n} OK ...`,
          ]),
    ]),
  )
  await transcript(commands.join('\n'), selected({ messages }))
})

test('RETURN of nothing found has no MIN, MAX and ALL; COUNT is 0 (RFC 4731 §3.1)', () =>
  transcript(
    `
    C: a UID SEARCH RETURN (MIN MAX ALL COUNT) DRAFT
    S: * ESEARCH (TAG "a") UID COUNT 0
    S: a OK Searched
    C: b UID SEARCH RETURN () DRAFT
    S: * ESEARCH (TAG "b") UID
    S: b OK Searched
    `,
    selected({ messages }),
  ))

test('an empty $ is a set of no messages to every command (RFC 5182 §2.1)', () =>
  transcript(
    `
    C: a UID SEARCH RETURN (SAVE) DRAFT
    S: a OK Searched
    C: b FETCH $ FLAGS
    S: b OK Nothing to fetch
    C: c UID STORE $ +FLAGS (\\Seen)
    S: c OK ...
    C: d COPY $ Kept
    S: d OK Nothing to copy
    C: e UID MOVE $ Kept
    S: e OK ...
    C: f UID EXPUNGE $
    S: f OK ...
    C: g SEARCH NOT $
    S: * SEARCH 1 2 3
    S: g OK Searched
    `,
    selected({ messages, mailboxes: ['Kept'] }),
  ))
