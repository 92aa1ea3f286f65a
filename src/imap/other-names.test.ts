import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalName, formatOtherName, isOfOthers, mayFitOthers, parseOtherName } from './other-names.ts'

test('parseOtherName() reads back what formatOtherName() wrote', () => {
  const local = fc.oneof(
    fc.stringMatching(/^[a-z0-9/+.%*-]{1,20}$/),
    fc.stringMatching(/^[a-z @/.]{1,20}$/).map((text) => `"${text}"`),
  )
  const owner = fc.tuple(local, fc.stringMatching(/^[a-z0-9.-]{1,20}$/)).map(([one, domain]) => `${one}@${domain}`)
  const path = fc.string({ unit: 'grapheme', maxLength: 30 })
  fc.assert(
    fc.property(owner, path, (whose, name) => {
      const other = { owner: whose, path: name }
      assert.deepEqual(parseOtherName(formatOtherName(other)), other)
    }),
  )
})

for (const [name, other] of [
  ['Other users', undefined],
  ['Other users/', undefined],
  ['Other users/ann', undefined],
  ['Other users/@example.org/x', undefined],
  ['other users/ann@example.org/x', undefined],
  ['Other users/ann@example.org', { owner: 'ann@example.org', path: '' }],
  ['Other users/ann@example.org/', { owner: 'ann@example.org', path: '' }],
  ['Other users/a/b@example.org/x/y@z', { owner: 'a/b@example.org', path: 'x/y@z' }],
] as const)
  test(`parseOtherName() of ${name}`, () => assert.deepEqual(parseOtherName(name), other))

for (const [name, is] of [
  ['Other users', true],
  ['Other users/x', true],
  ['Other usersx', false],
  ['INBOX', false],
] as const)
  test(`isOfOthers() of ${name}`, () => assert.equal(isOfOthers(name), is))

for (const [pattern, may] of [
  ['*', true],
  ['%', true],
  ['O*', true],
  ['Other users', true],
  ['Other users/%', true],
  ['Other users/ann@example.org/*', true],
  ['INBOX', false],
  ['I*', false],
  ['Other things/*', false],
  ['Work/%', false],
] as const)
  test(`mayFitOthers() of ${pattern}`, () => assert.equal(mayFitOthers(pattern), may))

test('INBOX of somebody else has no case either', () => {
  assert.equal(canonicalName('Other users/ann@example.org/inbox'), 'Other users/ann@example.org/INBOX')
  assert.equal(canonicalName('inbox'), 'INBOX')
  assert.equal(canonicalName('Other users/inbox'), 'Other users/inbox')
})
