import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertLinear, processorTime } from './growth.ts'

/** Work in proportion to a count, which nothing can optimise away. */
function spin(count: number): number {
  let state = count
  for (let at = 0; at < count; at += 1) state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  return state
}

test('assertLinear() takes what is constant, linear, or linear but for a logarithm', () => {
  assertLinear(() => () => spin(1_000), 10)
  assertLinear((size) => {
    const bytes = Buffer.alloc(size, 'abc')
    return () => bytes.toString('base64')
  }, 50_000)
  assertLinear((size) => {
    const numbers = Array.from({ length: size }, (_, at) => spin(at % 50))
    return () => numbers.toSorted((one, other) => one - other)
  }, 5_000)
})

test('assertLinear() refuses what is quadratic, and says how it grows', () => {
  assert.throws(
    () =>
      assertLinear(
        (size) => {
          const text = Buffer.alloc(size, 'a')
          return () => {
            for (let at = 0; at < size; at += 16) Buffer.from(text.subarray(at))
          }
        },
        20_000,
        'copies',
      ),
    /^AssertionError.*costs \d\d\.\d times as much: copies, 20000 and 80000/,
  )
})

test('assertLinear() makes the input outside the measurement, once for each size', () => {
  const sizes: number[] = []
  assertLinear((size) => {
    sizes.push(size)
    spin(size * size)
    return () => spin(size)
  }, 1_000)
  assert.deepEqual(sizes, [1_000, 4_000])
})

test('processorTime() goes on with work and stands while nothing is done', async () => {
  const start = processorTime()
  while (spin(100_000) >= 0 && processorTime() - start < 20);
  const worked = processorTime()
  await new Promise((resolve) => setTimeout(resolve, 200))
  assert.ok(processorTime() - worked < 150)
})
