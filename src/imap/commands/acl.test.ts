import { test } from 'node:test'
import { loggedIn, transcript } from '#testing/transcript.ts'

test('ACL commands refuse bad grammar, what is not there and who is not there', () =>
  transcript(
    `
    C: a SETACL INBOX bob@example.org lrQ
    S: a BAD Rights are some of lrswipkxtea, c and d (at position 32)
    C: b SETACL INBOX bob@example.org lrq
    S: b BAD Rights are some of lrswipkxtea, c and d (at position 32)
    C: c SETACL INBOX "" lr
    S: c BAD That cannot be the name of anybody (at position 16)
    C: d SETACL nowhere anyone lr
    S: d NO [NONEXISTENT] No such mailbox
    C: e SETACL INBOX nobody@example.org lr
    S: e NO [CANNOT] No such person here
    C: f GETACL nowhere
    S: f NO [NONEXISTENT] No such mailbox
    C: g LISTRIGHTS nowhere anyone
    S: g NO [NONEXISTENT] No such mailbox
    C: h MYRIGHTS nowhere
    S: h NO [NONEXISTENT] No such mailbox
    C: i DELETEACL nowhere anyone
    S: i NO [NONEXISTENT] No such mailbox
    C: j LISTRIGHTS INBOX nobody@example.org
    S: j NO [CANNOT] No such person here
    `,
    loggedIn(),
  ))

test('rights are granted, added, removed and shown, with those of RFC 2086 (RFC 4314 §3.1, §2.1.1)', () =>
  transcript(
    `
    C: a GETACL inbox
    S: * ACL INBOX ann@example.org lrswipkxteacd
    S: a OK Those are the rights
    C: b SETACL INBOX bob@example.org lrswida
    S: b OK The rights are set
    C: c SETACL INBOX Anyone lr
    S: c OK The rights are set
    C: d SETACL INBOX -bob@example.org a
    S: d OK The rights are set
    C: e SETACL INBOX bob@example.org -ws
    S: e OK The rights are set
    C: f SETACL INBOX bob@example.org +k
    S: f OK The rights are set
    C: g GETACL INBOX
    S: * ACL INBOX ann@example.org lrswipkxteacd -bob@example.org a anyone lr bob@example.org lrikteacd
    S: g OK Those are the rights
    C: h DELETEACL INBOX bob@example.org
    S: h OK The rights are set
    C: i SETACL INBOX anyone ""
    S: i OK The rights are set
    C: j GETACL INBOX
    S: * ACL INBOX ann@example.org lrswipkxteacd -bob@example.org a
    S: j OK Those are the rights
    `,
    loggedIn(),
  ))

test('the owner has all rights, whatever is set', () =>
  transcript(
    `
    C: a SETACL INBOX ann@example.org lr
    S: a NO [CANNOT] The owner has all rights
    C: b SETACL INBOX ann@example.org +lr
    S: b OK The rights are set
    C: c SETACL INBOX -ann@example.org +a
    S: c NO [CANNOT] The owner has all rights
    C: d DELETEACL INBOX ann@example.org
    S: d NO [CANNOT] The owner has all rights
    C: e MYRIGHTS inbox
    S: * MYRIGHTS INBOX lrswipkxteacd
    S: e OK Those are your rights
    C: f LISTRIGHTS INBOX ann@example.org
    S: * LISTRIGHTS INBOX ann@example.org lrswipkxteacd
    S: f OK Those can be granted
    C: g LISTRIGHTS INBOX bob@example.org
    S: * LISTRIGHTS INBOX bob@example.org "" l r s w i p k x t e a c d
    S: g OK Those can be granted
    `,
    loggedIn(),
  ))

test('new mailboxes have the rights of their parent; RENAME keeps them, DELETE forgets them (RFC 4314 §4)', () =>
  transcript(
    `
    C: a SETACL one anyone lr
    S: a OK The rights are set
    C: b CREATE one/two
    S: b OK [MAILBOXID ($two)] Created
    C: c RENAME one/two three
    S: c OK Renamed
    C: d GETACL three
    S: * ACL three ann@example.org lrswipkxteacd anyone lr
    S: d OK Those are the rights
    C: e DELETE three
    S: e OK Deleted
    C: f CREATE three
    S: f OK [MAILBOXID ($three)] Created
    C: g GETACL three
    S: * ACL three ann@example.org lrswipkxteacd
    S: g OK Those are the rights
    `,
    loggedIn({ mailboxes: ['one'] }),
  ))

test('LIST returns the rights to its mailboxes (RFC 8440)', () =>
  transcript(
    `
    C: a LIST "" * RETURN (MYRIGHTS CHILDREN)
    S: * LIST (\\HasNoChildren) "/" INBOX
    S: * MYRIGHTS INBOX lrswipkxteacd
    S: * LIST (\\HasNoChildren) "/" one
    S: * MYRIGHTS one lrswipkxteacd
    S: a OK That is the list
    `,
    loggedIn({ mailboxes: ['one'] }),
  ))
