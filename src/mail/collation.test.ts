import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collationKey } from './collation.ts'

const SAME = [
  ['été', 'ÉTÉ'],
  ['ǆ', 'Ǆ'],
  ['ᾳ', 'ᾼ'],
] as const
for (const [a, b] of SAME)
  test(`${a} and ${b} are one to i;unicode-casemap`, () => assert.equal(collationKey(a), collationKey(b)))

test('collationKey() orders by code points of capitals, so that "_" comes behind letters', () => {
  const sorted = ['_', 'b', 'A', '', '😀', '\uff21\uffee', 'é', 'z', 'E']
    .map((text) => ({ text, key: collationKey(text) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  assert.deepEqual(
    sorted.map(({ text }) => text),
    ['', 'A', '\uff21\uffee', 'b', 'E', 'é', 'z', '_', '😀'],
  )
})
