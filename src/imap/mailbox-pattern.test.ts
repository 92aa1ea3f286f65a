import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assertLinear } from '#testing/growth.ts'
import { matchesPattern, simplifyPattern } from './mailbox-pattern.ts'

/** The plainest reading of RFC 9051 §6.3.9, exponential. */
function plainly(name: string, pattern: string): boolean {
  const [first, rest] = [pattern.charAt(0), pattern.slice(1)]
  if (first === '') return name === ''
  if (first !== '*' && first !== '%') return name.startsWith(first) && plainly(name.slice(1), rest)
  if (plainly(name, rest)) return true
  return name !== '' && (first === '*' || !name.startsWith('/')) && plainly(name.slice(1), pattern)
}

test('matchesPattern() agrees with the plainest reading', () => {
  const text = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 8 }).map((chars) => chars.join(''))
  const pattern = fc.array(fc.constantFrom('a', 'b', '/', '*', '%'), { maxLength: 7 }).map((chars) => chars.join(''))
  fc.assert(
    fc.property(text, pattern, (name, glob) => {
      assert.equal(matchesPattern(name, glob), plainly(name, glob), `${name} against ${glob}`)
      assert.equal(
        matchesPattern(name, simplifyPattern(glob)),
        plainly(name, glob),
        `${name} against ${glob}, simplified`,
      )
    }),
    { numRuns: 3_000 },
  )
})

test('a hostile pattern takes no longer than its length allows', () => {
  for (const piece of ['*a', '%a']) {
    const pattern = `${piece.repeat(200)}b`
    assertLinear((size) => {
      const name = 'a'.repeat(size)
      return () => assert.equal(matchesPattern(name, pattern), false)
    }, 1_000)
    const name = 'a'.repeat(1_000)
    assertLinear((size) => {
      const longer = `${piece.repeat(size)}b`
      return () => assert.equal(matchesPattern(name, longer), false)
    }, 200)
  }
})
