import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nextTry, type Patience, pauseOf } from './schedule.ts'

const MINUTE = 60_000
const patience: Patience = {
  retryMs: [5, 15, 30, 60, 120, 240].map((minutes) => minutes * MINUTE),
  warnMs: 240 * MINUTE,
  giveUpMs: 5 * 1_440 * MINUTE,
}

test('tries come later and later, the warning and the last one in time', () => {
  const tries: string[] = []
  let told = false
  for (let now = 0, attempts = 1; ; attempts += 1) {
    const next = nextTry({ since: 0, now, attempts, told }, patience, 0.5)
    if (next.kind === 'give-up') {
      tries.push(`${now / MINUTE} give up`)
      break
    }
    if (next.warn) {
      told = true
      tries.push(`${now / MINUTE} warn`)
    }
    now = next.at
    if (attempts < 9) tries.push(String(now / MINUTE))
  }
  assert.deepEqual(tries, ['5', '20', '50', '110', '230', '240', '240 warn', '480', '720', '7200 give up'])
})

test('a try is always later than now, and never after the end', () => {
  const any = fc.record({
    now: fc.nat(10_000 * MINUTE),
    attempts: fc.integer({ min: 1, max: 500 }),
    told: fc.boolean(),
  })
  fc.assert(
    fc.property(any, fc.double({ min: 0, max: 0.999, noNaN: true }), (waiting, random) => {
      const next = nextTry({ since: 0, ...waiting }, patience, random)
      if (next.kind === 'give-up') return waiting.now >= patience.giveUpMs
      return next.at > waiting.now && next.at <= patience.giveUpMs
    }),
  )
})

test('without warnings none is due', () => {
  const next = nextTry({ since: 0, now: 1_000 * MINUTE, attempts: 3, told: false }, { ...patience, warnMs: 0 }, 0)
  assert.deepEqual(next, { kind: 'again', at: 1_027 * MINUTE, warn: false })
})

test('a destination that does not answer is left alone longer and longer', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 60].map((failures) => pauseOf(failures, 0.5) / MINUTE),
    [1, 2, 4, 8, 16, 30, 30],
  )
})
