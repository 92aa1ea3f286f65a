import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccountId } from '#mail/ids.ts'
import { LoginPasses } from './login-passes.ts'

const [ANN, BOB] = [1 as AccountId, 2 as AccountId]

test('a pass is for one login of its account, within a minute', () => {
  let now = 0
  const passes = new LoginPasses({ now: () => now })
  const pass = passes.issue(ANN)
  assert.equal(passes.take(BOB, pass), false)
  assert.equal(passes.take(ANN, `${pass}x`), false)
  assert.equal(passes.take(ANN, pass), true)
  assert.equal(passes.take(ANN, pass), false)
  const [late, other] = [passes.issue(ANN), passes.issue(ANN)]
  now = 59_999
  assert.equal(passes.take(ANN, other), true)
  now = 60_000
  assert.equal(passes.take(ANN, late), false)
})

test('passes of an account that is closed are forgotten, and of too many the oldest', () => {
  const passes = new LoginPasses({ now: () => 0 })
  const [ann, bob] = [passes.issue(ANN), passes.issue(BOB)]
  passes.forget(ANN)
  assert.equal(passes.take(ANN, ann), false)
  for (let index = 0; index < 1_000; index += 1) passes.issue(ANN)
  assert.equal(passes.take(BOB, bob), false)
})
