import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FromQuoter } from './mbox-quoting.ts'

function quote(chunks: readonly string[]): string {
  const quoter = new FromQuoter()
  const out = chunks.map((chunk) => Buffer.from(quoter.push(Buffer.from(chunk, 'latin1'))).toString('latin1'))
  return out.join('') + Buffer.from(quoter.end()).toString('latin1')
}

test('lines that look like the beginning of an entry are quoted, however the text is cut', () => {
  const piece = fc.constantFrom('From ', '>', '>From x', 'Fr', 'om ', '\n', 'a', 'F', ' ', '\nFrom here\n')
  fc.assert(
    fc.property(fc.array(fc.array(piece, { maxLength: 8 }), { maxLength: 6 }), (pieces) => {
      const chunks = pieces.map((words) => words.join(''))
      const whole = chunks.join('')
      const quoted = whole.replace(/^(>*From )/gm, '>$1')
      assert.equal(quote(chunks), quoted + (whole === '' || whole.endsWith('\n') ? '\n' : '\n\n'))
    }),
    { numRuns: 2_000 },
  )
})
