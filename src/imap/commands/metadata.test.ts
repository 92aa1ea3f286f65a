import { test } from 'node:test'
import { MAX_METADATA_ENTRIES } from '#store/limits.ts'
import { ANN } from '#testing/imap-server.ts'
import { loggedIn, transcript } from '#testing/transcript.ts'

test('METADATA commands refuse bad grammar and what is not there', () =>
  transcript(
    `
    C: a GETMETADATA INBOX comment
    S: a BAD An entry of /private or /shared is expected (at position 21)
    C: b SETMETADATA INBOX (/private "x")
    S: b BAD The name of an entry is expected
    C: c SETMETADATA INBOX (/shared/comment x)
    S: c BAD A string is expected (at position 38)
    C: d GETMETADATA nowhere /shared/comment
    S: d NO [NONEXISTENT] No such mailbox
    C: e SETMETADATA nowhere (/shared/comment "x")
    S: e NO [NONEXISTENT] No such mailbox
    C: f SETMETADATA INBOX (/shared/comment {65537+}
    C: ${'x'.repeat(65_537)})
    S: f BAD [TOOBIG] The literal is too large
    `,
    loggedIn(),
  ))

test('annotations of a mailbox are set, read and removed; names have no case (RFC 5464 §3.2)', () =>
  transcript(
    `
    C: a GETMETADATA inbox /Shared/Comment
    S: * METADATA INBOX (/shared/comment NIL)
    S: a OK Those are the annotations
    C: b SETMETADATA INBOX (/PRIVATE/comment {33+}
    C: My new comment across
    C: two lines. /shared/comment "for you")
    S: b OK Annotated
    C: c GETMETADATA INBOX (/shared/comment /private/comment /shared/none)
    S: * METADATA INBOX (/shared/comment "for you" /private/comment {33}
    S: My new comment across
    S: two lines. /shared/none NIL)
    S: c OK Those are the annotations
    C: d SETMETADATA INBOX (/private/comment NIL /shared/comment "")
    S: d OK Annotated
    C: e GETMETADATA INBOX (/shared/comment /private/comment)
    S: * METADATA INBOX (/shared/comment "" /private/comment NIL)
    S: e OK Those are the annotations
    `,
    loggedIn(),
  ))

test('NUL goes in and out in literal8', () =>
  transcript(
    `
    C: a SETMETADATA INBOX (/shared/a ~{3+}
    C: x\\0y)
    S: a OK Annotated
    C: b GETMETADATA INBOX /shared/a
    S: * METADATA INBOX (/shared/a ~{3}
    S: x\\x00y)
    S: b OK Those are the annotations
    `,
    loggedIn(),
  ))

test('DEPTH and MAXSIZE, before the mailbox or behind it (RFC 5464 §4.2.1, §4.2.2)', () =>
  transcript(
    `
    C: a SETMETADATA INBOX (/private/filters "top" /private/filters/small "SMALLER 5000" /private/filters/small/deep "x")
    S: a OK Annotated
    C: b GETMETADATA INBOX (DEPTH 1) (/private/filters)
    S: * METADATA INBOX (/private/filters "top" /private/filters/small "SMALLER 5000")
    S: b OK Those are the annotations
    C: c GETMETADATA (DEPTH infinity MAXSIZE 3) INBOX /private
    S: * METADATA INBOX (/private/filters "top" /private/filters/small/deep "x")
    S: c OK [METADATA LONGENTRIES 12] Those are the annotations
    C: d GETMETADATA (DEPTH infinity) INBOX /shared
    S: d OK Those are the annotations
    C: e GETMETADATA (MAXSIZE 2) INBOX /private/filters
    S: e OK [METADATA LONGENTRIES 3] Those are the annotations
    `,
    loggedIn(),
  ))

test('the server has private annotations; what all see is not for one person to say (RFC 5464 §3.3)', () =>
  transcript(
    `
    C: a SETMETADATA "" (/private/vendor/x/y "mine")
    S: a OK Annotated
    C: b GETMETADATA "" (/private/vendor/x/y /shared/comment)
    S: * METADATA "" (/private/vendor/x/y "mine" /shared/comment NIL)
    S: b OK Those are the annotations
    C: c SETMETADATA "" (/private/vendor/x/y "other" /shared/comment "hello")
    S: c NO [NOPERM] Only the administrator annotates the server
    C: d GETMETADATA INBOX /private/vendor/x/y
    S: * METADATA INBOX (/private/vendor/x/y NIL)
    S: d OK Those are the annotations
    C: e GETMETADATA "" (DEPTH infinity) (/shared /private)
    S: * METADATA "" (/shared/admin "mailto:postmaster@example.org" /private/vendor/x/y "mine")
    S: e OK Those are the annotations
    C: f GETMETADATA "" (MAXSIZE 10) (/shared/admin /private/vendor/x/y)
    S: * METADATA "" (/private/vendor/x/y "mine")
    S: f OK [METADATA LONGENTRIES 29] Those are the annotations
    C: g SETMETADATA "" (/shared/admin "mailto:me@example.org")
    S: g NO [NOPERM] Only the administrator annotates the server
    2C: a GETMETADATA "" /private/vendor/x/y
    2S: * METADATA "" (/private/vendor/x/y "mine")
    2S: a OK Those are the annotations
    `,
    loggedIn(),
  ))

test('after ENABLE METADATA, what others change is told by its names, with the next answer and in IDLE (RFC 5464 §4.1, §4.4.2)', () =>
  transcript(
    `
    1C: a ENABLE METADATA
    1S: * ENABLED METADATA
    1S: a OK Enabled
    1C: b ENABLE METADATA METADATA-SERVER
    1S: * ENABLED
    1S: b OK Enabled
    2C: a SETMETADATA one (/shared/comment "x" /private/comment "y")
    2S: a OK Annotated
    1C: c NOOP
    1S: * METADATA one /private/comment /shared/comment
    1S: c OK Nothing done
    1C: d SETMETADATA one (/shared/comment "mine")
    1S: d OK Annotated
    1C: e NOOP
    1S: e OK Nothing done
    1C: f IDLE
    1S: + Idling
    2C: b SETMETADATA "" (/private/vendor/a "z")
    2S: b OK Annotated
    1S: * METADATA "" /private/vendor/a
    2C: c SETMETADATA one (/shared/comment NIL)
    2S: c OK Annotated
    1S: * METADATA one /shared/comment
    1C: DONE
    1S: f OK Done
    2C: d SETMETADATA one (/shared/comment NIL)
    2S: d OK Annotated
    2C: e NOOP
    2S: e OK Nothing done
    1C: g NOOP
    1S: g OK Nothing done
    `,
    loggedIn({ mailboxes: ['one'] }),
  ))

test('UNAUTHENTICATE ends ENABLE METADATA', () =>
  transcript(
    `
    1C: a ENABLE METADATA
    1S: * ENABLED METADATA
    1S: a OK Enabled
    1C: b UNAUTHENTICATE
    1S: b OK ...
    1C: c LOGIN ${ANN.address} ${ANN.password}
    1S: c OK ...
    2C: a SETMETADATA INBOX (/shared/comment "x")
    2S: a OK Annotated
    1C: d NOOP
    1S: d OK Nothing done
    `,
    loggedIn(),
  ))

test('too large and too many are told, and then nothing is set (RFC 5464 §4.3)', () =>
  transcript(
    `
    C: a SETMETADATA INBOX (/shared/a "x" /shared/b {16385+}
    C: ${'x'.repeat(16_385)})
    S: a NO [METADATA MAXSIZE 16384] An annotation is too large
    C: b SETMETADATA INBOX (${Array.from({ length: MAX_METADATA_ENTRIES + 1 }, (_, n) => `/shared/${n} "x"`).join(' ')})
    S: b NO [METADATA TOOMANY] These are too many annotations
    C: c GETMETADATA INBOX (/shared/a /shared/0)
    S: * METADATA INBOX (/shared/a NIL /shared/0 NIL)
    S: c OK Those are the annotations
    `,
    loggedIn(),
  ))

test('annotations follow RENAME and go with DELETE (RFC 5464 §4.1)', () =>
  transcript(
    `
    C: a SETMETADATA one (/shared/comment "first")
    S: a OK Annotated
    C: b RENAME one two
    S: b OK Renamed
    C: c GETMETADATA two /shared/comment
    S: * METADATA two (/shared/comment "first")
    S: c OK Those are the annotations
    C: d DELETE two
    S: d OK Deleted
    C: e CREATE two
    S: e OK [MAILBOXID ($id)] Created
    C: f GETMETADATA two /shared/comment
    S: * METADATA two (/shared/comment NIL)
    S: f OK Those are the annotations
    `,
    loggedIn({ mailboxes: ['one'] }),
  ))

test('LIST returns annotations with its mailboxes (RFC 9590)', () =>
  transcript(
    `
    C: a SETMETADATA INBOX (/shared/vendor/x/color "#b71c1c")
    S: a OK Annotated
    C: b LIST "" % RETURN (METADATA (/shared/vendor/x/color))
    S: * LIST (\\HasNoChildren) "/" INBOX
    S: * METADATA INBOX (/shared/vendor/x/color "#b71c1c")
    S: * LIST (\\HasNoChildren) "/" one
    S: * METADATA one (/shared/vendor/x/color NIL)
    S: b OK That is the list
    C: c LIST "" INBOX RETURN (METADATA ())
    S: c BAD The list must not be empty (at position 34)
    `,
    loggedIn({ mailboxes: ['one'] }),
  ))
