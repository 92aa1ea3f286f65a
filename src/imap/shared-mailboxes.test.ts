/** What two people see of each other in a shared mailbox; the rights themselves are in `sharing.test.ts`. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestImapServer } from '#testing/imap-server.ts'
import { playShared, TEAM } from '#testing/shared-mailbox.ts'
import { on, type Scene, transcript } from '#testing/transcript.ts'

test('NAMESPACE names the mailboxes of other people, and LIST shows those with l alone', () =>
  playShared(
    'lr',
    `
    2C: a NAMESPACE
    2S: * NAMESPACE (("" "/")) (("Other users/" "/")) NIL
    2S: a OK Those are the namespaces
    2C: b LIST "" *
    2S: * LIST (\\HasNoChildren) "/" INBOX
    2S: * LIST (\\Noselect \\HasChildren) "/" "Other users"
    2S: * LIST (\\Noselect \\HasChildren) "/" "Other users/ann@example.org"
    2S: * LIST (\\HasNoChildren) "/" ${TEAM}
    2S: b OK That is the list
    2C: c LIST "" %
    2S: * LIST (\\HasNoChildren) "/" INBOX
    2S: * LIST (\\Noselect \\HasChildren) "/" "Other users"
    2S: c OK That is the list
    2C: d LIST "Other users/" %
    2S: * LIST (\\Noselect \\HasChildren) "/" "Other users/ann@example.org"
    2S: d OK That is the list
    2C: e SUBSCRIBE ${TEAM}
    2S: e OK Subscribed
    2C: f LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (MYRIGHTS STATUS (MESSAGES UNSEEN))
    2S: * LIST (\\NonExistent \\HasChildren) "/" "Other users" ("CHILDINFO" ("SUBSCRIBED"))
    2S: f OK That is the list
    2C: g LIST "" "Other users/*" RETURN (SUBSCRIBED MYRIGHTS STATUS (MESSAGES UNSEEN) METADATA (/shared/comment))
    2S: * LIST (\\NonExistent \\HasChildren) "/" "Other users/ann@example.org"
    2S: * LIST (\\HasNoChildren \\Subscribed) "/" ${TEAM}
    2S: * MYRIGHTS ${TEAM} lr
    2S: * METADATA ${TEAM} (/shared/comment NIL)
    2S: * STATUS ${TEAM} (MESSAGES 3 UNSEEN 3)
    2S: g OK That is the list
    2C: h LSUB "" *
    2S: * LSUB (\\HasNoChildren) "/" ${TEAM}
    2S: h OK That is the list
    1C: i LIST "" *
    1S: * LIST (\\HasNoChildren) "/" INBOX
    1S: * LIST (\\HasNoChildren \\Archive) "/" Old
    1S: * LIST (\\HasChildren) "/" Team
    1S: * LIST (\\HasNoChildren) "/" Team/sub
    1S: i OK That is the list
    1C: j SETACL Old bob@example.org l
    1S: j OK The rights are set
    2C: k LIST "" "Other users/ann@example.org/Old"
    2S: * LIST (\\HasNoChildren) "/" "Other users/ann@example.org/Old"
    2S: k OK That is the list
    `,
  ))

test('names below "Other users" are for mailboxes of others; one that is there from elsewhere can be left', async () => {
  await playShared(
    '',
    `
    2C: a CREATE "Other users"
    2S: a NO [CANNOT] That name is for the mailboxes of other people
    2C: b CREATE "Other users/mine"
    2S: b NO [CANNOT] That name is for the mailboxes of other people
    2C: c CREATE "Other users/nobody@example.org/x"
    2S: c NO [NOPERM] You have no right to do that there
    2C: d CREATE "Other users/ann@example.org/Team/x"
    2S: d NO [NOPERM] You have no right to do that there
    2C: e CREATE mine
    2S: e OK [MAILBOXID ($mine)] Created
    2C: f RENAME mine "Other users"
    2S: f NO [CANNOT] That name is for the mailboxes of other people
    2C: g SELECT "Other users/bob@example.org/mine"
    2S: g NO [NONEXISTENT] No such mailbox
    1C: h SELECT "Other users"
    1S: * FLAGS ...
    1S: <lines>
    1S: h OK [READ-WRITE] Selected
    1C: i RENAME "Other users" elsewhere
    1S: i OK Renamed
    `,
    { mailboxes: ['Other users'], messages: [] },
  )
})

test('each person has \\Seen of their own, and all of their sessions see it', () =>
  playShared(
    'lrs',
    `
    3C: lc LOGIN bob@example.org secret
    3S: lc OK ...
    3C: a ENABLE CONDSTORE
    3S: * ENABLED CONDSTORE
    3S: a OK Enabled
    3C: b SELECT ${TEAM}
    3S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
    3S: * OK [PERMANENTFLAGS (\\Seen)] These flags can be changed
    3S: * 3 EXISTS
    3S: * 0 RECENT
    3S: * OK [UNSEEN 1] The first unseen
    3S: * OK [UIDVALIDITY $validity] UIDs are valid
    3S: * OK [UIDNEXT 4] The next UID
    3S: * OK [HIGHESTMODSEQ $modseq] Changes are counted
    3S: * OK [MAILBOXID ($id)] The mailbox has an id
    3S: b OK [READ-ONLY] Selected
    2C: c SELECT ${TEAM}
    2S: <lines>
    2S: c OK [READ-ONLY] Selected
    2C: d STORE 2 +FLAGS (\\Seen)
    2S: * 2 FETCH (FLAGS (\\Seen))
    2S: d OK Stored
    3C: e NOOP
    3S: * 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ ($later))
    3S: e OK Nothing done
    A: $modseq < $later
    3C: f FETCH 1:3 (FLAGS) (CHANGEDSINCE $modseq)
    3S: * 2 FETCH (FLAGS (\\Seen) MODSEQ ($later))
    3S: f OK Fetched
    3C: g STORE 2 (UNCHANGEDSINCE $modseq) -FLAGS (\\Seen)
    3S: * 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ ($later))
    3S: g OK [MODIFIED 2] Some have changed meanwhile
    2C: h SEARCH UNSEEN
    2S: * SEARCH 1 3
    2S: h OK Searched
    2C: i STATUS ${TEAM} (UNSEEN HIGHESTMODSEQ)
    2S: * STATUS ${TEAM} (UNSEEN 2 HIGHESTMODSEQ $later)
    2S: i OK That is the status
    1C: j STATUS Team (UNSEEN)
    1S: * STATUS Team (UNSEEN 2)
    1S: j OK That is the status
    1C: k SELECT Team
    1S: <lines>
    1S: k OK [READ-WRITE] Selected
    1C: l SEARCH UNSEEN
    1S: * SEARCH 2 3
    1S: l OK Searched
    1C: m STORE 3 +FLAGS (\\Seen \\Flagged)
    1S: * 3 FETCH (FLAGS (\\Flagged \\Seen))
    1S: m OK Stored
    2C: n NOOP
    2S: * 3 FETCH ... FLAGS (\\Flagged) ...
    2S: n OK Nothing done
    2C: o STORE 1:3 FLAGS (\\Deleted \\Seen)
    2S: * 1 FETCH ... FLAGS (\\Seen) ...
    2S: * 2 FETCH ... FLAGS (\\Seen) ...
    2S: * 3 FETCH ... FLAGS (\\Flagged \\Seen) ...
    2S: o OK Stored
    2C: p STORE 1:3 +FLAGS.SILENT (\\Deleted)
    2S: p NO [NOPERM] You have no right to do that there
    `,
  ))

test('a silent STORE of flags that are not all permitted tells what came of it', () =>
  playShared(
    'lrw',
    `
    2C: a SELECT ${TEAM}
    2S: <lines>
    2S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Draft \\*)] New keywords are welcome
    2S: <lines>
    2S: a OK [READ-WRITE] Selected
    2C: b STORE 1 +FLAGS.SILENT (\\Flagged)
    2S: b OK Stored
    2C: c STORE 1 +FLAGS.SILENT (\\Deleted \\Answered)
    2S: * 1 FETCH (FLAGS (\\Answered \\Flagged))
    2S: c OK Stored
    `,
  ))

test('rights that change while a mailbox is selected count at once, and PERMANENTFLAGS says so (RFC 4314 §5.1.1)', () =>
  playShared(
    'lrst',
    `
    2C: a SELECT ${TEAM}
    2S: <lines>
    2S: a OK [READ-WRITE] Selected
    1C: b SETACL Team bob@example.org -t
    1S: b OK The rights are set
    2C: c STORE 1 +FLAGS (\\Deleted)
    2S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
    2S: * OK [PERMANENTFLAGS (\\Seen)] Your rights have changed
    2S: c NO [NOPERM] You have no right to do that there
    1C: d SETACL Team bob@example.org +te
    1S: d OK The rights are set
    2C: e STORE 1 +FLAGS (\\Deleted)
    2S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
    2S: * OK [PERMANENTFLAGS (\\Deleted \\Seen)] Your rights have changed
    2S: * 1 FETCH (FLAGS (\\Deleted))
    2S: e OK Stored
    2C: f IDLE
    2S: + ...
    1C: g DELETEACL Team bob@example.org
    1S: g OK The rights are set
    2S: * BYE Your right to read the selected mailbox was withdrawn
    2S: <closed>
    `,
  ))

test('who may not read any more can still go elsewhere', () =>
  playShared(
    'lr',
    `
    2C: a SELECT ${TEAM}
    2S: <lines>
    2S: a OK [READ-ONLY] Selected
    3C: lc LOGIN bob@example.org secret
    3S: lc OK ...
    3C: b SELECT ${TEAM}
    3S: <lines>
    3S: b OK [READ-ONLY] Selected
    1C: c SETACL Team bob@example.org l
    1S: c OK The rights are set
    2C: d SELECT INBOX
    2S: * OK [CLOSED] The mailbox before is left
    2S: <lines>
    2S: d OK [READ-WRITE] Selected
    2C: e SELECT ${TEAM}
    2S: * OK [CLOSED] The mailbox before is left
    2S: e NO [NOPERM] You have no right to do that there
    3C: f FETCH 1 FLAGS
    3S: * BYE Your right to read the selected mailbox was withdrawn
    3S: <closed>
    `,
  ))

test('a selected mailbox that its owner renames goes on, one that is deleted ends the session', () =>
  playShared(
    'lrs',
    `
    2C: a SELECT ${TEAM}
    2S: <lines>
    2S: a OK [READ-ONLY] Selected
    1C: b RENAME Team Crew
    1S: b OK Renamed
    2C: c FETCH 1 FLAGS
    2S: * 1 FETCH (FLAGS ())
    2S: c OK Fetched
    2C: d ESEARCH IN (selected) RETURN (COUNT) ALL
    2S: * ESEARCH (TAG "d" MAILBOX "Other users/ann@example.org/Crew" UIDVALIDITY ...) UID COUNT 3
    2S: d OK Searched
    1C: e DELETE Crew
    1S: e OK Deleted
    2C: f NOOP
    2S: * BYE The selected mailbox was deleted
    2S: <closed>
    `,
  ))

test('a session in a mailbox of an account that is removed is ended', async () => {
  await using server = await TestImapServer.start({ mailboxes: ['Team'] })
  const { account, store } = server
  const removing = {
    connect: () => server.connect(),
    pass: () => void store.write('removeAccount', { account, by: 'test' }),
  }
  const scene: Scene = on(removing, { options: {}, commands: [], greeting: false })
  const ann = await server.store.mailboxByName(server.account, 'Team')
  assert.ok(ann)
  const rights = { mailbox: ann.key, identifier: 'anyone', mode: 'replace', rights: 'lr' } as const
  await store.write('setAcl', { account, by: 'test', ...rights })
  await transcript(
    `
    C: lb LOGIN bob@example.org secret
    S: lb OK ...
    C: a SELECT ${TEAM}
    S: <lines>
    S: a OK [READ-ONLY] Selected
    C: b IDLE
    S: + ...
    T: 1
    S: * BYE The selected mailbox was deleted
    S: <closed>
    `,
    scene,
  )
})

test('CREATE, RENAME and DELETE below a shared mailbox go by its rights and stay with the owner', () =>
  playShared(
    'lrkxi',
    `
    2C: a CREATE "Other users/ann@example.org/Team/a/b"
    2S: a OK [MAILBOXID ($b)] Created
    2C: b RENAME "Other users/ann@example.org/Team/a/b" "Other users/ann@example.org/Team/c"
    2S: b OK Renamed
    2C: c RENAME "Other users/ann@example.org/Team/c" mine
    2S: c NO [CANNOT] The mailbox stays with its owner
    2C: d RENAME "Other users/ann@example.org/Team/c" "Other users/ann@example.org/c"
    2S: d NO [NOPERM] You have no right to do that there
    2C: e CREATE "Other users/ann@example.org/Team/s" (USE (\\Sent))
    2S: e NO [USEATTR] Special uses are for the owner to give
    2C: f COPY 1 x
    2S: f BAD Select a mailbox first
    1C: g LIST "" Team/*
    1S: * LIST (\\HasNoChildren) "/" Team/a
    1S: * LIST (\\HasNoChildren) "/" Team/c
    1S: * LIST (\\HasNoChildren) "/" Team/sub
    1S: g OK That is the list
    1C: h GETACL Team/c
    1S: * ACL Team/c ann@example.org lrswipkxteacd bob@example.org lrikxc
    1S: h OK Those are the rights
    2C: i DELETE "Other users/ann@example.org/Team/c"
    2S: i OK Deleted
    2C: j DELETE "Other users/ann@example.org/Team/sub"
    2S: j NO [NONEXISTENT] No such mailbox
    `,
  ))

test('who administers a mailbox of somebody else sees and sets its rights, not those of the owner', () =>
  playShared(
    'la',
    `
    2C: a GETACL ${TEAM}
    2S: * ACL ${TEAM} ann@example.org lrswipkxteacd bob@example.org la
    2S: a OK Those are the rights
    2C: b SETACL ${TEAM} ann@example.org l
    2S: b NO [CANNOT] The owner has all rights
    2C: c SETACL ${TEAM} bob@example.org +r
    2S: c OK The rights are set
    2C: d MYRIGHTS ${TEAM}
    2S: * MYRIGHTS ${TEAM} lra
    2S: d OK Those are your rights
    2C: e SETACL ${TEAM} -bob@example.org a
    2S: e OK The rights are set
    2C: f SETACL ${TEAM} bob@example.org +a
    2S: f NO [NOPERM] You have no right to do that there
    `,
  ))

test('annotations that are private are each person’s own in a shared mailbox', () =>
  playShared(
    'lr',
    `
    2C: a SETMETADATA ${TEAM} (/private/comment "bob" /shared/comment "all")
    2S: a OK Annotated
    1C: b GETMETADATA Team (/private/comment /shared/comment)
    1S: * METADATA Team (/private/comment NIL /shared/comment "all")
    1S: b OK Those are the annotations
    2C: c GETMETADATA ${TEAM} (/private/comment)
    2S: * METADATA ${TEAM} (/private/comment "bob")
    2S: c OK Those are the annotations
    `,
  ))

test('a mailbox of somebody else that is selected is not one’s own of the same key', () =>
  playShared(
    '',
    `
    1C: a SETACL INBOX bob@example.org lr
    1S: a OK The rights are set
    2C: b NOTIFY SET (selected (MessageNew MessageExpunge)) (personal (MessageNew MessageExpunge))
    2S: b OK You will be told
    2C: c SELECT "Other users/ann@example.org/INBOX"
    2S: <lines>
    2S: c OK [READ-ONLY] Selected
    3C: lc LOGIN bob@example.org secret
    3S: lc OK ...
    3C: d APPEND INBOX {24+}
    3C: Subject: x
    3C:
    3C: 0123456789
    3S: d OK ...
    2S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY ...)
    1C: e APPEND INBOX {24+}
    1C: Subject: x
    1C:
    1C: 0123456789
    1S: e OK ...
    2S: * 1 EXISTS
    `,
  ))

test('ids of what is somebody else’s are not those of one’s own (RFC 8474 §5)', () =>
  playShared(
    'lri',
    `
    2C: a APPEND INBOX {24+}
    2C: Subject: x
    2C:
    2C: 0123456789
    2S: a OK ...
    2C: b SELECT INBOX
    2S: <lines>
    2S: * OK [MAILBOXID (F1)] The mailbox has an id
    2S: b OK [READ-WRITE] Selected
    2C: c FETCH 1 (EMAILID THREADID)
    2S: * 1 FETCH (EMAILID (M$own) THREADID (T$thread))
    2S: c OK Fetched
    2C: d STATUS "Other users/ann@example.org/Team" (MAILBOXID)
    2S: * STATUS ${TEAM} (MAILBOXID (F2-1))
    2S: d OK That is the status
    2C: e SELECT ${TEAM}
    2S: <lines>
    2S: * OK [MAILBOXID (F2-1)] The mailbox has an id
    2S: e OK [READ-WRITE] Selected
    2C: f FETCH 1 (EMAILID THREADID)
    2S: * 1 FETCH (EMAILID (M$theirs-1) THREADID (T$among-1))
    2S: f OK Fetched
    2C: g SEARCH EMAILID M$theirs-1
    2S: * SEARCH 1
    2S: g OK Searched
    2C: h SEARCH OR EMAILID M$theirs THREADID T$among
    2S: * SEARCH
    2S: h OK Searched
    2C: i SEARCH THREADID T$among-1
    2S: * SEARCH 1
    2S: i OK Searched
    `,
  ))
