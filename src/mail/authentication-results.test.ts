import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { authServIdOf, formatAuthenticationResults, parseAuthenticationResults } from './authentication-results.ts'

const FIELD = 'Authentication-Results: '

test('formatAuthenticationResults() writes a line a method', () => {
  assert.equal(
    formatAuthenticationResults({
      by: 'mx.example.org',
      results: [
        { method: 'spf', result: 'pass', properties: { 'smtp.mailfrom': 'ann@example.net' } },
        { method: 'iprev', result: 'pass', comment: 'a (b)\r\nX: y', properties: { 'policy.iprev': '2001:db8::1' } },
      ],
    }),
    'Authentication-Results: mx.example.org;\r\n\tspf=pass smtp.mailfrom=ann@example.net;\r\n' +
      '\tiprev=pass (a  b ??X: y) policy.iprev="2001:db8::1"\r\n',
  )
  assert.equal(formatAuthenticationResults({ by: 'mx', results: [] }), 'Authentication-Results: mx;\r\n\tnone\r\n')
})

test('parseAuthenticationResults() reads back what formatAuthenticationResults() wrote', () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/)
  const text = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
    .map((each) => each.replace(/[\p{C}\p{Z}]/gu, '_'))
  const result = fc.record(
    {
      method: word,
      result: word,
      properties: fc.dictionary(fc.constantFrom('header.d', 'smtp.mailfrom', 'policy.x'), text, {
        noNullPrototype: false,
      }),
    },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(fc.domain(), fc.array(result, { minLength: 1 }), (by, results) => {
      const written = formatAuthenticationResults({ by, results })
      assert.ok(written.split('\r\n').every((line) => line.length <= 998))
      const read = parseAuthenticationResults(written.slice(FIELD.length))
      assert.deepEqual(
        read && { by: read.by, results: read.results.map((each) => ({ ...each, properties: { ...each.properties } })) },
        { by: by.toLowerCase(), results: results.map((each) => ({ ...each, properties: { ...each.properties } })) },
      )
    }),
  )
})

test('formatAuthenticationResults() never lets a value end its line', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 50 }),
      fc.string({ unit: 'binary', maxLength: 50 }),
      (comment, value) => {
        const written = formatAuthenticationResults({
          by: 'mx',
          results: [{ method: 'm', result: 'r', comment, properties: { 'a.b': value } }],
        })
        assert.match(written, /^Authentication-Results: mx;(?:\r\n\t[^\r\n\0]+)+\r\n$/)
        assert.equal(parseAuthenticationResults(written.slice(FIELD.length))?.results.length, 1)
      },
    ),
  )
})

test('parseAuthenticationResults() reads what others write', () => {
  assert.deepEqual(
    parseAuthenticationResults(
      ' (x (y)) Mail.Example 1 (c);\r\n dkim=pass (2048-bit; "key) reason="a;b" header.d=example.com header.i="@x y";;\r\n bad; spf=none smtp.mailfrom="a b"@example.org',
    )?.results.map(({ properties, ...rest }) => ({ ...rest, properties: { ...properties } })),
    [
      {
        method: 'dkim',
        result: 'pass',
        comment: '2048-bit; "key',
        properties: { reason: 'a;b', 'header.d': 'example.com', 'header.i': '@x y' },
      },
      { method: 'spf', result: 'none', properties: { 'smtp.mailfrom': '"a b"@example.org' } },
    ],
  )
  for (const body of ['', ' ', '(only', ';', '"']) assert.equal(parseAuthenticationResults(body), undefined)
})

test('authServIdOf() and parseAuthenticationResults() take any octets', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      authServIdOf(bytes)
      parseAuthenticationResults(Buffer.from(bytes).toString('latin1'))
    }),
  )
})
