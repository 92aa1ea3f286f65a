import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TopCutter } from './top-cutter.ts'

function cut(lines: number, chunks: readonly string[]): string {
  const cutter = new TopCutter(lines)
  let text = ''
  for (const chunk of chunks) {
    if (cutter.done) break
    text += Buffer.from(cutter.push(Buffer.from(chunk, 'latin1'))).toString('latin1')
  }
  return text
}

for (const [message, lines, top] of [
  ['a: b\r\n\r\n1\r\n2\r\n', 0, 'a: b\r\n\r\n'],
  ['a: b\r\n\r\n1\r\n2\r\n', 1, 'a: b\r\n\r\n1\r\n'],
  ['a: b\r\n\r\n1\r\n2\r\n', 2, 'a: b\r\n\r\n1\r\n2\r\n'],
  ['a: b\r\n\r\n1\r\n2\r\n', 9, 'a: b\r\n\r\n1\r\n2\r\n'],
  ['a: b\r\n\r\n1\r\n2', 9, 'a: b\r\n\r\n1\r\n2'],
  ['a: b\n\n1\n2\n', 1, 'a: b\n\n1\n'],
  ['a: b\r\n\n1\n2\r\n', 1, 'a: b\r\n\n1\n'],
  ['a: b\r\n\r\n\r\n\r\nx\r\n', 2, 'a: b\r\n\r\n\r\n\r\n'],
  ['a: b\r\n\r\r\nx\r\n\r\ny\r\n', 0, 'a: b\r\n\r\r\nx\r\n\r\n'],
  ['a: b\r\nc: d\r\n', 0, 'a: b\r\nc: d\r\n'],
  ['\r\n1\r\n2\r\n', 1, '\r\n1\r\n'],
  ['', 3, ''],
] as const)
  test(`TOP ${lines} of ${JSON.stringify(message)}`, () => {
    assert.equal(cut(lines, [message]), top)
    assert.equal(cut(lines, message.split('')), top)
  })

test('TopCutter gives the header and the first lines, as a split by LF does, however it is cut', () => {
  const pieces = fc.array(fc.string({ unit: fc.constantFrom('a', '\r', '\n', '\r\n') }))
  fc.assert(
    fc.property(pieces, fc.nat(5), (chunks, lines) => {
      const all = chunks.join('').split(/(?<=\n)/)
      const blank = all.findIndex((line) => line === '\n' || line === '\r\n')
      assert.equal(cut(lines, chunks), blank < 0 ? all.join('') : all.slice(0, blank + 1 + lines).join(''))
    }),
    { numRuns: 500 },
  )
})
