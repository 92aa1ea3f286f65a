/** What two people see of each other in a shared mailbox; the rights themselves are in `sharing.test.ts`. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccountId } from '#mail/ids.ts'
import type { AccountRef } from '#store/types.ts'
import { TestImapServer } from '#testing/imap-server.ts'
import { addMessage } from '#testing/store.ts'
import { on, type Scene, transcript } from '#testing/transcript.ts'

/** 1 is Ann, 2 and 3 are Bob; Ann's `Team` has three messages. */
async function play(
  rights: string,
  text: string,
  options: Parameters<typeof TestImapServer.start>[0] = {},
): Promise<void> {
  await using server = await TestImapServer.start({
    mailboxes: ['Team', 'Team/sub', 'Old:Archive'],
    messages: [
      { mailbox: 'Team', flags: ['\\Seen'] },
      { mailbox: 'Team', body: 'Subject: two\r\n\r\n2\r\n' },
      { mailbox: 'Team', body: 'Subject: three\r\n\r\n3\r\n' },
    ],
    ...options,
  })
  const scene: Scene = on(server, { options: {}, commands: [], greeting: false })
  const people = `
    1C: la LOGIN ann@example.org secret
    1S: la OK ...
    2C: lb LOGIN bob@example.org secret
    2S: lb OK ...
    ${rights === '' ? '' : `1C: ra SETACL Team bob@example.org ${rights}\n    1S: ra OK The rights are set`}
  `
  await transcript(people + text, scene)
  assert.deepEqual(
    server.log.lines.filter(({ level }) => level === 'error'),
    [],
  )
}

const TEAM = '"Other users/ann@example.org/Team"'

test('NAMESPACE names the mailboxes of other people, and LIST shows those with l alone', () =>
  play(
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
  await play(
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
  play(
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
  play(
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
  play(
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
  play(
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
  play(
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

test('COPY and MOVE between accounts keep what they may, and COPYUID pairs them', () =>
  play(
    'lrswite',
    `
    2C: a SELECT ${TEAM}
    2S: <lines>
    2S: a OK [READ-WRITE] Selected
    2C: b STORE 2 +FLAGS (\\Seen \\Flagged work)
    2S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft work)
    2S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft work \\*)] New keywords are welcome
    2S: * 2 FETCH (FLAGS (\\Flagged \\Seen work))
    2S: b OK Stored
    2C: c FETCH 2 (INTERNALDATE RFC822.SIZE BODY.PEEK[])
    2S: * 2 FETCH (INTERNALDATE "$day $time +0000" RFC822.SIZE 19 BODY[] {19}
    2S: Subject: two
    2S:
    2S: 2
    2S: )
    2S: c OK Fetched
    2C: d COPY 2:3 INBOX
    2S: d OK [COPYUID $inbox 2:3 1:2] Copied
    2C: e MOVE 1:2 INBOX
    2S: * OK [COPYUID $inbox 1:2 3:4] Moved
    2S: * 2 EXPUNGE
    2S: * 1 EXPUNGE
    2S: e OK Moved
    2C: f SELECT INBOX
    2S: <lines>
    2S: f OK [READ-WRITE] Selected
    2C: g FETCH 1:* (FLAGS RFC822.SIZE INTERNALDATE)
    2S: * 1 FETCH (FLAGS (\\Flagged \\Seen work) RFC822.SIZE 19 INTERNALDATE "$day $time +0000")
    2S: * 2 FETCH (FLAGS () RFC822.SIZE 21 INTERNALDATE "$day $time +0000")
    2S: * 3 FETCH (FLAGS () RFC822.SIZE ... INTERNALDATE "$day $time +0000")
    2S: * 4 FETCH (FLAGS (\\Flagged \\Seen work) RFC822.SIZE 19 INTERNALDATE "$day $time +0000")
    2S: g OK Fetched
    2C: h MOVE 1 ${TEAM}
    2S: * OK [COPYUID ... 1 4] Moved
    2S: * 1 EXPUNGE
    2S: h OK Moved
    1C: i SELECT Team
    1S: <lines>
    1S: i OK [READ-WRITE] Selected
    1C: j FETCH 1:* (FLAGS BODY.PEEK[])
    1S: * 1 FETCH (FLAGS () BODY[] {21}
    1S: Subject: three
    1S:
    1S: 3
    1S: )
    1S: * 2 FETCH (FLAGS (\\Flagged work) BODY[] {19}
    1S: Subject: two
    1S:
    1S: 2
    1S: )
    1S: j OK Fetched
    `,
  ))

test('COPY into an account without room leaves nothing there', () =>
  play(
    'lri',
    `
    2C: a APPEND INBOX {24+}
    2C: Subject: x
    2C:
    2C: 0123456789
    2S: a OK ...
    2C: b SELECT INBOX
    2S: <lines>
    2S: b OK [READ-WRITE] Selected
    2C: c COPY 1 ${TEAM}
    2S: c NO [OVERQUOTA] The limit is 3 messages
    2C: d COPY 1 "Other users/ann@example.org/Nothing"
    2S: d NO [NONEXISTENT] No such mailbox
    2C: e GETQUOTAROOT ${TEAM}
    2S: * QUOTAROOT ${TEAM} "ann@example.org"
    2S: * QUOTA "ann@example.org" (MESSAGE 3 3)
    2S: e OK That is the quota
    2C: f GETQUOTA ann@example.org
    2S: * QUOTA "ann@example.org" (MESSAGE 3 3)
    2S: f OK That is the quota
    1C: g GETQUOTA bob@example.org
    1S: g NO [NONEXISTENT] No such quota root
    `,
    { limits: { storageBytes: undefined, messages: 3 } },
  ))

test('COPY that breaks off half-way between accounts leaves nothing there (RFC 9051 §6.4.7)', async () => {
  const limits = { storageBytes: undefined, messages: 700 }
  await using server = await TestImapServer.start({ mailboxes: ['Team'], limits })
  const { account, store } = server
  const team = await store.mailboxByName(account, 'Team')
  assert.ok(team)
  const rights = { mailbox: team.key, identifier: 'anyone', mode: 'replace', rights: 'lri' } as const
  await store.write('setAcl', { account, by: 'test', ...rights })
  const bob: AccountRef = { id: 2 as AccountId, shard: 0 }
  for (let n = 0; n < 800; n += 1) await addMessage(store, bob, 'INBOX', Buffer.from(`Subject: ${n}\r\n\r\n${n}\r\n`))
  await transcript(
    `
    C: lb LOGIN bob@example.org secret
    S: lb OK ...
    C: a SELECT INBOX
    S: <lines>
    S: a OK [READ-WRITE] Selected
    C: b COPY 1:* ${TEAM}
    S: b NO [OVERQUOTA] The limit is 700 messages
    C: c STATUS ${TEAM} (MESSAGES)
    S: * STATUS ${TEAM} (MESSAGES 0)
    S: c OK That is the status
    C: d MOVE 1:* ${TEAM}
    S: d NO [OVERQUOTA] The limit is 700 messages
    C: e STATUS INBOX (MESSAGES)
    S: * STATUS INBOX (MESSAGES 800)
    S: e OK That is the status
    C: f COPY 1:600 ${TEAM}
    S: f OK [COPYUID ... 1:600 ...] Copied
    C: g STATUS ${TEAM} (MESSAGES)
    S: * STATUS ${TEAM} (MESSAGES 600)
    S: g OK That is the status
    `,
    on(server, { options: {}, commands: [], greeting: false }),
  )
})

test('CREATE, RENAME and DELETE below a shared mailbox go by its rights and stay with the owner', () =>
  play(
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
  play(
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
  play(
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

test('NOTIFY tells of mailboxes of others, and does not take them for one’s own of the same number', () =>
  play(
    'lrs',
    `
    2C: a NOTIFY SET STATUS (subtree ("Other users" INBOX) (MessageNew MessageExpunge FlagChange MailboxName))
    2S: * STATUS INBOX (MESSAGES 0 UIDNEXT 1 UIDVALIDITY $own UNSEEN 0 HIGHESTMODSEQ ...)
    2S: * STATUS ${TEAM} (MESSAGES 3 UIDNEXT 4 UIDVALIDITY $team UNSEEN 3 HIGHESTMODSEQ ...)
    2S: a OK You will be told
    1C: b APPEND Team {24+}
    1C: Subject: x
    1C:
    1C: 0123456789
    1S: b OK ...
    2S: * STATUS ${TEAM} (MESSAGES 4 UIDNEXT 5 UIDVALIDITY $team UNSEEN 4)
    2C: c SELECT ${TEAM}
    2S: <lines>
    2S: c OK [READ-ONLY] Selected
    3C: lc LOGIN bob@example.org secret
    3S: lc OK ...
    3C: d APPEND INBOX {24+}
    3C: Subject: x
    3C:
    3C: 0123456789
    3S: d OK ...
    2S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY $own UNSEEN 1)
    2C: e UNSELECT
    2S: e OK Left
    1C: f DELETEACL Team bob@example.org
    1S: f OK The rights are set
    2S: * LIST (\\NonExistent \\HasNoChildren) "/" "Other users/ann@example.org"
    2S: * LIST (\\NonExistent \\HasNoChildren) "/" ${TEAM}
    `,
  ))

test('NOTIFY tells of a mailbox that cannot be read any more, or again (RFC 5465 §5.4, §5.9)', () =>
  play(
    'lr',
    `
    2C: a NOTIFY SET (subtree "Other users" (MessageNew MessageExpunge))
    2S: a OK You will be told
    1C: b SETACL Team bob@example.org -r
    1S: b OK The rights are set
    2S: * LIST (\\NoAccess \\HasNoChildren) "/" ${TEAM}
    1C: c APPEND Team {24+}
    1C: Subject: x
    1C:
    1C: 0123456789
    1S: c OK ...
    2C: d NOOP
    2S: d OK ...
    2C: e NOTIFY SET (subtree "Other users" (MessageNew MessageExpunge))
    2S: * LIST (\\NoAccess) "/" ${TEAM}
    2S: e OK You will be told
    1C: f APPEND Team {24+}
    1C: Subject: x
    1C:
    1C: 0123456789
    1S: f OK ...
    1C: g SETACL Team bob@example.org +r
    1S: g OK The rights are set
    2S: * LIST (\\HasNoChildren) "/" ${TEAM}
    2S: * STATUS ${TEAM} (MESSAGES 5 UIDNEXT 6 UIDVALIDITY ...)
    2C: h NOTIFY SET (subtree "Other users" (MailboxName))
    2S: h OK You will be told
    1C: i DELETEACL Team bob@example.org
    1S: i OK The rights are set
    2S: * LIST (\\NonExistent \\HasNoChildren) "/" "Other users/ann@example.org"
    2S: * LIST (\\NonExistent \\HasNoChildren) "/" ${TEAM}
    1C: j SETACL Team bob@example.org l
    1S: j OK The rights are set
    2S: * LIST (\\NonExistent \\HasChildren) "/" "Other users/ann@example.org"
    2S: * LIST (\\NoAccess \\HasNoChildren) "/" ${TEAM}
    `,
  ))

test('NOTIFY notices somebody who begins to share', () =>
  play(
    '',
    `
    2C: a NOTIFY SET (subtree "Other users" (MessageNew MessageExpunge MailboxName))
    2S: a OK You will be told
    1C: b SETACL Team cleo@example.org lr
    1S: b ...
    1C: c SETACL Team bob@example.org lr
    1S: c OK The rights are set
    2S: * LIST (\\NonExistent \\HasChildren) "/" "Other users/ann@example.org"
    2S: * LIST (\\HasNoChildren) "/" ${TEAM}
    2S: * STATUS ${TEAM} (MESSAGES 3 UIDNEXT 4 UIDVALIDITY ...)
    1C: d APPEND Team {24+}
    1C: Subject: x
    1C:
    1C: 0123456789
    1S: d OK ...
    2S: * STATUS ${TEAM} (MESSAGES 4 UIDNEXT 5 UIDVALIDITY ...)
    1C: e SETACL Old anyone lr
    1S: e OK The rights are set
    2S: * LIST (\\NonExistent \\HasChildren) "/" "Other users/ann@example.org"
    2S: * LIST (\\HasNoChildren) "/" "Other users/ann@example.org/Old"
    `,
  ))

test('a mailbox of somebody else that is selected is not one’s own of the same key', () =>
  play(
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
  play(
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
