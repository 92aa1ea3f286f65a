import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatMessageSet } from '#wire/imap/message-set.ts'
import { SET_CHARS } from './limits.ts'
import { isSingle, messageSet, splitSet, type Uids } from './message-sets.ts'

const CASES: readonly (readonly [Uids, string])[] = [
  [7, '7'],
  [[3, 1, 2], '1:3'],
  [new Set([9, 5]), '5,9'],
  [
    [
      [4, 6],
      [5, 9],
    ] as never,
    '4:9',
  ],
  ['1:*', '1:*'],
  ['$', '$'],
  [[], ''],
]
for (const [uids, text] of CASES)
  test(`messageSet() of ${JSON.stringify(uids)} is ${text}`, () =>
    assert.equal(formatMessageSet(messageSet(uids)), text))

for (const wrong of [0, -1, 1.5, 2 ** 32, 'x', '1:', '', [0] as number[], [[3, 1]] as never])
  test(`messageSet() refuses ${JSON.stringify(wrong)}`, () => assert.throws(() => messageSet(wrong), RangeError))

test('splitSet() cuts what does not fit a line, and loses nothing', () => {
  const odd = Array.from({ length: 20_000 }, (_, n) => 4_000_000_001 + 2 * n)
  const parts = splitSet(messageSet(odd))
  assert.ok(parts.length > 30)
  for (const part of parts) assert.ok(formatMessageSet(part).length <= SET_CHARS)
  assert.equal(parts.map(formatMessageSet).join(','), formatMessageSet(messageSet(odd)))
})

test('isSingle() knows one message', () => {
  assert.deepEqual([messageSet(5), messageSet('5:5'), messageSet('5:6'), messageSet('$')].map(isSingle), [
    true,
    true,
    false,
    false,
  ])
})
