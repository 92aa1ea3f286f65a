import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMemoryStore } from '#adapters/memory/memory-store.ts'
import { TestImapServer } from '#testing/imap-server.ts'
import { loggedIn, on, transcript } from '#testing/transcript.ts'

test('CREATE, DELETE, RENAME and SUBSCRIBE refuse bad grammar', () =>
  transcript(
    `
    C: a CREATE
    S: a BAD An argument is missing (at position 9)
    C: b CREATE x (FOO)
    S: b BAD CREATE parameter is not known (at position 13)
    C: c DELETE x y
    S: c BAD Nothing more is expected (at position 12)
    C: d RENAME x
    S: d BAD An argument is missing (at position 11)
    C: e SUBSCRIBE (x)
    S: e BAD A string is expected (at position 13)
    `,
    loggedIn(),
  ))

test('CREATE makes a mailbox with an id, and the levels above it', () =>
  transcript(
    `
    C: a CREATE owatagusiam/
    S: a OK [MAILBOXID ($first)] Created
    C: b CREATE owatagusiam/blurdy/bloop
    S: b OK [MAILBOXID ($second)] Created
    C: c CREATE owatagusiam
    S: c NO [ALREADYEXISTS] A mailbox of that name exists
    C: d CREATE inbox
    S: d NO [ALREADYEXISTS] A mailbox of that name exists
    C: e CREATE a//b
    S: e NO [CANNOT] A level of the name is empty
    C: f CREATE ${'x'.repeat(256)}
    S: f NO [CANNOT] The name is too long
    C: g LIST "" *
    S: * LIST (\\HasNoChildren) "/" INBOX
    S: * LIST (\\HasChildren) "/" owatagusiam
    S: * LIST (\\HasChildren) "/" owatagusiam/blurdy
    S: * LIST (\\HasNoChildren) "/" owatagusiam/blurdy/bloop
    S: g OK That is the list
    C: h STATUS owatagusiam (MAILBOXID)
    S: * STATUS owatagusiam (MAILBOXID ($first))
    S: h OK That is the status
    `,
    loggedIn(),
  ))

test('CREATE takes one special use that a mailbox can have', () =>
  transcript(
    `
    C: a CREATE Sent (USE (\\sent))
    S: a OK [MAILBOXID ($sent)] Created
    C: b CREATE Sent2 (USE (\\Sent))
    S: b NO [USEATTR] Another mailbox has that special use
    C: c CREATE Everything (USE (\\All))
    S: c NO [USEATTR] That special use is not supported
    C: d CREATE Both (USE (\\Drafts \\Trash))
    S: d NO [USEATTR] A mailbox has one special use here
    C: e CREATE Plain (USE ())
    S: e OK [MAILBOXID ($plain)] Created
    C: f LIST (SPECIAL-USE) "" *
    S: * LIST (\\HasNoChildren \\Sent) "/" Sent
    S: f OK That is the list
    `,
    loggedIn(),
  ))

test('names are modified UTF-7 before ENABLE and UTF-8 after, kept in NFC', () =>
  transcript(
    `
    C: a CREATE "Caf&AOk-"
    S: a OK [MAILBOXID ($cafe)] Created
    C: b LIST "" "Caf*"
    S: * LIST (\\HasNoChildren) "/" Caf&AOk-
    S: b OK That is the list
    C: c CREATE "Caf&AOk-/R&-D"
    S: c OK [MAILBOXID ($rd)] Created
    C: d ENABLE IMAP4rev2
    S: * ENABLED IMAP4rev2
    S: d OK Enabled
    C: e LIST "" "Caf\\xc3\\xa9*"
    S: * LIST (\\HasChildren) "/" "Caf\xc3\xa9"
    S: * LIST (\\HasNoChildren) "/" "Caf\xc3\xa9/R&D"
    S: e OK That is the list
    C: f STATUS "Cafe\\xcc\\x81" (MAILBOXID)
    S: * STATUS "Caf\xc3\xa9" (MAILBOXID ($cafe))
    S: f OK That is the status
    C: g CREATE "Nai\\xcc\\x88ve"
    S: * LIST () "/" "Na\xc3\xafve" ("OLDNAME" ("Nai\xcc\x88ve"))
    S: g OK [MAILBOXID ($naive)] Created
    `,
    loggedIn(),
  ))

test('DELETE takes a mailbox away and leaves what is below', () =>
  transcript(
    `
    C: a DELETE INBOX
    S: a NO [CANNOT] INBOX stays where it is
    C: b DELETE nowhere
    S: b NO [NONEXISTENT] No such mailbox
    C: c DELETE foo
    S: c OK Deleted
    C: d LIST "" *
    S: * LIST (\\HasNoChildren) "/" INBOX
    S: * LIST (\\Noselect \\HasChildren) "/" foo
    S: * LIST (\\HasNoChildren) "/" foo/bar
    S: d OK That is the list
    C: e DELETE foo
    S: e NO [HASCHILDREN] There are mailboxes below that name
    C: f DELETE foo/bar
    S: f OK Deleted
    C: g LIST "" *
    S: * LIST (\\HasNoChildren) "/" INBOX
    S: g OK That is the list
    `,
    loggedIn({ mailboxes: ['foo', 'foo/bar'] }),
  ))

test('RENAME takes along what is below and makes what is above', () =>
  transcript(
    `
    C: a RENAME nowhere else
    S: a NO [NONEXISTENT] No such mailbox
    C: b RENAME foo kept
    S: b NO [ALREADYEXISTS] A mailbox of that name exists
    C: c RENAME foo new/place
    S: c OK Renamed
    C: d LIST "" *
    S: * LIST (\\HasNoChildren) "/" INBOX
    S: * LIST (\\HasNoChildren) "/" kept
    S: * LIST (\\HasChildren) "/" new
    S: * LIST (\\HasChildren) "/" new/place
    S: * LIST (\\HasNoChildren) "/" new/place/bar
    S: d OK That is the list
    C: e RENAME INBOX old-mail
    S: e OK Renamed
    C: f STATUS INBOX (MESSAGES)
    S: * STATUS INBOX (MESSAGES 0)
    S: f OK That is the status
    C: g STATUS old-mail (MESSAGES)
    S: * STATUS old-mail (MESSAGES 1)
    S: g OK That is the status
    `,
    loggedIn({ mailboxes: ['foo', 'foo/bar', 'kept'], messages: [{}] }),
  ))

test('SUBSCRIBE takes names without a mailbox, LSUB gives them back', () =>
  transcript(
    `
    C: a SUBSCRIBE INBOX
    S: a OK Subscribed
    C: b SUBSCRIBE "gone/deep/er"
    S: b OK Subscribed
    C: c LSUB "" *
    S: * LSUB (\\HasNoChildren) "/" INBOX
    S: * LSUB (\\Noselect \\HasNoChildren) "/" gone/deep/er
    S: c OK That is the list
    C: d LSUB "" %
    S: * LSUB (\\HasNoChildren) "/" INBOX
    S: * LSUB (\\Noselect) "/" gone
    S: d OK That is the list
    C: e UNSUBSCRIBE gone/deep/er
    S: e OK Unsubscribed
    C: f LSUB gone/ *
    S: f OK That is the list
    `,
    loggedIn(),
  ))

test('a store that cannot write says UNAVAILABLE, and nothing is made', () =>
  transcript(
    `
    C: a CREATE x
    S: a NO [UNAVAILABLE] The server has no space left
    C: b APPEND INBOX {4+}
    C: A: b
    S: b NO [UNAVAILABLE] The server takes no changes now
    C: c LIST "" *
    S: * LIST (\\HasNoChildren) "/" INBOX
    S: c OK That is the list
    `,
    loggedIn({
      store: openMemoryStore({
        failing: (_nth, kind) => (kind === 'createMailbox' ? 'full' : kind === 'append' ? 'read-only' : undefined),
      }),
    }),
  ))

test('a bug costs the command, is logged, and is not told', async () => {
  await using server = await TestImapServer.start()
  server.store.subscriptions = () => Promise.reject(new Error('the bug'))
  await transcript(
    `
    C: a LIST "" *
    S: a NO [SERVERBUG] Something went wrong here
    C: b NOOP
    S: b OK Nothing done
    `,
    on(server, loggedIn()),
  )
  assert.deepEqual(
    server.log.lines.filter(({ level }) => level === 'error').map(({ message }) => message),
    ['IMAP command failed'],
  )
})
