import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { preparePassword, saslPrep } from './sasl-prep.ts'

/** RFC 4013 §3 and what the issue of equal forms is about (RFC 5802 §2.2). */
const CASES: readonly (readonly [string, string | undefined])[] = [
  ['I\u00adX', 'IX'],
  ['user', 'user'],
  ['USER', 'USER'],
  ['\u00aa', 'a'],
  ['\u2168', 'IX'],
  ['\u0007', undefined],
  ['\u0627\u0031', undefined],
  ['\u0627\u0031\u0628', '\u0627\u0031\u0628'],
  ['\u0627a\u0628', undefined],
  ['½', '1⁄2'],
  ['e\u0301', 'é'],
  ['a\u00a0b', 'a b'],
  ['\u00ad', undefined],
  ['', undefined],
  ['\ue000', undefined],
  ['\ud800', undefined],
  ['\u{e0041}', undefined],
  ['कि', 'कि'],
  ['a\u3000b', 'a b'],
]

for (const [text, expected] of CASES) {
  test(`saslPrep() of ${JSON.stringify(text)} is ${JSON.stringify(expected)}`, () =>
    assert.equal(saslPrep(text), expected))
}

test('saslPrep() never throws and what it gives is prepared', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
      const prepared = saslPrep(text)
      if (prepared !== undefined) assert.equal(saslPrep(prepared), prepared)
    }),
    { numRuns: 300 },
  )
})

test('preparePassword() leaves a password alone that SASLprep prohibits', () => {
  assert.equal(preparePassword('a\u0007'), 'a\u0007')
  assert.equal(preparePassword('e\u0301'), 'é')
})
