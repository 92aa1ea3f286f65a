import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assertLinear } from '#testing/growth.ts'
import { messageSet } from './arbitraries.ts'
import { formatMessageSet, parseMessageSet, parseOrderedUids, parseUidSet } from './message-set.ts'

test('parseMessageSet() reads back what formatMessageSet() wrote', () => {
  fc.assert(
    fc.property(messageSet, (set) => {
      assert.deepEqual(parseMessageSet(formatMessageSet(set)), set)
    }),
  )
})

const bad = [
  '',
  '0',
  '01',
  '1:',
  ':1',
  '1,,2',
  '1,',
  ',1',
  '1:2:3',
  '4294967296',
  '99999999999',
  '$,1',
  '1 ',
  '+1',
  '**',
]
for (const text of bad)
  test(`parseMessageSet() refuses ${JSON.stringify(text)}`, () => assert.equal(parseMessageSet(text), undefined))

test('a set keeps its ranges as written', () => {
  assert.deepEqual(parseMessageSet('4:2,*:7,9,5:5'), [
    [4, 2],
    ['*', 7],
    [9, 9],
    [5, 5],
  ])
})

test('UID sets have neither * nor $', () => {
  for (const text of ['*', '1:*', '$']) {
    assert.equal(parseUidSet(text), undefined)
    assert.equal(parseOrderedUids(text), undefined)
  }
  assert.deepEqual(parseOrderedUids('9,4:2'), [
    [9, 9],
    [2, 4],
  ])
  assert.deepEqual(parseUidSet('9,4:2,5'), [
    [2, 5],
    [9, 9],
  ])
})

test('100,000 ranges are read in linear time', () => {
  assertLinear((size) => {
    const text = Array.from({ length: size }, (_, i) => `${i * 3 + 1}:${i * 3 + 2}`).join(',')
    return () => assert.equal(parseMessageSet(text)?.length, size)
  }, 25_000)
})
