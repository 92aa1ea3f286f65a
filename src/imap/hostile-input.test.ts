import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ImapLines } from '#testing/imap-client.ts'
import { TestImapServer } from '#testing/imap-server.ts'
import { commands } from './commands/index.ts'

/** Pieces of commands, and of what is none. LOGOUT and IDLE are left out: after them nothing is answered. */
const word = fc.constantFrom(
  ...[...commands.keys()].filter((name) => name !== 'LOGOUT' && name !== 'IDLE'),
  'INBOX',
  'x',
  '1:*',
  '1',
  '*',
  '$',
  '(',
  ')',
  '()',
  '""',
  '"',
  '"a',
  '\\Seen',
  '(\\Seen)',
  '+FLAGS',
  'FLAGS',
  'ALL',
  '(UID FLAGS)',
  'BODY[]',
  'BODY.PEEK[1.2]<0.5>',
  'BINARY[1]',
  'RETURN',
  '(MIN MAX COUNT SAVE)',
  'NOT',
  'OR',
  'UID',
  '(MESSAGES UNSEEN)',
  '(QRESYNC (1 1))',
  '(CONDSTORE)',
  '(USE (\\Sent))',
  '{0}',
  '{3+}\r\nabc',
  '~{2+}\r\na\0',
  '{4+}\r\nA: b',
  'NIL',
  '(STORAGE 1)',
  '{99999999}',
  '\0',
  '\xff',
  '&AOk-',
  '&',
  '%',
  '{',
  '}',
  '18446744073709551616',
  '4294967296',
)
const line = fc.array(word, { maxLength: 6 }).map((words) => words.join(' '))
const session = fc.array(line, { minLength: 1, maxLength: 12 })

test('whatever is sent, every session is answered or ended, and nothing breaks', async () => {
  await fc.assert(
    fc.asyncProperty(session, async (lines) => {
      await using server = await TestImapServer.start({ messages: [{}, { flags: ['\\Deleted'] }, {}] })
      const client = new ImapLines(await server.connect())
      await client.line()
      await client.command('l LOGIN ann@example.org secret')
      await client.command('s SELECT INBOX')
      client.send(lines.map((text, n) => `t${n} ${text}\r\n`).join(''))
      client.send('last NOOP\r\n')
      for (;;) {
        const answer = await client.line()
        if (answer === undefined || answer.startsWith('* BYE ') || /^last (OK|BAD) /.test(answer)) break
        // A literal that had to be asked for, a SASL exchange: say nothing useful.
        if (answer.startsWith('+')) client.send('*\r\nlast NOOP\r\n')
      }
      client.reset()
      assert.deepEqual(
        server.log.lines.filter(({ level }) => level === 'error').map(({ fields }) => fields),
        [],
      )
    }),
    { numRuns: 150, interruptAfterTimeLimit: 2_000 },
  )
})
