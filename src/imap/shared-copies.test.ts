/** COPY and MOVE between mailboxes of two people. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccountId } from '#mail/ids.ts'
import type { AccountRef } from '#store/types.ts'
import { TestImapServer } from '#testing/imap-server.ts'
import { playShared, TEAM } from '#testing/shared-mailbox.ts'
import { addMessage } from '#testing/store.ts'
import { on, transcript } from '#testing/transcript.ts'

test('COPY and MOVE between accounts keep what they may, and COPYUID pairs them', () =>
  playShared(
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
