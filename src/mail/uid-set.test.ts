import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Uid } from './ids.ts'
import { formatUidSet, normaliseUidSet, type UidSet, uidSetHas, uidSetOf, uidSetSize, uidsOf } from './uid-set.ts'

const uids = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 40 })
const ascending = uids.map((list) => [...list].sort((a, b) => a - b))

test('uidSetOf() collects ranges that do not touch', () => {
  assert.deepEqual(uidSetOf([1, 2, 3, 7, 9, 10]), [
    [1, 3],
    [7, 7],
    [9, 10],
  ])
  assert.deepEqual(uidSetOf([]), [])
  assert.deepEqual(uidSetOf([4, 4, 5]), [[4, 5]])
})

test('a UID set holds exactly the UIDs it was made of', () => {
  fc.assert(
    fc.property(ascending, (list) => {
      const set = uidSetOf(list)
      assert.deepEqual([...uidsOf(set)], list)
      assert.equal(uidSetSize(set), list.length)
      for (let uid = 0; uid <= 61; uid += 1) assert.equal(uidSetHas(set, uid), list.includes(uid))
    }),
  )
})

test('normaliseUidSet() sorts and merges whatever overlaps or touches', () => {
  const range = fc
    .tuple(fc.integer({ min: 1, max: 50 }), fc.nat(10))
    .map(([first, more]) => [first, first + more] as const)
  fc.assert(
    fc.property(fc.array(range, { maxLength: 20 }), (ranges) => {
      const all = new Set(ranges.flatMap(([first, last]) => [...uidsOf([[first as Uid, last as Uid]])]))
      assert.deepEqual(normaliseUidSet(ranges), uidSetOf([...all].sort((a, b) => a - b)))
    }),
  )
})

test('formatUidSet() writes what IMAP reads', () => {
  const set = uidSetOf([1, 2, 3, 7]) satisfies UidSet
  assert.equal(formatUidSet(set), '1:3,7')
  assert.equal(formatUidSet([]), '')
})
