import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countHops, deliveredTo } from './mail-loops.ts'

test('deliveredTo() reads each line, whatever stands around the address', () => {
  const header = 'Delivered-To: Ann@example.org\r\nX: y\r\ndelivered-to:\tb@c \t\r\nDelivered-To:\r\n d@e\r\n'
  assert.deepEqual(deliveredTo(header), new Set(['ann@example.org', 'b@c', '']))
})

test('a hostile header is looked through at once', () => {
  const blank = ' '.repeat(200_000)
  const begun = performance.now()
  deliveredTo(`Delivered-To: a${blank}b\r\n`)
  deliveredTo('Delivered-To: a b\r\n'.repeat(10_000))
  countHops(`Received:${blank}b\r\n${'Received: by x\r\n'.repeat(10_000)}`)
  // two minutes, were blanks tried from each of them on
  assert.ok(performance.now() - begun < 5_000)
})
