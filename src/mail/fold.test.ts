import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fold, NeedleSearch } from './fold.ts'

for (const [a, b] of [
  ['Été', 'éTÉ'],
  ['e\u0301', '\u00e9'],
  ['STRASSE', 'Straße'],
  ['ΟΔΟΣ', 'οδος'],
  ['ﬁn', 'FIN'],
  ['Ａ１', 'a1'],
  ['İ', 'i\u0307'],
] as const) {
  test(`fold() makes ${a} and ${b} one`, () => assert.equal(fold(a), fold(b)))
}

test('fold() keeps apart what differs by more than case', () => {
  assert.notEqual(fold('ete'), fold('été'))
})

test('NeedleSearch finds what includes() finds, wherever the text is cut', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'A', 'é', ' '), maxLength: 20 })
  fc.assert(
    fc.property(
      letters,
      fc.string({ unit: fc.constantFrom('a', 'b', 'é'), maxLength: 4 }),
      fc.array(fc.nat(20), { maxLength: 3 }),
      (text, needle, cuts) => {
        const search = new NeedleSearch(fold(needle))
        let from = 0
        for (const cut of [...cuts.filter((cut) => cut <= text.length).sort((a, b) => a - b), text.length]) {
          search.push(text.slice(from, cut), from > 0)
          from = cut
        }
        assert.equal(search.found, fold(text).includes(fold(needle)))
      },
    ),
  )
})
