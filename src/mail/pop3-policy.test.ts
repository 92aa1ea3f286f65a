import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatPop3Policy, parsePop3Policy, retentionDays } from './pop3-policy.ts'

for (const [text, days] of [
  ['client', Number.POSITIVE_INFINITY],
  ['delete', 0],
  ['keep=1', 1],
  ['keep=3650', 3_650],
  ['read-only', Number.POSITIVE_INFINITY],
] as const)
  test(`parsePop3Policy() reads ${text}, and formatPop3Policy() writes it`, () => {
    const policy = parsePop3Policy(text)
    assert.ok(policy)
    assert.equal(formatPop3Policy(policy), text)
    assert.equal(retentionDays(policy), days)
  })

for (const text of ['', 'keep', 'keep=', 'keep=0', 'keep=01', 'keep=3651', 'keep=1.5', 'KEEP=1', 'keep=1 ', 'none'])
  test(`parsePop3Policy() refuses ${JSON.stringify(text)}`, () => assert.equal(parsePop3Policy(text), undefined))
