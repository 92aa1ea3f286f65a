import { test } from 'node:test'
import { TestImapServer } from '#testing/imap-server.ts'
import { loggedIn, on, selected, transcript } from '#testing/transcript.ts'

const scene = { messages: [{ flags: ['\\Seen', 'work'] }, {}, {}], mailboxes: ['Kept', 'Envoyés'] }

test('COPY and MOVE refuse bad grammar and wrong states', () =>
  transcript(
    `
    C: a COPY 1 Kept
    S: a BAD Select a mailbox first
    C: b MOVE 1 Kept
    S: b BAD Select a mailbox first
    C: c COPY
    S: c BAD Select a mailbox first
    `,
    loggedIn(scene),
  ))

test('COPY refuses numbers that do not exist, and a mailbox that does not with TRYCREATE', () =>
  transcript(
    `
    C: a COPY 1
    S: a BAD An argument is missing (at position 9)
    C: b COPY 1 Kept more
    S: b BAD Nothing more is expected (at position 15)
    C: c COPY 4 Kept
    S: c BAD There is no message of that number
    C: d COPY 1 Nowhere
    S: d NO [TRYCREATE] No such mailbox
    C: e UID COPY 9 Nowhere
    S: e NO [TRYCREATE] No such mailbox
    C: f UID COPY 9 Kept
    S: f OK Nothing to copy
    `,
    selected(scene),
  ))

test('COPY names the UIDs it made and keeps flags and date', () =>
  transcript(
    `
    C: a COPY 1:2 Kept
    S: a OK [COPYUID $kept 1:2 1:2] Copied
    C: b uid copy 3,1 "Kept"
    S: b OK [COPYUID $kept 1,3 3:4] Copied
    C: c COPY 3 "Envoy&AOk-s"
    S: c OK [COPYUID $sent 3 1] Copied
    C: d EXAMINE Kept
    S: * OK [CLOSED] ...
    S: * FLAGS ...
    S: * OK [PERMANENTFLAGS ()] ...
    S: * 4 EXISTS
    S: * 0 RECENT
    S: * OK [UNSEEN 2] ...
    S: * OK [UIDVALIDITY $kept] ...
    S: * OK [UIDNEXT 5] ...
    S: * OK [HIGHESTMODSEQ $m] ...
    S: * OK [MAILBOXID ($id)] ...
    S: d OK [READ-ONLY] Examined
    C: e FETCH 1:3 (FLAGS INTERNALDATE)
    S: * 1 FETCH (FLAGS (\\Seen work) INTERNALDATE "14-Nov-2023 22:13:20 +0000")
    S: * 2 FETCH (FLAGS () INTERNALDATE "14-Nov-2023 22:13:20 +0000")
    S: * 3 FETCH (FLAGS (\\Seen work) INTERNALDATE "14-Nov-2023 22:13:20 +0000")
    S: e OK Fetched
    C: f COPY 1 INBOX
    S: f OK [COPYUID $inbox 1 4] Copied
    `,
    selected(scene),
  ))

test('COPY into the selected mailbox tells of the new messages', () =>
  transcript(
    `
    C: a COPY 1,3 INBOX
    S: * 5 EXISTS
    S: a OK [COPYUID $v 1,3 4:5] Copied
    `,
    selected(scene),
  ))

test('COPY refuses to go over quota, and copies nothing then', () =>
  transcript(
    `
    C: a COPY 1:3 Kept
    S: a NO [OVERQUOTA] The limit is 5 messages
    C: b COPY 1:2 Kept
    S: b OK [COPYUID $v 1:2 1:2] Copied
    `,
    selected({ ...scene, limits: { storageBytes: undefined, messages: 5 } }),
  ))

test('COPY of messages that another session expunged copies the rest', () =>
  transcript(
    `
    1C: a NOOP
    1S: a OK Nothing done
    2C: a STORE 1,3 +FLAGS.SILENT (\\Deleted)
    2C: b EXPUNGE
    2S: a OK Stored
    2S: * 3 EXPUNGE
    2S: * 1 EXPUNGE
    2S: b OK Expunged
    1C: b COPY 1:3 Kept
    1S: * 3 EXPUNGE
    1S: * 1 EXPUNGE
    1S: b OK [COPYUID $v 2 1] Copied
    `,
    selected(scene),
  ))

test('COPY of nothing but expunged messages by number is refused, by UID not', () =>
  transcript(
    `
    1C: a NOOP
    1S: a OK Nothing done
    2C: a STORE 1 +FLAGS.SILENT (\\Deleted)
    2C: b EXPUNGE
    2S: a OK Stored
    2S: * 1 EXPUNGE
    2S: b OK Expunged
    1C: b COPY 1 Kept
    1S: * 1 EXPUNGE
    1S: b NO [EXPUNGEISSUED] Some of the messages no longer exist
    1C: c UID COPY 1 Kept
    1S: c OK Nothing to copy
    `,
    selected(scene),
  ))

test('MOVE tells COPYUID first, then what went (RFC 9051 §6.4.8)', () =>
  transcript(
    `
    1C: a NOOP
    1S: a OK Nothing done
    2C: a MOVE 1,3 Kept
    2S: * OK [COPYUID $v 1,3 1:2] Moved
    2S: * 3 EXPUNGE
    2S: * 1 EXPUNGE
    2S: a OK Moved
    2C: b UID MOVE 2 Nowhere
    2S: b NO [TRYCREATE] No such mailbox
    2C: c UID MOVE 3 Kept
    2S: c OK Nothing to move
    2C: d MOVE 2 Kept
    2S: d BAD There is no message of that number
    1C: b NOOP
    1S: * 3 EXPUNGE
    1S: * 1 EXPUNGE
    1S: b OK Nothing done
    `,
    selected(scene),
  ))

test('MOVE into the selected mailbox gives new UIDs; QRESYNC hears VANISHED', () =>
  transcript(
    `
    C: a MOVE 1 INBOX
    S: * OK [COPYUID $v 1 4] Moved
    S: * VANISHED 1
    S: * 3 EXISTS
    S: a OK [HIGHESTMODSEQ $m] Moved
    `,
    selected(scene, 'ENABLE QRESYNC'),
  ))

test('MOVE out of a mailbox that was examined is refused', () =>
  transcript(
    `
    C: a MOVE 1 Kept
    S: a NO [READ-ONLY] The mailbox was only examined
    C: b COPY 1 Kept
    S: b OK [COPYUID $v 1 1] Copied
    `,
    loggedIn(scene, 'EXAMINE INBOX'),
  ))

test('MOVE within an account that is full changes nothing of what it uses, so it is done (RFC 9208 §4.3)', async () => {
  await using server = await TestImapServer.start({ messages: [{ body: 'x' }, { body: 'x' }], mailboxes: ['Kept'] })
  const { account, store } = server
  await store.write('setLimits', { account, by: 'test', limits: { storageBytes: undefined, messages: 2 } })
  await transcript(
    `
    C: a UID COPY 1 Kept
    S: a NO [OVERQUOTA] The limit is 2 messages
    C: b UID MOVE 1 Kept
    S: * OK [COPYUID $validity 1 1] Moved
    S: * 1 EXPUNGE
    S: b OK Moved
    C: c GETQUOTAROOT Kept
    S: * QUOTAROOT Kept ""
    S: * QUOTA "" (MESSAGE 2 2)
    S: c OK ...
    `,
    on(server, selected()),
  )
})
