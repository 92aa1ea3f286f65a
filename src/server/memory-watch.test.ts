import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryWatch, memoryCeiling } from './memory-watch.ts'

test('overload begins above the ceiling and ends well below it, looked at twice a second', () => {
  let resident = 100
  let looks = 0
  const watch = new MemoryWatch(100, () => {
    looks += 1
    return resident
  })
  const seen = [100, 101, 95, 91, 90, 89].map((octets, n) => {
    resident = octets
    return watch.overloaded(n * 500)
  })
  assert.deepEqual(seen, [false, true, true, true, false, false])
  resident = 200
  assert.equal(watch.overloaded(2_999), false)
  assert.equal(looks, 6)
  assert.equal(watch.overloaded(3_000), true)
})

test('the ceiling is below what there is', () => {
  assert.ok(memoryCeiling() > 0)
  assert.ok(memoryCeiling() <= 0.75 * 2 ** 50)
})
