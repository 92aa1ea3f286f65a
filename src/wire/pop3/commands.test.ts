import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { MessageNumber } from '#mail/ids.ts'
import { SyntaxFault } from '../imap/syntax-fault.ts'
import { fitsAuth, formatCommand, type Pop3Command, parseCommand } from './commands.ts'

const message = fc.integer({ min: 1, max: 4_294_967_295 }).map((number) => number as MessageNumber)
const word = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((text) => !/[\x00-\x1f\x7f]/.test(text) && text.isWellFormed())
const user = word.filter((text) => text.trim() !== '' && !text.endsWith(' '))
const command: fc.Arbitrary<Pop3Command> = fc.oneof(
  fc.record({ name: fc.constant('USER' as const), user }, { noNullPrototype: true }),
  fc.record({ name: fc.constant('PASS' as const), password: word }, { noNullPrototype: true }),
  fc.record(
    {
      name: fc.constant('AUTH' as const),
      mechanism: fc.constantFrom('PLAIN', 'SCRAM-SHA-256'),
      initial: fc.constantFrom(undefined, '=', 'AAAA'),
    },
    { noNullPrototype: true },
  ),
  fc.constant({ name: 'AUTH' as const, mechanism: undefined, initial: undefined }),
  fc.constantFrom('CAPA', 'STLS', 'UTF8', 'STAT', 'NOOP', 'RSET', 'QUIT').map((name) => ({ name })),
  fc.constantFrom(undefined, '*', 'en', 'fr-CA').map((range) => ({ name: 'LANG' as const, range })),
  fc.record(
    { name: fc.constantFrom('LIST', 'UIDL'), message: fc.option(message, { nil: undefined }) },
    { noNullPrototype: true },
  ) as fc.Arbitrary<Pop3Command>,
  fc.record({ name: fc.constantFrom('RETR', 'DELE'), message }, { noNullPrototype: true }) as fc.Arbitrary<Pop3Command>,
  fc.record({ name: fc.constant('TOP' as const), message, lines: fc.nat() }, { noNullPrototype: true }),
)

test('parseCommand() reads back what formatCommand() wrote', () => {
  fc.assert(
    fc.property(command, (value) => {
      const line = formatCommand(value)
      assert.ok(line.endsWith('\r\n'))
      assert.deepEqual(parseCommand(line.slice(0, -2)), value)
    }),
    { numRuns: 500 },
  )
})

for (const [line, expected] of [
  ['noop', { name: 'NOOP' }],
  ['NOOP ', { name: 'NOOP' }],
  ['LIST  ', { name: 'LIST', message: undefined }],
  ['list 7 ', { name: 'LIST', message: 7 }],
  ['PASS  a b ', { name: 'PASS', password: ' a b ' }],
  ['PASS ', { name: 'PASS', password: '' }],
  ['USER voil\xc3\xa0', { name: 'USER', user: 'voilà' }],
  ['utf8', { name: 'UTF8' }],
  ['LANG', { name: 'LANG', range: undefined }],
  ['lang fr-CA', { name: 'LANG', range: 'fr-CA' }],
  ['LANG *', { name: 'LANG', range: '*' }],
  ['auth plain', { name: 'AUTH', mechanism: 'PLAIN', initial: undefined }],
  ['AUTH', { name: 'AUTH', mechanism: undefined, initial: undefined }],
  ['AUTH PLAIN =', { name: 'AUTH', mechanism: 'PLAIN', initial: '=' }],
  ['AUTH  PLAIN  =', { name: 'AUTH', mechanism: 'PLAIN', initial: '=' }],
  ['TOP 1 99999999999999999999', { name: 'TOP', message: 1, lines: Number.MAX_SAFE_INTEGER }],
] as const)
  test(`parseCommand() reads ${JSON.stringify(line)}`, () => assert.deepEqual(parseCommand(line), expected))

for (const line of [
  '',
  ' ',
  ' NOOP',
  'NOOP x',
  'NOOP\t',
  'NOOP\0',
  'FROBNICATE',
  '__proto__',
  'constructor',
  'APOP a b',
  'UTF8 USER',
  'LANG en fr',
  'LANG -fr',
  'LANG fr-',
  'LANG *-fr',
  'USER \xe9t\xe9',
  'PASS \xe9t\xe9',
  'PASS \xc0\x80',
  'USER',
  'USER ',
  'PASS',
  'RETR',
  'RETR 0',
  'RETR -1',
  'RETR +1',
  'RETR 1 2',
  'RETR 01',
  'RETR 4294967296',
  'RETR 1\rDELE 1',
  'DELE x',
  'LIST x',
  'LIST 1 2',
  'LIST  1',
  'UIDL 1.5',
  'TOP',
  'TOP 1',
  'TOP 1 -1',
  'TOP 1  2',
  'TOP 1 2 3',
  'TOP x 1',
  'AUTH PLAIN = =',
  'AUTH PL/AIN',
  'GET / HTTP/1.1',
  '\x16\x03\x01',
])
  test(`parseCommand() refuses ${JSON.stringify(line)}`, () => assert.throws(() => parseCommand(line), SyntaxFault))

test('parseCommand() throws nothing but SyntaxFault, and shows nothing of the line', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) }),
      (line) => {
        try {
          parseCommand(`TOP ${line}`)
          parseCommand(line)
        } catch (error) {
          assert.ok(error instanceof SyntaxFault)
          assert.match(error.message, /^[A-Za-z -]+$/)
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('formatCommand() does not let a value end the command', () => {
  for (const text of ['a\r\nDELE 1', 'a\nb', 'a\0', '']) {
    assert.throws(() => formatCommand({ name: 'USER', user: text }), RangeError)
    if (text !== '') assert.throws(() => formatCommand({ name: 'PASS', password: text }), RangeError)
  }
})

test('an initial response goes with AUTH up to 255 octets', () => {
  assert.equal(fitsAuth('PLAIN', 'A'.repeat(242)), true)
  assert.equal(fitsAuth('PLAIN', 'A'.repeat(243)), false)
  assert.equal(formatCommand({ name: 'AUTH', mechanism: 'PLAIN', initial: 'A'.repeat(242) }).length, 255)
  assert.throws(() => formatCommand({ name: 'AUTH', mechanism: 'PLAIN', initial: 'A'.repeat(243) }), RangeError)
})
