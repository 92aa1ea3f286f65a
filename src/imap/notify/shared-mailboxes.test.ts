/** NOTIFY about mailboxes of other people. @module */
import { test } from 'node:test'
import { playShared, TEAM } from '#testing/shared-mailbox.ts'

test('NOTIFY tells of mailboxes of others, and does not take them for one’s own of the same number', () =>
  playShared(
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
  playShared(
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
  playShared(
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
