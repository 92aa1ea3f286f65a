import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryWatch, memoryCeiling } from './memory-watch.ts'

test('overload begins above the ceiling and ends well below it, looked at twice a second', () => {
  let resident = 100
  let looks = 0
  const changes: boolean[] = []
  const watch = new MemoryWatch(
    100,
    (overloaded) => changes.push(overloaded),
    () => {
      looks += 1
      return resident
    },
  )
  const seen = [100, 101, 100, 98, 97, 96].map((octets, n) => {
    resident = octets
    return watch.overloaded(n * 500)
  })
  assert.deepEqual(seen, [false, true, true, true, false, false])
  assert.deepEqual(changes, [true, false])
  resident = 200
  assert.equal(watch.overloaded(2_999), false)
  assert.equal(looks, 6)
  assert.equal(watch.overloaded(3_000), true)
})

test('the ceiling is below what there is', () => {
  assert.ok(memoryCeiling() > 0)
  assert.ok(memoryCeiling() <= 0.75 * 2 ** 50)
})
