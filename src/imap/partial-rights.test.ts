/** What somebody with a part of the rights, or with none any more, neither learns nor does by a side door. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestImapServer } from '#testing/imap-server.ts'
import { on, type Scene, transcript } from '#testing/transcript.ts'

/** 1 is Ann, 2 is Bob; Ann has `Team` with a message, and `Diary`. */
async function play(text: string): Promise<void> {
  await using server = await TestImapServer.start({
    mailboxes: ['Team', 'Diary'],
    messages: [
      { mailbox: 'Team', flags: ['work'] },
      { mailbox: 'Diary', flags: ['secret'] },
    ],
  })
  const scene: Scene = on(server, { options: {}, commands: [], greeting: false })
  const people = `
    1C: la LOGIN ann@example.org secret
    1S: la OK ...
    2C: lb LOGIN bob@example.org secret
    2S: lb OK ...
  `
  await transcript(people + text, scene)
  assert.deepEqual(
    server.log.lines.filter(({ level }) => level === 'error'),
    [],
  )
}

const TEAM = '"Other users/ann@example.org/Team"'

test('LIST returns STATUS and METADATA of no mailbox that may only be seen (RFC 4314 §4, RFC 5464 §3.3)', () =>
  play(`
    1C: a SETMETADATA Team (/shared/comment "for us")
    1S: a OK Annotated
    1C: b SETACL Team bob@example.org l
    1S: b OK The rights are set
    2C: c LIST "" ${TEAM} RETURN (MYRIGHTS STATUS (MESSAGES UNSEEN) METADATA (/shared/comment))
    2S: * LIST (\\HasNoChildren) "/" ${TEAM}
    2S: * MYRIGHTS ${TEAM} l
    2S: c OK That is the list
    1C: d SETACL Team bob@example.org +i
    1S: d OK The rights are set
    2C: e LIST "" ${TEAM} RETURN (STATUS (MESSAGES) METADATA (/shared/comment))
    2S: * LIST (\\HasNoChildren) "/" ${TEAM}
    2S: * METADATA ${TEAM} (/shared/comment "for us")
    2S: e OK That is the list
  `))

test('APPEND keeps no message when the right was withdrawn while it came', () =>
  play(`
    1C: a SETACL Team bob@example.org li
    1S: a OK The rights are set
    2C: b APPEND ${TEAM} {14}
    2S: + OK
    1C: c SETACL Team bob@example.org -i
    1S: c OK The rights are set
    2C: Subject: x
    2C:
    2C:
    2S: b NO [NOPERM] You have no right to do that there
    1C: d STATUS Team (MESSAGES)
    1S: * STATUS Team (MESSAGES 1)
    1S: d OK That is the status
  `))

test('REPLACE takes no message away when the right was withdrawn while the other one came', () =>
  play(`
    1C: a SETACL Team bob@example.org lrite
    1S: a OK The rights are set
    2C: c SELECT ${TEAM}
    2S: <lines>
    2S: c OK ...
    2C: d REPLACE 1 ${TEAM} {14}
    2S: + OK
    1C: e SETACL Team bob@example.org -e
    1S: e OK The rights are set
    2C: Subject: x
    2C:
    2C:
    2S: * FLAGS ...
    2S: * OK [PERMANENTFLAGS (\\Deleted)] Your rights have changed
    2S: d NO [NOPERM] You have no right to do that there
    1C: f STATUS Team (MESSAGES UIDNEXT)
    1S: * STATUS Team (MESSAGES 1 UIDNEXT 2)
    1S: f OK That is the status
  `))

test('keywords of mailboxes that a guest may not read are not told to them', () =>
  play(`
    1C: a SETACL Team bob@example.org lrw
    1S: a OK The rights are set
    2C: b SELECT ${TEAM}
    2S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft work)
    2S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Draft work \\*)] ...
    2S: <lines>
    2S: b OK ...
    1C: c SELECT Diary
    1S: <lines>
    1S: c OK ...
    1C: d STORE 1 +FLAGS.SILENT (more)
    1S: <lines>
    1S: d OK ...
    1C: e SELECT Team
    1S: <lines>
    1S: e OK ...
    1C: f STORE 1 +FLAGS.SILENT (secret)
    1S: <lines>
    1S: f OK ...
    2C: g NOOP
    2S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft work secret)
    2S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Draft work secret \\*)] ...
    2S: * 1 FETCH (FLAGS (secret work))
    2S: g OK ...
  `))
