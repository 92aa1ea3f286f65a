import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fold } from './fold.ts'
import { cutWords, WHOLE_PART, WordCutter } from './words.ts'

function wordsOf(pieces: readonly string[]): string[] {
  const words: string[] = []
  const cutter = new WordCutter((text, start, end) => words.push(text.slice(start, end)))
  for (const [index, piece] of pieces.entries()) cutter.push(piece, index > 0)
  cutter.end()
  return words
}

const CASES: readonly (readonly [text: string, words: readonly string[]])[] = [
  ['', []],
  [' ,.', []],
  ['one', ['one']],
  ['one,two  three', ['one', 'two', 'three']],
  ['<a1@b.example>', ['a1', 'b', 'example']],
  ['a+b=c', ['a', 'b', 'c']],
  ['📎 file', ['📎', 'file']],
  ['नमस्ते दुनिया', ['नमस्ते', 'दुनिया']],
  ['日本語。テスト', ['日本語', 'テスト']],
  ['3 € net', ['3', '€', 'net']],
]
for (const [text, words] of CASES)
  test(`words of ${JSON.stringify(text)}`, () => {
    assert.deepEqual(wordsOf([text]), words)
    assert.deepEqual(
      cutWords(text).map(([start, end]) => text.slice(start, end)),
      words,
    )
  })

const alphabet = fc.constantFrom('a', 'b', 'é', ' ', '-', '9', '📎', '語', '́')
const text = fc.string({ unit: alphabet, maxLength: 40 })

test('text in pieces has the words of the whole', () => {
  fc.assert(fc.property(fc.array(text), (pieces) => assert.deepEqual(wordsOf(pieces), wordsOf([pieces.join('')]))))
})

test('a text that is not continued begins a word of its own', () => {
  const words: string[] = []
  const cutter = new WordCutter((piece, start, end) => words.push(piece.slice(start, end)))
  cutter.push('one', false)
  cutter.push('two', false)
  cutter.push('three', true)
  cutter.end()
  assert.deepEqual(words, ['one', 'twothree'])
})

test('a part of a long word is in one of its pieces, its beginning and its end at theirs', () => {
  const longWord = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '語'), minLength: 1, maxLength: 2_000 })
  fc.assert(
    fc.property(longWord, fc.nat(), fc.integer({ min: 1, max: WHOLE_PART }), fc.nat(), (word, at, length, cut) => {
      const start = at % word.length
      const part = word.slice(start, start + length)
      const middle = cut % word.length
      const pieces = wordsOf([`- ${word.slice(0, middle)}`, `${word.slice(middle)} -`])
      assert.ok(pieces.some((piece) => piece.includes(part)))
      assert.ok(word.startsWith(pieces[0] ?? '-'))
      assert.ok(word.endsWith(pieces.at(-1) ?? '-'))
      if (word.length > 2 * WHOLE_PART) assert.ok(pieces.every((piece) => piece.length >= WHOLE_PART))
    }),
  )
})

test('folding makes no word end where a needle goes on', () => {
  assert.deepEqual(wordsOf([fold('Éte\u0301 GROSS Straße')]), ['e\u0301te\u0301', 'gross', 'strasse'])
})
