import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Turns } from '#lib/turns.ts'
import { sortedIndexes } from './index-sort.ts'

const signal = new AbortController().signal

test('sortedIndexes() sorts as a stable sort does', () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.nat(50), { maxLength: 1500, size: 'max' }), async (values) => {
      const compare = (a: number, b: number): number => (values[a] ?? 0) - (values[b] ?? 0)
      const sorted = await sortedIndexes(values.length, compare, new Turns(), signal)
      assert.deepEqual([...sorted], [...values.keys()].sort(compare))
    }),
    { numRuns: 30 },
  ))

test('sortedIndexes() of 200,000 lets others have their turn', async () => {
  let turns = 0
  const timer = setInterval(() => {
    turns += 1
  }, 1)
  const values = Float64Array.from({ length: 200_000 }, (_, index) => (index * 7_919) % 100_003)
  await sortedIndexes(values.length, (a, b) => (values[a] ?? 0) - (values[b] ?? 0), new Turns(), signal)
  clearInterval(timer)
  assert.ok(turns > 1)
})

test('sortedIndexes() ends when nobody waits any more', async () => {
  const controller = new AbortController()
  controller.abort(new Error('Gone'))
  await assert.rejects(
    sortedIndexes(300_000, (a, b) => ((a * 7_919) % 1_009) - ((b * 7_919) % 1_009), new Turns(), controller.signal),
    /Gone/,
  )
})
