import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { MessageNumber } from '#mail/ids.ts'
import { SyntaxFault } from '../imap/syntax-fault.ts'
import { type Capability, collectCapabilities, formatCapability, parseCapability } from './capabilities.ts'
import {
  formatDropListing,
  formatScanListing,
  formatUniqueId,
  formatUniqueIdListing,
  isUniqueId,
  parseDropListing,
  parseScanListing,
  parseUniqueIdListing,
} from './listings.ts'
import { formatContinuation, formatStatusLine, parseStatusLine, type StatusLine } from './responses.ts'

const printable = fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code))
const visible = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code))
const message = fc.integer({ min: 1, max: 4_294_967_295 }).map((number) => number as MessageNumber)

const statusLine: fc.Arbitrary<StatusLine> = fc
  .record(
    {
      status: fc.constantFrom('+OK' as const, '-ERR' as const),
      code: fc.constantFrom(undefined, 'IN-USE', 'SYS/TEMP', 'AUTH', 'X/Y/Z'),
      text: fc.string({ unit: printable, maxLength: 100 }),
    },
    { noNullPrototype: true },
  )
  .filter(({ code, text }) => !text.startsWith(' ') && (code !== undefined || !text.startsWith('[')))

test('parseStatusLine() reads back what formatStatusLine() wrote', () => {
  fc.assert(
    fc.property(statusLine, (value) => {
      const line = formatStatusLine(value)
      assert.ok(line.endsWith('\r\n'))
      assert.deepEqual(parseStatusLine(line.slice(0, -2)), value)
    }),
    { numRuns: 500 },
  )
})

for (const [line, expected] of [
  ['+OK', { status: '+OK', code: undefined, text: '' }],
  ['+ok ready', { status: '+OK', code: undefined, text: 'ready' }],
  ['-ERR [in-use] Busy', { status: '-ERR', code: 'IN-USE', text: 'Busy' }],
  ['-ERR [SYS/PERM]', { status: '-ERR', code: 'SYS/PERM', text: '' }],
  ['+OK[X] hello', { status: '+OK', code: 'X', text: 'hello' }],
  ['-ERR [not a code] x', { status: '-ERR', code: undefined, text: '[not a code] x' }],
  ['-ERR [] x', { status: '-ERR', code: undefined, text: '[] x' }],
  ['+ ', { status: '+', data: '' }],
  ['+', { status: '+', data: '' }],
  ['+ AAAA', { status: '+', data: 'AAAA' }],
] as const)
  test(`parseStatusLine() reads ${JSON.stringify(line)}`, () => assert.deepEqual(parseStatusLine(line), expected))

for (const line of ['', 'OK', '+OKAY', '-ERROR x', '* OK', '220 mail', '+AAAA', ' +OK'])
  test(`parseStatusLine() refuses ${JSON.stringify(line)}`, () =>
    assert.throws(() => parseStatusLine(line), SyntaxFault))

test('formatStatusLine() cuts text to 512 octets and refuses what would be misread', () => {
  const long = formatStatusLine({ status: '-ERR', code: 'AUTH', text: 'x'.repeat(600) })
  assert.equal(long.length, 512)
  for (const text of ['a\r\nb', '\0', '[AUTH] x'])
    assert.throws(() => formatStatusLine({ status: '+OK', code: undefined, text }), RangeError)
  for (const code of ['', 'A]', 'A//B', 'A B'])
    assert.throws(() => formatStatusLine({ status: '+OK', code, text: '' }), RangeError)
  assert.equal(formatContinuation(''), '+ \r\n')
})

test('listings are read back as they were written', () => {
  fc.assert(
    fc.property(
      message,
      fc.maxSafeNat(),
      fc.string({ unit: visible, minLength: 1, maxLength: 70 }),
      (number, octets, id) => {
        const drop = { messages: number, octets }
        assert.deepEqual(parseDropListing(formatDropListing(drop)), drop)
        const scan = { message: number, octets }
        assert.deepEqual(parseScanListing(formatScanListing(scan)), scan)
        const unique = { message: number, uniqueId: id }
        assert.deepEqual(parseUniqueIdListing(formatUniqueIdListing(unique)), unique)
      },
    ),
    { numRuns: 300 },
  )
})

for (const line of ['', '1', 'x 1', '1 x', '-1 2', '1,2', '1  ', '0 5', '4294967296 5', '99999999999999999999 1'])
  test(`parseScanListing() refuses ${JSON.stringify(line)}`, () => assert.equal(parseScanListing(line), undefined))
for (const line of ['', '1', '1 ', 'x y', '0 a', `1 ${'a'.repeat(513)}`])
  test(`parseUniqueIdListing() refuses ${JSON.stringify(line.slice(0, 9))}`, () =>
    assert.equal(parseUniqueIdListing(line), undefined))

test('listings of odd servers are read', () => {
  assert.deepEqual(parseScanListing(' 1  120 octets'), { message: 1, octets: 120 })
  assert.deepEqual(parseDropListing('2 320 in 3'), { messages: 2, octets: 320 })
  assert.deepEqual(parseUniqueIdListing(`1  <${'x'.repeat(300)}@y>  `), {
    message: 1,
    uniqueId: `<${'x'.repeat(300)}@y>`,
  })
})

test('formatUniqueIdListing() refuses what is no unique-id', () => {
  for (const uniqueId of ['', 'a b', 'é', 'a'.repeat(71), 'a\r\n']) {
    assert.equal(isUniqueId(uniqueId), false)
    assert.throws(() => formatUniqueIdListing({ message: 1 as MessageNumber, uniqueId }), RangeError)
  }
  assert.equal(formatUniqueId(0xa1f, 0x2c3d), '00000a1f00002c3d')
})

const capability: fc.Arbitrary<Capability> = fc.record(
  {
    tag: fc.constantFrom('TOP', 'SASL', 'X-THING', 'IMPLEMENTATION'),
    params: fc.array(fc.string({ unit: visible, minLength: 1, maxLength: 20 }), { maxLength: 8 }),
  },
  { noNullPrototype: true },
)

test('parseCapability() reads back what formatCapability() wrote', () => {
  fc.assert(
    fc.property(capability, (value) => assert.deepEqual(parseCapability(formatCapability(value)), value)),
    { numRuns: 300 },
  )
})

test('capabilities are gathered by tag, without those that are none', () => {
  const all = collectCapabilities(['sasl PLAIN', 'SASL LOGIN', 'TOP ', '', 'a.b', 'é'])
  assert.deepEqual(
    [...all],
    [
      ['SASL', ['PLAIN', 'LOGIN']],
      ['TOP', []],
    ],
  )
  assert.throws(() => formatCapability({ tag: 'A.B', params: [] }), RangeError)
  assert.throws(() => formatCapability({ tag: 'A', params: ['b c'] }), RangeError)
  assert.throws(() => formatCapability({ tag: 'A', params: ['x'.repeat(600)] }), RangeError)
})
