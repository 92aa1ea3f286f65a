import { test } from 'node:test'
import { loggedIn, transcript } from '#testing/transcript.ts'

/** The tree of RFC 5258 §5, example 9. */
const example9 = {
  mailboxes: ['foo2', 'foo2/bar1', 'foo2/bar2', 'baz2', 'baz2/bar2', 'baz2/bar22', 'baz2/bar222', 'eps2', 'eps2/mamba'],
  subscribed: ['foo2/bar1', 'foo2/bar2', 'baz2/bar2', 'baz2/bar22', 'baz2/bar222', 'eps2', 'eps2/mamba', 'qux2/bar2'],
} as const

test('LIST refuses bad grammar', () =>
  transcript(
    `
    C: a LIST ""
    S: a BAD An argument is missing (at position 10)
    C: b LIST (FOO) "" *
    S: b BAD LIST selection option is not known (at position 9)
    C: c LIST (RECURSIVEMATCH) "" *
    S: c BAD RECURSIVEMATCH needs another selection option (at position 8)
    C: d LIST "" * RETURN (FOO)
    S: d BAD LIST return option is not known (at position 21)
    `,
    loggedIn(),
  ))

test('LIST "" "" tells the separator', () =>
  transcript(
    `
    C: a LIST "" ""
    S: * LIST (\\Noselect) "/" ""
    S: a OK That is the separator
    `,
    loggedIn(),
  ))

test('% stays within a level, * does not; INBOX has no case', () =>
  transcript(
    `
    C: a LIST "" %
    S: * LIST (\\HasNoChildren) "/" INBOX
    S: * LIST (\\HasNoChildren \\Trash) "/" Rubbish
    S: * LIST (\\HasChildren) "/" foo
    S: a OK That is the list
    C: b LIST "" foo/%
    S: * LIST (\\HasNoChildren) "/" foo/bar
    S: b OK That is the list
    C: c LIST foo/ *
    S: * LIST (\\HasNoChildren) "/" foo/bar
    S: c OK That is the list
    C: d LIST "" inbox
    S: * LIST (\\HasNoChildren) "/" INBOX
    S: d OK That is the list
    C: e LIST "" iN%
    S: * LIST (\\HasNoChildren) "/" INBOX
    S: e OK That is the list
    C: f LIST "" ("foo/*" inbox "f%")
    S: * LIST (\\HasNoChildren) "/" INBOX
    S: * LIST (\\HasChildren) "/" foo
    S: * LIST (\\HasNoChildren) "/" foo/bar
    S: f OK That is the list
    C: g LIST "" nothing
    S: g OK That is the list
    `,
    loggedIn({ mailboxes: ['foo', 'foo/bar', 'Rubbish:Trash'] }),
  ))

test('LIST (SUBSCRIBED) gives subscriptions, also to what does not exist', () =>
  transcript(
    `
    C: a LIST (SUBSCRIBED) "" *
    S: * LIST (\\HasNoChildren \\Subscribed) "/" baz2/bar2
    S: * LIST (\\HasNoChildren \\Subscribed) "/" baz2/bar22
    S: * LIST (\\HasNoChildren \\Subscribed) "/" baz2/bar222
    S: * LIST (\\HasChildren \\Subscribed) "/" eps2
    S: * LIST (\\HasNoChildren \\Subscribed) "/" eps2/mamba
    S: * LIST (\\HasNoChildren \\Subscribed) "/" foo2/bar1
    S: * LIST (\\HasNoChildren \\Subscribed) "/" foo2/bar2
    S: * LIST (\\NonExistent \\HasNoChildren \\Subscribed) "/" qux2/bar2
    S: a OK That is the list
    C: b LIST "" foo2* RETURN (SUBSCRIBED CHILDREN)
    S: * LIST (\\HasChildren) "/" foo2
    S: * LIST (\\HasNoChildren \\Subscribed) "/" foo2/bar1
    S: * LIST (\\HasNoChildren \\Subscribed) "/" foo2/bar2
    S: b OK That is the list
    `,
    loggedIn(example9),
  ))

test('RECURSIVEMATCH gives what leads to a match that is not given itself (RFC 5258 §5, example 9)', () =>
  transcript(
    `
    C: a LIST (RECURSIVEMATCH SUBSCRIBED) "" "*2"
    S: * LIST (\\HasNoChildren \\Subscribed) "/" baz2/bar2
    S: * LIST (\\HasNoChildren \\Subscribed) "/" baz2/bar22
    S: * LIST (\\HasNoChildren \\Subscribed) "/" baz2/bar222
    S: * LIST (\\HasChildren \\Subscribed) "/" eps2 ("CHILDINFO" ("SUBSCRIBED"))
    S: * LIST (\\HasChildren) "/" foo2 ("CHILDINFO" ("SUBSCRIBED"))
    S: * LIST (\\HasNoChildren \\Subscribed) "/" foo2/bar2
    S: * LIST (\\NonExistent \\HasNoChildren \\Subscribed) "/" qux2/bar2
    S: a OK That is the list
    C: b LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"
    S: * LIST (\\HasChildren) "/" baz2 ("CHILDINFO" ("SUBSCRIBED"))
    S: * LIST (\\HasChildren \\Subscribed) "/" eps2 ("CHILDINFO" ("SUBSCRIBED"))
    S: * LIST (\\HasChildren) "/" foo2 ("CHILDINFO" ("SUBSCRIBED"))
    S: * LIST (\\NonExistent \\HasNoChildren) "/" qux2 ("CHILDINFO" ("SUBSCRIBED"))
    S: b OK That is the list
    `,
    loggedIn(example9),
  ))

test('LIST … RETURN (STATUS …) puts a STATUS behind each mailbox', () =>
  transcript(
    `
    C: a LIST "" % RETURN (STATUS (MESSAGES UNSEEN) SPECIAL-USE)
    S: * LIST (\\HasNoChildren) "/" INBOX
    S: * STATUS INBOX (MESSAGES 2 UNSEEN 1)
    S: * LIST (\\NonExistent \\HasChildren) "/" gone
    S: a OK That is the list
    `,
    loggedIn({ messages: [{}, { flags: ['\\Seen'] }], mailboxes: ['gone', 'gone/there'] }, 'DELETE gone'),
  ))
