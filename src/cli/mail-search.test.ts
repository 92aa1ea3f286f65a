import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTypedQuery } from './mail-search.ts'

const NOW = new Date(2026, 2, 5, 12)
const parse = (...words: string[]): unknown => parseTypedQuery(words, NOW).query

test('parseTypedQuery() reads words, fields, days, states and sizes', () => {
  assert.deepEqual(parse('budget', 'from:ann', 'subject:"summer plan"', 'unread'), {
    text: 'budget',
    from: 'ann',
    subject: 'summer plan',
    seen: false,
  })
  assert.deepEqual(parse('since:2026-01-31', 'before:today', 'larger:2M'), {
    since: { year: 2026, month: 1, day: 31 },
    before: { year: 2026, month: 3, day: 5 },
    larger: 2_097_152,
  })
  assert.deepEqual(parse('on:7d is:flagged'), { on: { year: 2026, month: 2, day: 26 }, flagged: true })
  assert.deepEqual(parse('14:30', 'https://example.org'), {
    text: '14:30',
    not: [{ not: { or: [{ text: 'https://example.org' }] } }],
  })
  assert.deepEqual(parse('not:from:bob', '-x'), { not: [{ from: 'bob' }, { text: 'x' }] })
  assert.deepEqual(parse('"new york"'), { text: 'new york' })
})

test('parseTypedQuery() keeps apart what no server can be asked', () => {
  assert.deepEqual(parseTypedQuery(['has:attachment', 'x'], NOW), { query: { text: 'x' }, attachment: true })
})

for (const wrong of [
  'from:',
  'since:tomorrow',
  'since:2026-02-30',
  'has:wings',
  'is:odd',
  'larger:much',
  'not:has:attachment',
])
  test(`parseTypedQuery() refuses ${wrong}`, () =>
    assert.throws(() => parseTypedQuery([wrong], NOW), /is not understood/))
