import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ImapLines } from '#testing/imap-client.ts'
import { SMALL_MESSAGE, TestImapServer } from '#testing/imap-server.ts'
import { connected, loggedIn, transcript } from '#testing/transcript.ts'

test('a literal that must be asked for and is too large is refused without "+"', () =>
  transcript(
    `
    C: a CREATE {65537}
    S: a BAD [TOOBIG] The literal is too large
    C: b NOOP
    S: b OK Nothing done
    `,
    loggedIn(),
  ))

test('a literal with "+" that is too large is dropped with the rest of its command', () =>
  transcript(
    `
    C: a CREATE {65537+}
    C: ${'x'.repeat(65_537)} {3+}
    C: abc
    C: b NOOP
    S: a BAD [TOOBIG] The literal is too large
    S: b OK Nothing done
    `,
    loggedIn(),
  ))

test('literals of one command count together', () =>
  transcript(
    `
    C: a RENAME {40000+}
    C: ${'x'.repeat(40_000)} {40000+}
    C: ${'y'.repeat(40_000)}
    C: b NOOP
    S: a BAD [TOOBIG] The literal is too large
    S: b OK Nothing done
    `,
    loggedIn(),
  ))

test('before the login literals are smaller', () =>
  transcript(
    `
    S: ...
    C: a LOGIN {8193}
    S: a BAD [TOOBIG] The literal is too large
    C: b LOGIN {15}
    S: + OK
    C: ann@example.org {6+}
    C: secret
    S: b OK ...
    `,
    connected(),
  ))

test('a message over the limit is refused before it is sent', () =>
  transcript(
    `
    C: a APPEND INBOX {1001}
    S: a NO [TOOBIG] The limit is 1000 bytes
    C: b NOOP
    S: b OK Nothing done
    `,
    loggedIn({ messageBytes: 1_000 }),
  ))

test('a message over the limit with "+" is dropped, and nothing of it kept', () =>
  transcript(
    `
    C: a APPEND INBOX {1001+}
    C: ${'x'.repeat(1_001)}
    C: b STATUS INBOX (MESSAGES)
    S: a NO [TOOBIG] The limit is 1000 bytes
    S: * STATUS INBOX (MESSAGES 0)
    S: b OK That is the status
    `,
    loggedIn({ messageBytes: 1_000 }),
  ))

test('a literal with "+" larger than anyone would drop ends the connection', () =>
  transcript(
    `
    C: a APPEND INBOX {99999999999+}
    S: * BYE [TOOBIG] The message is too large
    S: <closed>
    `,
    loggedIn({ messageBytes: 1_000 }),
  ))

test('a line over 64 KB is BAD, and the next command is heard', () =>
  transcript(
    `
    C: a NOOP ${'x'.repeat(70_000)}
    C: b NOOP
    S: a BAD The command line is too long
    S: b OK Nothing done
    `,
    loggedIn(),
  ))

test('a literal of a command that is not known is not asked for', () =>
  transcript(
    `
    C: a FROBNICATE {10}
    S: a BAD Unknown command
    C: b NOOP
    S: b OK Nothing done
    `,
    loggedIn(),
  ))

test('NUL and 8-bit characters in atoms are BAD, with their place', () =>
  transcript(
    `
    C: a CREATE x\\0y
    S: a BAD NUL is not allowed (at position 11)
    C: b CREATE caf\\xe9
    S: b BAD Nothing more is expected (at position 13)
    C: c CREATE "&bad"
    S: c BAD Encoded run of the mailbox name has no end (at position 10)
    C: d CREATE "caf\\xc3\\xa9"
    S: d BAD ...
    `,
    loggedIn(),
  ))

test('ten bad commands in a row end the session, three before the login', async () => {
  const bad = (times: number) =>
    Array.from({ length: times }, (_, n) => `C: x${n} FROB\nS: x${n} BAD Unknown command`).join('\n')
  await transcript(
    `
    ${bad(9)}
    C: ok NOOP
    S: ok OK Nothing done
    ${bad(10)}
    S: * BYE Too many bad commands
    S: <closed>
    `,
    loggedIn(),
  )
  await transcript(`S: ...\n${bad(3)}\nS: * BYE Too many bad commands\nS: <closed>`, connected())
})

test('framing does not depend on where the bytes are cut', async () => {
  const bytes = `a CREATE {3+}\r\nabc\r\nb APPEND abc (\\Seen) {${SMALL_MESSAGE.length}+}\r\n${SMALL_MESSAGE}\r\nc STATUS {3+}\r\nabc (MESSAGES)\r\n`
  for (let cut = 0; cut < bytes.length; cut += 1) {
    await using server = await TestImapServer.start()
    const lines = new ImapLines(await server.connect())
    await lines.line()
    await lines.command('l LOGIN ann@example.org secret')
    lines.send(bytes.slice(0, cut))
    await lines.unread()
    lines.send(bytes.slice(cut))
    assert.match((await lines.line()) ?? '', /^a OK /)
    assert.match((await lines.line()) ?? '', /^b OK \[APPENDUID \d+ 1\]/, `cut at ${cut}`)
    assert.equal(await lines.line(), '* STATUS abc (MESSAGES 1)')
    lines.reset()
  }
})

test('before the login lines are shorter, and what came with the login is kept', () =>
  transcript(
    `
    S: ...
    C: a NOOP ${'x'.repeat(16_384)}
    C: b LOGIN ann@example.org secret
    C: c CREATE "${'x'.repeat(20_000)}"
    C: d NOOP
    S: a BAD The command line is too long
    S: b OK ...
    S: c NO [CANNOT] The name is too long
    S: d OK Nothing done
    `,
    connected(),
  ))
