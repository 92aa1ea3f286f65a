import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { calendarDate, dateTime } from './arbitraries.ts'
import { formatDate, formatDateTime, parseDate, parseDateTime } from './date-time.ts'

test('parseDateTime() reads back what formatDateTime() wrote', () => {
  fc.assert(fc.property(dateTime, (value) => assert.deepEqual(parseDateTime(formatDateTime(value)), value)))
})

test('parseDate() reads back what formatDate() wrote', () => {
  fc.assert(fc.property(calendarDate, (value) => assert.deepEqual(parseDate(formatDate(value)), value)))
})

test('a date-time has a moment and a zone', () => {
  const time = Date.UTC(1996, 6, 17, 9, 44, 25)
  assert.deepEqual(parseDateTime('17-Jul-1996 02:44:25 -0700'), { time, zone: -420 })
  assert.equal(formatDateTime({ time, zone: -420 }), '17-Jul-1996 02:44:25 -0700')
  assert.equal(formatDateTime({ time: Date.UTC(2024, 1, 1), zone: 330 }), ' 1-Feb-2024 05:30:00 +0530')
})

const badTimes = [
  '',
  '17-Jul-1996',
  '17-Jul-1996 02:44:25',
  '17-Jul-1996 2:44:25 -0700',
  '17-Jul-1996 24:00:00 +0000',
  '17-Jul-1996 02:60:00 +0000',
  '17-Jul-1996 02:44:61 +0000',
  '17-Jul-1996 02:44:25 0700',
  '17-Jul-1996 02:44:25 +0760',
  '17-Jul-1996 02:44:25 GMT',
  '31-Apr-1996 02:44:25 +0000',
  '00-Jul-1996 02:44:25 +0000',
  '17-Jux-1996 02:44:25 +0000',
  '17-Jul-96 02:44:25 +0000',
]
for (const text of badTimes)
  test(`parseDateTime() refuses ${JSON.stringify(text)}`, () => assert.equal(parseDateTime(text), undefined))

for (const text of [
  '',
  '1-2-2020',
  '0-Jan-2020',
  '32-Jan-2020',
  '29-Feb-2023',
  '1-Jan-20',
  '1 Jan 2020',
  '1-January-2020',
])
  test(`parseDate() refuses ${JSON.stringify(text)}`, () => assert.equal(parseDate(text), undefined))
