/** Ann shares a mailbox with Bob: what suites about it begin with. @module */
import assert from 'node:assert/strict'
import { TestImapServer } from './imap-server.ts'
import { on, type Scene, transcript } from './transcript.ts'

/** 1 is Ann, 2 and 3 are Bob; Ann's `Team` has three messages. */
export async function playShared(
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

export const TEAM = '"Other users/ann@example.org/Team"'
