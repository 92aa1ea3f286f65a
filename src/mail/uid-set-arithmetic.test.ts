import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { normaliseUidSet, uidSetHas } from '#mail/uid-set.ts'
import { intersectUidSets, subtractUidSets } from './uid-set-arithmetic.ts'

const uid = fc.integer({ min: 1, max: 40 })
const set = fc
  .array(fc.tuple(uid, uid), { maxLength: 8 })
  .map((ranges) => normaliseUidSet(ranges.map(([a, b]): [number, number] => (a < b ? [a, b] : [b, a]))))

test('sets are intersected and subtracted as their numbers are', () => {
  fc.assert(
    fc.property(set, set, (a, b) => {
      const both = intersectUidSets(a, b)
      const left = subtractUidSets(a, b)
      for (let n = 0; n <= 41; n += 1) {
        assert.equal(uidSetHas(both, n), uidSetHas(a, n) && uidSetHas(b, n), `${n} in both`)
        assert.equal(uidSetHas(left, n), uidSetHas(a, n) && !uidSetHas(b, n), `${n} is left`)
      }
      assert.ok(both.every(([first, last]) => first <= last) && left.every(([first, last]) => first <= last))
    }),
  )
})
