import { test } from 'node:test'
import { loggedIn, transcript } from '#testing/transcript.ts'

const body = 'Subject: x'
const n = body.length

test('APPEND refuses bad grammar, whichever literal it comes with', () =>
  transcript(
    `
    C: a APPEND INBOX
    S: a BAD An argument is missing (at position 15)
    C: b APPEND INBOX hello
    S: b BAD A literal is expected (at position 16)
    C: c APPEND INBOX (\\Seen {3}
    S: c BAD ...
    C: d APPEND INBOX (\\Seen {3+}
    C: abc more
    S: d BAD ...
    C: e APPEND INBOX "yesterday" {3}
    S: e BAD A date and time is expected (at position 16)
    C: f APPEND INBOX {${n}+}
    C: ${body} more
    S: f BAD ...
    C: g APPEND INBOX {${n}+}
    C: ${body}X
    S: g BAD A space or the end is expected (at position 17)
    C: h STATUS INBOX (MESSAGES)
    S: * STATUS INBOX (MESSAGES 0)
    S: h OK That is the status
    `,
    loggedIn(),
  ))

test('APPEND into a mailbox that is not there says TRYCREATE before the message is sent', () =>
  transcript(
    `
    C: a APPEND nowhere {${n}}
    S: a NO [TRYCREATE] No such mailbox
    C: b APPEND nowhere {${n}+}
    C: ${body}
    S: b NO [TRYCREATE] No such mailbox
    `,
    loggedIn(),
  ))

test('APPEND refuses empty messages, NUL, and UTF8 before it is enabled', () =>
  transcript(
    `
    C: a APPEND INBOX {0}
    S: a NO [CANNOT] The message is empty
    C: b APPEND INBOX {3+}
    C: a\\0b
    S: b BAD NUL is only allowed in literal8
    C: c APPEND INBOX ~{3}
    S: + OK
    C: a\\0b
    S: c OK [APPENDUID $validity 1] Appended
    C: d APPEND INBOX UTF8 (~{${n}}
    S: d BAD Enable UTF8=ACCEPT first
    C: e ENABLE UTF8=ACCEPT
    S: * ENABLED UTF8=ACCEPT
    S: e OK Enabled
    C: f APPEND INBOX UTF8 (~{${n}}
    S: + OK
    C: ${body})
    S: f OK [APPENDUID $validity 2] Appended
    `,
    loggedIn(),
  ))

test('APPEND keeps flags and date, and gives the UID', () =>
  transcript(
    `
    C: a APPEND "INBOX" (\\seen $Forwarded) "17-Jul-1996 02:44:25 -0700" {${n}}
    S: + OK
    C: ${body}
    S: a OK [APPENDUID $validity 1] Appended
    C: b STATUS INBOX (MESSAGES UNSEEN UIDVALIDITY SIZE)
    S: * STATUS INBOX (MESSAGES 1 UNSEEN 0 UIDVALIDITY $validity SIZE ${n})
    S: b OK That is the status
    `,
    loggedIn(),
  ))

test('APPEND of several messages keeps all or none', () =>
  transcript(
    `
    C: a APPEND INBOX {${n}+}
    C: ${body} (\\Flagged) {${n}+}
    C: ${body} {${n}}
    S: + OK
    C: ${body}
    S: a OK [APPENDUID $validity 1:3] Appended
    C: b APPEND INBOX {${n}+}
    C: ${body} {0+}
    C: 
    S: b NO [CANNOT] The message is empty
    C: c APPEND INBOX {${n}+}
    C: ${body} {${n}+}
    C: ${body} nonsense
    S: c BAD A literal is expected (at position 20)
    C: d STATUS INBOX (MESSAGES)
    S: * STATUS INBOX (MESSAGES 3)
    S: d OK That is the status
    `,
    loggedIn(),
  ))

test('APPEND takes a mailbox name as a literal', () =>
  transcript(
    `
    C: a APPEND {5}
    S: + OK
    C: inbox {${n}+}
    C: ${body}
    S: a OK [APPENDUID $validity 1] Appended
    C: b APPEND {5+}
    C: inbox
    S: b BAD An argument is missing (at position 11)
    `,
    loggedIn(),
  ))

test('APPEND over the quota is refused, before the message is sent where the client waits for that', () =>
  transcript(
    `
    C: a APPEND INBOX {101}
    S: a NO [OVERQUOTA] The limit is 100 bytes
    C: b APPEND INBOX {${n}+}
    C: ${body}
    S: b OK [APPENDUID $validity 1] Appended
    C: c APPEND INBOX {${n}+}
    C: ${body}
    S: c NO [OVERQUOTA] The limit is 1 messages
    C: d APPEND INBOX {101+}
    C: ${'x'.repeat(101)}
    S: d NO [OVERQUOTA] The limit is 100 bytes
    `,
    loggedIn({ limits: { storageBytes: 100, messages: 1 } }),
  ))

test('APPEND of a large message streams through', () =>
  transcript(
    `
    C: a APPEND INBOX {3000000+}
    C: ${'x'.repeat(3_000_000)}
    C: b STATUS INBOX (SIZE)
    S: a OK [APPENDUID $validity 1] Appended
    S: * STATUS INBOX (SIZE 3000000)
    S: b OK That is the status
    `,
    loggedIn(),
  ))
