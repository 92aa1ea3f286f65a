import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
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
  const start = performance.now()
  matchesPattern('a'.repeat(1_000), `${'*a'.repeat(200)}b`)
  matchesPattern('a'.repeat(1_000), `${'%a'.repeat(200)}b`)
  assert.ok(performance.now() - start < 200)
})
