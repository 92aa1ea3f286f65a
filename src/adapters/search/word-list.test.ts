import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Lies, WordList } from './word-list.ts'

const MOST = 3
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'é'), minLength: 1, maxLength: 4 })
const step = fc.record(
  {
    words: fc.array(text, { maxLength: 6 }),
    needle: text,
    lies: fc.constantFrom<Lies>('within', 'first', 'last', 'whole'),
  },
  { noNullPrototype: true },
)

test('a list finds what came since a needle was looked for, and what it had found before', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const list = new WordList()
      const offsets: [string, number][] = []
      for (const { words, needle, lies } of steps) {
        for (const word of words) offsets.push([word, list.add(word)])
        const all = offsets.filter(([word]) => has(word, needle, lies)).map(([, offset]) => offset)
        assert.deepEqual(list.find(needle, lies, Number.POSITIVE_INFINITY), all)
        assert.deepEqual(list.find(needle, lies, MOST), all.slice(0, MOST))
      }
    }),
    // the very next word
    { examples: [[['ab', 'b'].map((word) => ({ words: [word], needle: 'b', lies: 'first' }))]] },
  )
})

function has(word: string, needle: string, lies: Lies): boolean {
  switch (lies) {
    case 'within':
      return word.includes(needle)
    case 'first':
      return word.startsWith(needle)
    case 'last':
      return word.endsWith(needle)
    case 'whole':
      return word === needle
  }
}
