import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalMailboxName, compareMailboxNames, mailboxNameFault, superiorNames } from './mailbox-name.ts'

for (const [name, canonical] of [
  ['inbox', 'INBOX'],
  ['InBox/Über', 'INBOX/Über'],
  ['inboxes', 'inboxes'],
  ['a/inbox', 'a/inbox'],
] as const)
  test(`canonicalMailboxName() makes ${JSON.stringify(name)} ${JSON.stringify(canonical)}`, () =>
    assert.equal(canonicalMailboxName(name), canonical))

for (const [name, why] of [
  ['', 'empty-level'],
  ['/a', 'empty-level'],
  ['a/', 'empty-level'],
  ['a//b', 'empty-level'],
  ['a\0b', 'bad-character'],
  ['a\r\nb', 'bad-character'],
  ['\x7f', 'bad-character'],
  ['\x85', 'bad-character'],
  ['\u2028', 'bad-character'],
  ['\ud83d', 'bad-character'],
  ['e\u0301', 'bad-character'],
  ['é'.repeat(128), 'too-long'],
  [`${'x'.repeat(256)}/y`, 'too-long'],
  [`${'y/'.repeat(499)}yyy`, 'too-long'],
  [Array(51).fill('a').join('/'), 'too-deep'],
  ['a', undefined],
  ['é', undefined],
  ['\u{1f600} & %*"\\', undefined],
  ['x'.repeat(255), undefined],
  [Array(50).fill('a').join('/'), undefined],
  [`${`${'x'.repeat(249)}/`.repeat(3)}${'x'.repeat(250)}`, undefined],
] as const)
  test(`mailboxNameFault() finds ${why} in ${JSON.stringify(name.slice(0, 40))}`, () =>
    assert.equal(mailboxNameFault(name), why))

test('superiorNames() goes from the outside in', () => {
  assert.deepEqual(superiorNames('a/b/c'), ['a', 'a/b'])
  assert.deepEqual(superiorNames('a'), [])
})

test('compareMailboxNames() puts INBOX first', () =>
  assert.deepEqual(['b', 'INBOX/x', 'A', 'INBOX'].sort(compareMailboxNames), ['INBOX', 'A', 'INBOX/x', 'b']))
