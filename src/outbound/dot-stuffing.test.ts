import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BareLineEnd, DotStuffer } from './dot-stuffing.ts'

function stuffed(chunks: readonly string[]): string {
  const stuffer = new DotStuffer()
  const pieces = chunks.flatMap((chunk) => stuffer.push(Buffer.from(chunk)))
  return Buffer.concat([...pieces, stuffer.end()]).toString()
}

/** What a server makes of it. */
function received(data: string): string {
  assert.ok(data.endsWith('\r\n.\r\n') || data === '.\r\n', JSON.stringify(data))
  return data.slice(0, -3).replace(/(^|\r\n)\./g, '$1')
}

test('a message comes out of DATA as it went in, however it is cut', () => {
  const line = fc.string({ unit: fc.constantFrom('.', 'a', ' '), maxLength: 3 })
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), fc.array(fc.nat(20), { maxLength: 8 }), (lines, cuts) => {
      const message = lines.map((one) => `${one}\r\n`).join('')
      const at = [...new Set(cuts.filter((cut) => cut < message.length))].sort((a, b) => a - b)
      const chunks = [0, ...at].map((from, index) => message.slice(from, at[index]))
      const data = stuffed(chunks)
      assert.equal(received(data), message)
      // nothing within it ends it
      assert.equal(data.indexOf('\r\n.\r\n'), data === '.\r\n' ? -1 : data.length - 5)
    }),
    { numRuns: 2_000 },
  )
})

test('a last line without its end gets one', () => assert.equal(stuffed(['a\r\nb']), 'a\r\nb\r\n.\r\n'))

for (const chunks of [
  ['a\nb\r\n'],
  ['a\r.\r\n'],
  ['a\r', 'b\r\n'],
  ['\n'],
  ['a', '\n'],
  ['a\r'],
  ['a\r\r\n'],
  ['a\r\n', '\n.\r\n'],
  ['a\n.\r\n'],
  ['a\r', '\r\n'],
]) {
  test(`a CR or LF alone is never sent: ${JSON.stringify(chunks)}`, () => {
    assert.throws(() => stuffed(chunks), BareLineEnd)
  })
}
