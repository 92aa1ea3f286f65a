import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseAccountCsv, parseCsv } from './account-csv.ts'

test('parseAccountCsv() reads columns in any order, quoted or not', () => {
  const text =
    '\ufeffAddress,Name,password,HASH,quota,messages,protocols,plan\r\n' +
    'ann@example.org,"Lee, ""Ann""", pass word ,,1.5GB,100,imap pop3,\r\n' +
    '\r\n' +
    'ben@example.org,"two\r\nlines",,{SHA}x,none,,"smtp;imap",\r\n' +
    'cat@example.org,,,,,,,'
  const rows = parseAccountCsv(text)
  assert.ok(rows.ok)
  assert.deepEqual(rows.value, [
    {
      line: 2,
      address: 'ann@example.org',
      displayName: 'Lee, "Ann"',
      password: ' pass word ',
      hash: undefined,
      storageBytes: 1_610_612_736,
      messages: 100,
      protocols: ['imap', 'pop3'],
    },
    {
      line: 4,
      address: 'ben@example.org',
      displayName: 'two\r\nlines',
      password: undefined,
      hash: '{SHA}x',
      storageBytes: undefined,
      messages: undefined,
      protocols: ['imap', 'smtp'],
    },
    {
      line: 6,
      address: 'cat@example.org',
      displayName: '',
      password: undefined,
      hash: undefined,
      storageBytes: undefined,
      messages: undefined,
      protocols: undefined,
    },
  ])
})

for (const [text, kind, line] of [
  ['', 'no-address-column', 1],
  ['name\nann', 'no-address-column', 1],
  ['address,colour\n', 'unknown-column', 1],
  ['address,Address\n', 'twice', 1],
  ['address,name\na@example.org\n', 'field-count', 2],
  ['address\n"a@example.org\n', 'bad-quoting', 2],
  ['address\na"b\n', 'bad-quoting', 2],
  ['address\n"a"b\n', 'bad-quoting', 2],
  ['address,quota\na,1XB\n', 'bad-value', 2],
  ['address,messages\na,-1\n', 'bad-value', 2],
  ['address,protocols\na,imap nntp\n', 'bad-value', 2],
  ['address,name\n\n\n,Ann\n', 'bad-value', 4],
  ['address,password,hash\na,x,y\n', 'bad-value', 2],
  ['address,plan\na,gold\n', 'bad-value', 2],
] as const) {
  test(`parseAccountCsv() refuses ${JSON.stringify(text)}`, () => {
    const answer = parseAccountCsv(text)
    assert.ok(!answer.ok)
    assert.deepEqual([answer.error.kind, answer.error.line], [kind, line])
  })
}

test('parseCsv() reads back what was quoted', () => {
  const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\r\n', '\n', ' ', 'é'), maxLength: 6 })
  const records = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { maxLength: 5 })
  fc.assert(
    fc.property(records, fc.constantFrom('\n', '\r\n'), (written, end) => {
      const text = written
        .map((fields) => fields.map((one) => `"${one.replaceAll('"', '""')}"`).join(',') + end)
        .join('')
      const read = parseCsv(text)
      assert.ok(read.ok)
      assert.deepEqual(
        read.value.map(({ fields }) => fields),
        written,
      )
    }),
    { numRuns: 200 },
  )
})
