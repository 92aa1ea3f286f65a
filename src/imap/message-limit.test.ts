import { test } from 'node:test'
import { TestImapServer } from '#testing/imap-server.ts'
import { on, selected, transcript } from '#testing/transcript.ts'

const messages = Array.from({ length: 5 }, () => ({ body: 'x' }))
const MORE = 'There are more messages than one command may have'

test('the limit is in CAPABILITY (RFC 9738 §3)', () =>
  transcript(
    `
    C: a CAPABILITY
    S: * CAPABILITY ... MESSAGELIMIT=3 ...
    S: a OK That is all
    `,
    selected({ messagesPerCommand: 3 }),
  ))

test('FETCH, STORE and SEARCH deal with the highest UIDs, and say where they stopped (§3.1)', () =>
  transcript(
    `
    C: a FETCH 1:* (UID)
    S: * 3 FETCH (UID 3)
    S: * 4 FETCH (UID 4)
    S: * 5 FETCH (UID 5)
    S: a OK [MESSAGELIMIT 3 3] ${MORE}
    C: b UID FETCH 1:2,4 (UID)
    S: * 1 FETCH (UID 1)
    S: * 2 FETCH (UID 2)
    S: * 4 FETCH (UID 4)
    S: b OK Fetched
    C: c UID STORE 1:4 +FLAGS.SILENT (\\Deleted)
    S: c OK [MESSAGELIMIT 3 2] ${MORE}
    C: d UID STORE 1 +FLAGS.SILENT (\\Deleted)
    S: d OK Stored
    C: e SEARCH DELETED
    S: * SEARCH 3 4
    S: e OK [MESSAGELIMIT 3 3] ${MORE}
    C: f UID SEARCH UID 1:3 DELETED
    S: * SEARCH 1 2 3
    S: f OK Searched
    C: g UID SEARCH RETURN (SAVE) UIDBEFORE 5
    S: g OK [MESSAGELIMIT 3 2] ${MORE}
    C: i UID SEARCH UIDAFTER 3
    S: * SEARCH 4 5
    S: i OK Searched
    C: j UID SEARCH UIDAFTER 4294967295 UIDBEFORE 1
    S: * SEARCH
    S: j OK Searched
    `,
    selected({ messages, messagesPerCommand: 3 }),
  ))

test('COPY and APPEND of too many do nothing; MOVE and UID EXPUNGE do what they may (§3.1)', () =>
  transcript(
    `
    C: a COPY 1:4 Kept
    S: a NO [MESSAGELIMIT 3 2] ${MORE}
    C: b APPEND Kept {1+}
    C: x {1+}
    C: x {1+}
    C: x {1+}
    C: x
    S: b NO [MESSAGELIMIT 3] ${MORE}
    C: c STATUS Kept (MESSAGES)
    S: * STATUS Kept (MESSAGES 0)
    S: c OK That is the status
    C: d UID MOVE 1:* Kept
    S: * OK [COPYUID $validity 3:5 1:3] Moved
    S: * 5 EXPUNGE
    S: * 4 EXPUNGE
    S: * 3 EXPUNGE
    S: d OK [MESSAGELIMIT 3 3] ${MORE}
    C: e UID MOVE 1:* Kept
    S: * OK [COPYUID $validity 1:2 4:5] Moved
    S: * 2 EXPUNGE
    S: * 1 EXPUNGE
    S: e OK Moved
    `,
    selected({ messages, mailboxes: ['Kept'], messagesPerCommand: 3 }),
  ))

test('UID EXPUNGE counts only what is deleted; EXPUNGE has no limit', () =>
  transcript(
    `
    C: a UID EXPUNGE 1:*
    S: * 5 EXPUNGE
    S: * 4 EXPUNGE
    S: * 2 EXPUNGE
    S: a OK [MESSAGELIMIT 3 2] ${MORE}
    C: b EXPUNGE
    S: * 1 EXPUNGE
    S: b OK Expunged
    `,
    selected({
      messages: messages.map((message, at) => ({ ...message, flags: at === 2 ? [] : ['\\Deleted'] })),
      messagesPerCommand: 3,
    }),
  ))

test('SORT and THREAD put all in order or nothing (§3.3)', () =>
  transcript(
    `
    C: a SORT (REVERSE ARRIVAL) UTF-8 ALL
    S: a NO [MESSAGELIMIT 3] ${MORE}
    C: b UID SORT (REVERSE ARRIVAL) UTF-8 UID 2:4
    S: * SORT ...
    S: b OK Sorted
    C: c UID THREAD REFERENCES UTF-8 UIDAFTER 1
    S: c NO [MESSAGELIMIT 3] ${MORE}
    C: d UID THREAD REFERENCES UTF-8 UIDAFTER 2
    S: * THREAD (3)(4)(5)
    S: d OK Threaded
    C: e UID SEARCH RETURN (SAVE) UID 5
    S: e OK Searched
    C: f UID SORT RETURN (SAVE) (ARRIVAL) UTF-8 ALL
    S: f NO [MESSAGELIMIT 3] ${MORE}
    C: g UID SEARCH $
    S: * SEARCH
    S: g OK Searched
    `,
    selected({ messages, messagesPerCommand: 3 }),
  ))

test('ESEARCH looks at so many in each mailbox, and tells a UID only of one; PARTIAL does not ask for more (§3.1, §5)', () =>
  transcript(
    `
    C: a ESEARCH RETURN (COUNT) ALL
    S: * ESEARCH (TAG "a" MAILBOX "INBOX" UIDVALIDITY $v) UID COUNT 3
    S: a OK [MESSAGELIMIT 3 3] ${MORE}
    C: b UID COPY 1 Kept
    S: b OK [COPYUID ...
    C: c ESEARCH IN (personal) RETURN (COUNT) ALL
    S: * ESEARCH (TAG "c" MAILBOX "INBOX" UIDVALIDITY $v) UID COUNT 3
    S: * ESEARCH (TAG "c" MAILBOX "Kept" UIDVALIDITY $w) UID COUNT 1
    S: c OK [MESSAGELIMIT 3] ${MORE}
    C: d UID FETCH 1:* (UID) (PARTIAL -1:-4)
    S: d NO [MESSAGELIMIT 3] ${MORE}
    C: e UID FETCH 1:* (UID) (PARTIAL -1:-3)
    S: * 3 FETCH (UID 3)
    S: * 4 FETCH (UID 4)
    S: * 5 FETCH (UID 5)
    S: e OK Fetched
    C: f UID SEARCH RETURN (PARTIAL 1:4) ALL
    S: * ESEARCH (TAG "f") UID PARTIAL (1:4 3:5)
    S: f OK [MESSAGELIMIT 3 3] ${MORE}
    `,
    selected({ messages, mailboxes: ['Kept'], messagesPerCommand: 3 }),
  ))

test('with another code to be told, the limit goes into an untagged NO', () =>
  transcript(
    `
    C: a UID MOVE 1:* Kept
    S: * OK [COPYUID $validity 3:5 1:3] Moved
    S: * NO [MESSAGELIMIT 3 3] ${MORE}
    S: * VANISHED 3:5
    S: a OK [HIGHESTMODSEQ $modseq] Moved
    `,
    selected({ messages, mailboxes: ['Kept'], messagesPerCommand: 3 }, 'ENABLE QRESYNC'),
  ))

test('a command that works for long in silence says so, by its tag if that can be told (RFC 9585 §4)', async () => {
  await using server = await TestImapServer.start({ messages })
  const { store } = server
  const write = store.write.bind(store)
  let release = (): void => undefined
  store.write = async (kind, request) => {
    await new Promise<void>((resolve) => {
      release = resolve
    })
    return write(kind, request)
  }
  await transcript(
    `
    C: a1 CREATE Slow
    T: 9999
    T: 1
    S: * OK [INPROGRESS ("a1" NIL NIL)] Still at work
    T: 9999
    T: 1
    S: * OK [INPROGRESS ("a1" NIL NIL)] Still at work
    `,
    on(server, selected()),
  )
  release()
})
