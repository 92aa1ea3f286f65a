import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRows, type MailRow } from './mail-rows.ts'
import { displayWidth } from './width.ts'

const NOW = new Date(2026, 10, 28, 18)

function row(uid: number, at: Date, name: string, subject: string, more: Partial<MailRow> = {}): MailRow {
  return {
    uid,
    date: at.toISOString(),
    from: [{ name, address: 'a@b' }],
    to: [],
    subject,
    flags: [],
    size: 2048,
    attachments: [],
    ...more,
  }
}

const ROWS = [
  row(120, new Date(2026, 10, 28, 9, 5), '佐藤 花子', '東京からのご挨拶', { flags: ['\\seen', '\\Flagged'] }),
  row(
    7,
    new Date(2026, 2, 5),
    'Somebody With A Very Long Name Indeed',
    'A subject that goes on and on, longer than lines are',
  ),
  row(1, new Date(2024, 0, 31), '', 'Old', {
    flags: ['\\Answered'],
    attachments: [{ part: '2', name: 'x', type: 'a/b', size: 1 }],
  }),
]

test('rows fit the width, and columns stand in line', () => {
  assert.equal(
    formatRows(ROWS, { width: 60, bold: false, now: NOW }),
    [
      '120   !    09:05       佐藤 花子           東京からのご挨拶',
      '  7  *     5 Mar       Somebody With A V…  A subject that g…',
      '  1  * r@  2024-01-31  a@b                 Old',
    ].join('\n'),
  )
  for (const width of [20, 60, 89, 90, 120, 200])
    for (const line of formatRows(ROWS, { width, bold: false, now: NOW }).split('\n'))
      assert.ok(displayWidth(line) <= width)
  assert.match(formatRows([row(1, NOW, 'Ann', '')], { width: 60, bold: false, now: NOW }), /Ann {2}\(no subject\)$/)
  assert.match(formatRows(ROWS, { width: 120, bold: false, now: NOW }), / 2\.0 KB /)
  assert.ok(formatRows(ROWS, { width: 60, bold: true, now: NOW }).split('\n')[1]?.startsWith('\u001b[1m'))
})
