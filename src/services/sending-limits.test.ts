import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HOUR_MS, type SentHour } from '#store/sending.ts'
import {
  hourOf,
  isOutburst,
  KNOWN_AFTER_MS,
  lastHourOutside,
  type OutburstFacts,
  sendingLeft,
  usualDay,
} from './sending-limits.ts'

const NOW = Date.UTC(2026, 10, 29, 8, 15)
const HOUR = hourOf(NOW)

function hours(...list: readonly (readonly [ago: number, messages: number, recipients: number, outside?: number])[]) {
  return list.map(([ago, messages, recipients, outside = recipients]): SentHour => {
    return { hour: HOUR - ago, messages, recipients, outside }
  })
}

test('sendingLeft() counts the last 24 hours, and says when the oldest of them is over', () => {
  const sent = hours([25, 500, 500], [24, 90, 90], [23, 10, 20], [1, 5, 30], [0, 1, 1])
  const limits = { messages: 20, recipients: 50 }
  assert.deepEqual(sendingLeft(sent, limits, NOW), {
    messages: 4,
    recipients: 0,
    limits,
    resumesAt: (HOUR + 1) * HOUR_MS,
  })
  assert.deepEqual(sendingLeft(hours([24, 90, 90]), limits, NOW).messages, 20)
  assert.equal(sendingLeft(sent, { messages: 0, recipients: 0 }, NOW).recipients, Number.POSITIVE_INFINITY)
})

test('usualDay() is the mean of the days with mail elsewhere, today apart, four weeks back', () => {
  assert.equal(usualDay([], NOW), 0)
  assert.equal(usualDay(hours([5, 100, 100], [0, 100, 100]), NOW), 0)
  assert.equal(usualDay(hours([24 * 40, 900, 900], [72, 3, 30], [71, 1, 10], [48, 1, 20], [2, 100, 100]), NOW), 30)
  assert.equal(usualDay(hours([72, 3, 30, 0], [48, 1, 20, 20]), NOW), 20)
})

test('lastHourOutside() counts what is left of the hour before', () => {
  assert.equal(lastHourOutside(hours([2, 50, 50], [1, 40, 40], [0, 7, 7]), NOW), 7 + 30)
  assert.equal(lastHourOutside([], NOW), 0)
})

const BURST: OutburstFacts = { lastHour: 101, usualDay: 5, taught: 0, firstFrom: undefined, now: NOW }

for (const [what, facts, expected] of [
  ['more than the threshold from a new network', {}, true],
  ['as many as the threshold', { lastHour: 100 }, false],
  ['from a network used for three days', { firstFrom: NOW - KNOWN_AFTER_MS }, false],
  ['from a network used for less', { firstFrom: NOW - KNOWN_AFTER_MS + 1 }, true],
  ['from a network that was taught', { firstFrom: 0 }, false],
  ['no more than ten usual days', { lastHour: 500, usualDay: 50 }, false],
  ['more than ten usual days', { lastHour: 501, usualDay: 50 }, true],
  ['as many as was taught', { lastHour: 800, taught: 800 }, false],
  ['more than was taught', { lastHour: 801, taught: 800 }, true],
] as const)
  test(`isOutburst(): ${what}`, () => assert.equal(isOutburst({ ...BURST, ...facts }, 100), expected))

test('isOutburst() with a threshold of 0 never is', () => {
  assert.equal(isOutburst({ ...BURST, lastHour: 1_000_000 }, 0), false)
})
