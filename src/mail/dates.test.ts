import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDate, formatInternalDate, formatMboxDate, localDay, parseDate } from './dates.ts'

const CASES: readonly (readonly [text: string, iso: string, offset: number])[] = [
  ['Fri, 21 Nov 1997 09:55:06 -0600', '1997-11-21T15:55:06.000Z', -360],
  ['Wed, 17 Jul 1996 02:23:25 -0700 (PDT)', '1996-07-17T09:23:25.000Z', -420],
  ['21 Nov 97 09:55:06 GMT', '1997-11-21T09:55:06.000Z', 0],
  ['Fri, 29 Nov 91 07:13:33 EST', '1991-11-29T12:13:33.000Z', -300],
  ['Thu,\r\n      13\r\n        Feb\r\n 1969 23:32 -0330 (Newfoundland Time)', '1969-02-14T03:02:00.000Z', -210],
  ['Fri, 21 Nov 1997 09(comment):   55  :  06 -0600', '1997-11-21T15:55:06.000Z', -360],
  ['Tue, 1 Jul 2003 10:52:37 +0200', '2003-07-01T08:52:37.000Z', 120],
  ['1 Jan 2030 00:00:00', '2030-01-01T00:00:00.000Z', 0],
  ['1 Jan 30 00:00:00 Z', '2030-01-01T00:00:00.000Z', 0],
  ['1 Jan 103 00:00:00 A', '2003-01-01T00:00:00.000Z', 0],
  ['Wed, 31 Dec 2008 23:59:60 +0000', '2009-01-01T00:00:00.000Z', 0],
  ['Mon, 05 Feb 2024 10:00:00 GMT+0100', '2024-02-05T09:00:00.000Z', 60],
  ['Mon 5-Feb-2024 10.00 pm +01:00', '2024-02-05T21:00:00.000Z', 60],
  ['Fri Feb 22 17:06:23 2008', '2008-02-22T17:06:23.000Z', 0],
  ['Fri Feb 22 17:06:23 EST 2008', '2008-02-22T22:06:23.000Z', -300],
  ['2024-02-05T10:00:00+02:00', '2024-02-05T08:00:00.000Z', 120],
  ['31 Feb 2020 10:00:00 +0000', '', 0],
  ['1 Foo 2020 10:00:00 +0000', '', 0],
  ['25:00', '', 0],
  ['', '', 0],
]
for (const [text, iso, offset] of CASES)
  test(`parseDate() reads ${JSON.stringify(text)}`, () => {
    const time = parseDate(text)
    assert.equal(time === undefined ? '' : new Date(time.ms).toISOString(), iso)
    if (time !== undefined) assert.equal(time.offsetMinutes, offset)
  })

const moment = fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }).map((seconds) => seconds * 1000)
const offset = fc.integer({ min: -720, max: 720 })

test('parseDate() reads back what formatDate() wrote, and localDay() keeps the day that stands there', () => {
  fc.assert(
    fc.property(
      moment.filter((ms) => ms > 0 && ms < 253_000_000_000_000),
      offset,
      (ms, offsetMinutes) => {
        const time = parseDate(formatDate(ms, offsetMinutes))
        assert.deepEqual(time, { ms, offsetMinutes })
        assert.equal(localDay(time), Math.floor((ms + offsetMinutes * 60_000) / 86_400_000))
      },
    ),
  )
})

test('formats are those of the RFCs', () => {
  const ms = Date.UTC(1996, 6, 7, 9, 44, 25)
  assert.equal(formatInternalDate(ms, -420), ' 7-Jul-1996 02:44:25 -0700')
  assert.equal(formatDate(ms, -420), 'Sun, 7 Jul 1996 02:44:25 -0700')
  assert.equal(formatMboxDate(ms), 'Sun Jul  7 09:44:25 1996')
  assert.equal(parseDate(formatMboxDate(ms))?.ms, ms)
})
