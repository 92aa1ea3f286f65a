import { test } from 'node:test'
import { connected, loggedIn, selected, transcript } from '#testing/transcript.ts'

const three = [{}, {}, {}]

test('STORE and EXPUNGE in one piece are done in their order, and so is what stands behind them', () =>
  transcript(
    `
    C: a UID STORE 1,3 +FLAGS.SILENT (\\Deleted)
    C: b EXPUNGE
    C: c UID STORE 2 +FLAGS.SILENT (\\Deleted)
    C: d UID EXPUNGE 2
    C: e UID SEARCH ALL
    S: a OK Stored
    S: * 3 EXPUNGE
    S: * 1 EXPUNGE
    S: b OK Expunged
    S: c OK Stored
    S: * 1 EXPUNGE
    S: d OK Expunged
    S: * SEARCH
    S: e OK Searched
    `,
    selected({ messages: three }),
  ))

test('iOS ends IDLE and goes on in the same piece', () =>
  transcript(
    `
    C: a IDLE
    S: + Idling
    C: DONE
    C: b UID STORE 2 +FLAGS.SILENT (\\Deleted)
    C: c UID EXPUNGE 2
    C: d IDLE
    S: a OK Done
    S: b OK Stored
    S: * 2 EXPUNGE
    S: c OK Expunged
    S: + Idling
    C: DONE
    S: d OK Done
    `,
    selected({ messages: three }),
  ))

test('before ENABLE nothing is of rev2, and no 8-bit octet is outside literals', () =>
  transcript(
    `
    C: a STATUS "Caf&AOk-" (MESSAGES)
    S: * STATUS Caf&AOk- (MESSAGES 0)
    S: a OK That is the status
    C: b LIST "" "C*" RETURN (STATUS (MESSAGES))
    S: * LIST (\\HasNoChildren) "/" Caf&AOk-
    S: * STATUS Caf&AOk- (MESSAGES 0)
    S: b OK That is the list
    C: c SEARCH ALL
    S: * SEARCH 1
    S: c OK Searched
    C: d FETCH 1 ENVELOPE
    S: * 1 FETCH (ENVELOPE (NIL {5}
    S: caf\xc3\xa9 NIL NIL NIL NIL NIL NIL NIL NIL))
    S: d OK Fetched
    C: e ENABLE IMAP4rev2
    S: * ENABLED IMAP4rev2
    S: e OK Enabled
    C: f SEARCH ALL
    S: * ESEARCH (TAG "f") ALL 1
    S: f OK Searched
    `,
    selected({ messages: [{ body: Buffer.from('Subject: café\r\n\r\nx\r\n', 'utf8') }], mailboxes: ['Café'] }),
  ))

test('CHANGEDSINCE, MODSEQ and UNCHANGEDSINCE of 0: everything, everything, nothing', () =>
  transcript(
    `
    C: a UID FETCH 1:* (FLAGS) (CHANGEDSINCE 0)
    S: * 1 FETCH (UID 1 FLAGS () MODSEQ ($one))
    S: * 2 FETCH (UID 2 FLAGS () MODSEQ ($two))
    S: a OK Fetched
    C: b UID SEARCH MODSEQ 0
    S: * SEARCH 1 2 (MODSEQ $two)
    S: b OK Searched
    C: c UID STORE 1:2 (UNCHANGEDSINCE 0) +FLAGS (\\Seen)
    S: * 1 FETCH (UID 1 FLAGS () MODSEQ ($one))
    S: * 2 FETCH (UID 2 FLAGS () MODSEQ ($two))
    S: c OK [MODIFIED 1:2] ...
    `,
    selected({ messages: [{}, {}] }, 'ENABLE CONDSTORE'),
  ))

test('an empty mailbox takes 1:* and * of UIDs, and refuses numbers it does not have', () =>
  transcript(
    `
    C: a UID FETCH 1:* (FLAGS)
    S: a OK Nothing to fetch
    C: b UID FETCH * (FLAGS)
    S: b OK Nothing to fetch
    C: c UID STORE 1:* +FLAGS (\\Seen)
    S: c OK Nothing to store
    C: d UID COPY * Kept
    S: d OK Nothing to copy
    C: e UID MOVE 1:* Kept
    S: e OK Nothing to move
    C: f UID EXPUNGE 1:*
    S: f OK Nothing to expunge
    C: g UID SEARCH *
    S: * SEARCH
    S: g OK Searched
    C: h UID SEARCH UID *
    S: * SEARCH
    S: h OK Searched
    C: i FETCH 1 (FLAGS)
    S: i BAD There is no message of that number
    `,
    selected({ mailboxes: ['Kept'] }),
  ))

test('MOVE of a message that another session expunged moves the rest', () =>
  transcript(
    `
    1C: a NOOP
    1S: a OK Nothing done
    2C: a UID STORE 1 +FLAGS.SILENT (\\Deleted)
    2C: b EXPUNGE
    2S: a OK Stored
    2S: * 1 EXPUNGE
    2S: b OK Expunged
    1C: b UID MOVE 1:2 Kept
    1S: * OK [COPYUID $v 2 1] Moved
    1S: * 2 EXPUNGE
    1S: * 1 EXPUNGE
    1S: b OK Moved
    1C: c UID MOVE 1 Kept
    1S: c OK Nothing to move
    1C: d STATUS Kept (MESSAGES)
    1S: * STATUS Kept (MESSAGES 1)
    1S: d OK That is the status
    `,
    selected({ messages: three, mailboxes: ['Kept'] }),
  ))

test('a mailbox made again under its name has a larger UIDVALIDITY and another MAILBOXID', () =>
  transcript(
    `
    C: a STATUS x (UIDVALIDITY MAILBOXID)
    S: * STATUS x (UIDVALIDITY $before MAILBOXID ($first))
    S: a OK That is the status
    C: b DELETE x
    C: c CREATE x
    S: b OK Deleted
    S: c OK [MAILBOXID ($second)] Created
    C: d STATUS x (UIDVALIDITY MAILBOXID)
    S: * STATUS x (UIDVALIDITY $after MAILBOXID ($second))
    S: d OK That is the status
    A: $before < $after
    `,
    loggedIn({ mailboxes: ['x'] }),
  ))

test('a special use is of a mailbox, whatever its name in whatever language', () =>
  transcript(
    `
    C: a CREATE "Gesendete Objekte" (USE (\\Sent))
    C: b CREATE "&AMk-l&AOk-ments supprim&AOk-s" (USE (\\Trash))
    C: c CREATE Sent
    S: a OK [MAILBOXID ($sent)] Created
    S: b OK [MAILBOXID ($trash)] Created
    S: c OK [MAILBOXID ($plain)] Created
    C: d LIST "" % RETURN (SPECIAL-USE)
    S: * LIST (\\HasNoChildren) "/" INBOX
    S: * LIST (\\HasNoChildren \\Sent) "/" "Gesendete Objekte"
    S: * LIST (\\HasNoChildren) "/" Sent
    S: * LIST (\\HasNoChildren \\Trash) "/" "&AMk-l&AOk-ments supprim&AOk-s"
    S: d OK That is the list
    C: e RENAME "Gesendete Objekte" Outgoing
    C: f LIST (SPECIAL-USE) "" "*"
    S: e OK Renamed
    S: * LIST (\\HasNoChildren \\Sent) "/" Outgoing
    S: * LIST (\\HasNoChildren \\Trash) "/" "&AMk-l&AOk-ments supprim&AOk-s"
    S: f OK That is the list
    `,
    loggedIn(),
  ))

test('AUTHENTICATE PLAIN takes two spaces before its initial response', () =>
  transcript(
    `
    S: * OK ...
    C: a AUTHENTICATE PLAIN  ${Buffer.from('\0ann@example.org\0secret').toString('base64')}
    S: a OK ...
    `,
    connected(),
  ))

test('keywords may be many, long, odd, and those that clients know', () => {
  const many = Array.from({ length: 180 }, (_, index) => `keyword-${String(index).padStart(3, '0')}`)
  const known = ['$Forwarded', '$Junk', '$MDNSent', '$NotJunk', '$Phishing', 'NonJunk']
  const odd = ["!#$&'+,-./:;<=>?@[^_`|}~", '1', 'NIL', `long-${'x'.repeat(250)}`]
  const all = [...known, ...odd, ...many]
  const finds = all.map((keyword, index) => {
    const found = index < 95 ? 1 : 2
    return `
    C: k${index} UID SEARCH KEYWORD ${keyword}
    S: * SEARCH ${found}
    S: k${index} OK Searched`
  })
  return transcript(
    `
    C: a UID STORE 1 +FLAGS.SILENT (${all.slice(0, 95).join(' ')})
    S: <lines>
    S: a OK Stored
    C: b UID STORE 2 +FLAGS.SILENT (${all.slice(95).join(' ')})
    S: <lines>
    S: b OK Stored
    ${finds.join('')}
    C: c UID STORE 2 FLAGS ($Forwarded $MDNSent)
    S: * 2 FETCH (UID 2 FLAGS ($Forwarded $MDNSent))
    S: c OK Stored
    `,
    selected({ messages: [{}, {}] }),
  )
})
