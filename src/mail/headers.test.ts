import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { corpusMessages } from '#testing/corpus.ts'
import { encodeFieldTable, firstValue, headerFields, selectFields, unfold } from './headers.ts'
import { scanMessage } from './scanner.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

function select(block: string, names: readonly string[], not: boolean, before?: string): string {
  const header = bytes(block)
  const chosen = selectFields(
    header,
    encodeFieldTable(header),
    names,
    not,
    before === undefined ? undefined : bytes(before),
  )
  return Buffer.from(chosen).toString('latin1')
}

test('headerFields() names fields as written and keeps folded values', () => {
  const fields = headerFields('From: a\r\nX-Y :b\r\n c\r\n\td\r\nsubject:\r\n\r\nTo: not here\r\n')
  assert.deepEqual(
    fields.map(({ name, lowerName, rawValue }) => [name, lowerName, rawValue]),
    [
      ['From', 'from', ' a\r\n'],
      ['X-Y', 'x-y', 'b\r\n c\r\n\td\r\n'],
      ['subject', 'subject', '\r\n'],
    ],
  )
  assert.equal(firstValue(fields, 'x-y'), 'b c\td')
  assert.equal(firstValue(fields, 'subject'), '')
  assert.equal(firstValue(fields, 'cc'), undefined)
})

for (const junk of [
  'From someone Thu Jan 1',
  'no colon here',
  'two words: x',
  ': nothing',
  '\x01: x',
  ' leading: fold',
])
  test(`headerFields() leaves ${JSON.stringify(junk)} out`, () => {
    const names = headerFields(`${junk}\r\nTo: b\r\n\r\n`).map((field) => field.name)
    assert.deepEqual(names, ['To'])
  })

test('headerFields() reads past a byte order mark', () => {
  assert.deepEqual(
    headerFields('\xef\xbb\xbfFrom: a\n\n').map((field) => field.name),
    ['From'],
  )
})

test('unfold() takes line ends away and leaves bytes of characters alone', () => {
  assert.equal(unfold(' a\r\n b \r\n'), 'a b')
  assert.equal(unfold(' \xc3\xa0\r\n'), '\xc3\xa0') // 0xA0 ends an à in UTF-8
})

test('selectFields() gives HEADER.FIELDS and HEADER.FIELDS.NOT with the blank line', () => {
  const block = 'From: a\r\nTO: b,\r\n c\r\nSubject: s\r\nto: d\r\n\r\n'
  assert.equal(select(block, ['to', 'X-None'], false), 'TO: b,\r\n c\r\nto: d\r\n\r\n')
  assert.equal(select(block, ['TO'], true), 'From: a\r\nSubject: s\r\n\r\n')
  assert.equal(select(block, [], false), '\r\n')
  assert.equal(select(block, [], true), block)
})

test('selectFields() puts what was chosen of the trace lines first', () => {
  assert.equal(select('From: a\n\n', ['from'], false, 'Received: r\r\n'), 'Received: r\r\nFrom: a\n\n')
})

test('selectFields() adds no blank line where the message has none', () => {
  assert.equal(select('From: a\r\n', ['from'], false), 'From: a\r\n')
  assert.equal(select('', ['from'], false), '')
})

test('selectFields() compares ASCII letters only without case', () => {
  assert.equal(select('a[: 1\r\nA{: 2\r\n\r\n', ['A['], false), 'a[: 1\r\n\r\n')
})

test('fields chosen and fields not chosen are all fields, over the corpus', () => {
  for (const { name, bytes: message } of corpusMessages()) {
    const { header } = scanMessage(message)
    const table = encodeFieldTable(header)
    const names = ['From', 'SUBJECT', 'received']
    const chosen = headerFields(Buffer.from(selectFields(header, table, names, false)).toString('latin1'))
    const others = headerFields(Buffer.from(selectFields(header, table, names, true)).toString('latin1'))
    const all = headerFields(Buffer.from(header).toString('latin1'))
    const wanted = new Set(['from', 'subject', 'received'])
    const text = (fields: typeof all) => fields.map((field) => `${field.name}:${field.rawValue}`)
    assert.deepEqual(text(chosen), text(all.filter((field) => wanted.has(field.lowerName))), name)
    assert.deepEqual(text(others), text(all.filter((field) => !wanted.has(field.lowerName))), name)
  }
})

test('encodeFieldTable() takes any bytes', () => {
  const soup = fc.string({ unit: fc.constantFrom('a', ':', ' ', '\r', '\n', '\t', '\0', '\xff') })
  fc.assert(
    fc.property(soup, (text) => {
      const header = bytes(text)
      selectFields(header, encodeFieldTable(header), ['a'], true)
    }),
    { numRuns: 300 },
  )
})
