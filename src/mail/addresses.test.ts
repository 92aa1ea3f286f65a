import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assertLinear } from '#testing/growth.ts'
import { parseAddresses } from './addresses.ts'

/** name|route|mailbox|host, `-` for NIL. */
const brief = (text: string): string[] =>
  parseAddresses(text).map(({ name, route, mailbox, host }) =>
    [name, route, mailbox, host].map((each) => each ?? '-').join('|'),
  )

const CASES: readonly (readonly [text: string, ...expected: string[]])[] = [
  ['jdoe@machine.example', '-|-|jdoe|machine.example'],
  ['John Doe <jdoe@machine.example>', 'John Doe|-|jdoe|machine.example'],
  ['"Joe Q. Public" <john.q.public@example.com>', 'Joe Q. Public|-|john.q.public|example.com'],
  [
    'Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>',
    'Mary Smith|-|mary|x.test',
    '-|-|jdoe|example.org',
    'Who?|-|one|y.test',
  ],
  [
    '<boss@nil.test>, "Giant; \\"Big\\" Box" <sysservices@example.net>',
    '-|-|boss|nil.test',
    'Giant; "Big" Box|-|sysservices|example.net',
  ],
  [
    'A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;',
    '-|-|A Group|-',
    'Ed Jones|-|c|a.test',
    '-|-|joe|where.test',
    'John|-|jdoe|one.test',
    '-|-|-|-',
  ],
  ['Undisclosed recipients:;', '-|-|Undisclosed recipients|-', '-|-|-|-'],
  ['unlisted-recipients:; (no To-header on input)', '-|-|unlisted-recipients|-', '-|-|-|-'],
  ['Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>', 'Pete|-|pete|silly.test'],
  ['jdoe@example.org (John Doe)', 'John Doe|-|jdoe|example.org'],
  ['Joe Q. Public <john.q.public@example.com>', 'Joe Q. Public|-|john.q.public|example.com'],
  ['<@node.test,@b.test:mary@example.net>', '-|@node.test,@b.test|mary|example.net'],
  ['jdoe@test   . example', '-|-|jdoe|test.example'],
  ['"john doe"@example.org', '-|-|john doe|example.org'],
  ['user@[192.168.1.1]', '-|-|user|[192.168.1.1]'],
  ['user@[IPv6:2001:db8::1]', '-|-|user|[IPv6:2001:db8::1]'],
  ['=?utf-8?q?a,b:c?= <x@y.example>', '=?utf-8?q?a,b:c?=|-|x|y.example'],
  ['\xc3\xa9t\xc3\xa0 <\xc3\xa9@\xc3\xa9.example>', '\xc3\xa9t\xc3\xa0|-|\xc3\xa9|\xc3\xa9.example'],
  ['a@b.example <a@b.example>', 'a@b.example|-|a|b.example'],
  ['a@b.example John Doe', 'John Doe|-|a|b.example'],
  ['@a.example:b@c.example', '-|-|b|c.example'],
  ['a!b@c@d.example', '-|-|a!b@c|d.example'],
  ['<a!b@c@d.example>', '-|-|a!b@c|d.example'],
  ['nsb', '-|-|nsb|MISSING_DOMAIN'],
  ['Nobody <>', 'Nobody|-|MISSING_MAILBOX|MISSING_DOMAIN'],
  ['<@example.org>', '-|-|MISSING_MAILBOX|example.org'],
  ['@example.org', '-|-|MISSING_MAILBOX|example.org'],
  ['Open <a@b.example, c@d.example', 'Open|-|a|b.example', '-|-|c|d.example'],
  ['"never closed <a@b.example>', '"never closed|-|a|b.example'],
  ['(never closed <a@b.example>', '(never closed|-|a|b.example'],
  [',, ,;>'],
  [''],
]
for (const [text, ...expected] of CASES)
  test(`parseAddresses() reads ${JSON.stringify(text)}`, () => assert.deepEqual(brief(text), expected))

test('parseAddresses() takes anything, and closes each group it opens', () => {
  const unit = fc.constantFrom(
    'a',
    '@',
    '<',
    '>',
    ',',
    ';',
    ':',
    '"',
    '(',
    ')',
    '\\',
    ' ',
    '.',
    '[',
    ']',
    '=?',
    '\0',
    '\xff',
  )
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 60 }), (text) => {
      const list = parseAddresses(text)
      const opened = list.filter((each) => each.host === undefined && each.mailbox !== undefined).length
      const closed = list.filter((each) => each.host === undefined && each.mailbox === undefined).length
      assert.equal(opened, closed)
    }),
    { numRuns: 1_000 },
  )
})

test('hostile address lists take linear time', () => {
  for (const piece of ['(', '"', '<', '=?', '=?a?b?', '@', ':', 'a ', '[', '\\"', '()', '@[', 'a:'])
    assertLinear(
      (size) => {
        const text = piece.repeat(size / piece.length)
        return () => parseAddresses(text)
      },
      15_000,
      piece,
    )
})
