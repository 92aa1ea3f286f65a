import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { putDigits, putNumbers, putRanges } from './digits.ts'

/** What a function wrote, and that it wrote no further than it says. */
function written(put: (into: Uint8Array) => number): string {
  const into = Buffer.alloc(4_096, '#')
  const end = put(into)
  assert.equal(into[end], 35)
  return into.toString('latin1', 0, end)
}

test('putDigits() writes what String() says', () => {
  const edges = [0, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]
  for (let power = 1; power <= 1e15; power *= 10) edges.push(power - 1, power, power + 1)
  for (const value of edges)
    assert.equal(
      written((into) => putDigits(into, 0, value)),
      String(value),
    )
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.nat(5), (value, at) => {
      assert.equal(written((into) => putDigits(into, at, value)).slice(at), String(value))
    }),
  )
})

test('putNumbers() and putRanges() write a part of a list', () => {
  const uint = fc.integer({ min: 0, max: 2 ** 32 - 1 })
  fc.assert(
    fc.property(fc.array(fc.tuple(uint, uint), { maxLength: 50 }), fc.nat(50), (pairs, from) => {
      const bounds = Uint32Array.from(pairs.flat())
      const numbers = Array.from(bounds.subarray(from), (value) => ` ${value}`).join('')
      assert.equal(
        written((into) => putNumbers(into, 0, bounds, from, Math.max(from, bounds.length))),
        numbers,
      )
      const ranges = pairs.map(([first, last]) => (first === last ? `${first}` : `${first}:${last}`))
      const part = ranges.slice(from).map((range, at) => (at + from > 0 ? `,${range}` : range))
      assert.equal(
        written((into) => putRanges(into, 0, bounds, from, Math.max(from, pairs.length))),
        part.join(''),
      )
    }),
  )
})
