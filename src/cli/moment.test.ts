import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMoment } from './moment.ts'

const NOW = new Date(2026, 2, 10, 15, 30, 20).getTime()

for (const [text, at] of [
  ['90m', NOW - 90 * 60_000],
  ['2h', NOW - 7_200_000],
  ['3d', NOW - 3 * 86_400_000],
  ['3j', NOW - 3 * 86_400_000],
  ['1w', NOW - 7 * 86_400_000],
  ['today', new Date(2026, 2, 10).getTime()],
  ['Yesterday', new Date(2026, 2, 9).getTime()],
  ['hier', new Date(2026, 2, 9).getTime()],
  ['2026-01-31', new Date(2026, 0, 31).getTime()],
  ['2026-01-31 10:05', new Date(2026, 0, 31, 10, 5).getTime()],
  ['2026-01-31T10:05:06', new Date(2026, 0, 31, 10, 5, 6).getTime()],
  ['2026-01-31T10:05:06Z', Date.UTC(2026, 0, 31, 10, 5, 6)],
  ['2026-01-31T10:05:06.5+01:00', Date.UTC(2026, 0, 31, 9, 5, 6, 500)],
] as const)
  test(`parseMoment() reads ${text}`, () => assert.equal(parseMoment(text, NOW), at))

for (const text of [
  '',
  '3',
  'h',
  '-2h',
  '2 hours ago',
  '2026-02-31',
  '2026-13-01',
  '2026-01-01T25:00',
  '31/01/2026',
  'tomorrow',
])
  test(`parseMoment() refuses ${JSON.stringify(text)}`, () => assert.equal(parseMoment(text, NOW), undefined))
