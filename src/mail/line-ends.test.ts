import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BareLineEndDetector, CrlfNormaliser } from './line-ends.ts'

const text = fc.array(fc.constantFrom('a', '\r', '\n', '\r\n', 'b'), { maxLength: 30 }).map((parts) => parts.join(''))
const cuts = fc.array(fc.nat(30), { maxLength: 4 })

function* cut(whole: string, at: readonly number[]): Generator<Uint8Array> {
  let start = 0
  for (const place of [...at].sort((a, b) => a - b)) {
    yield Buffer.from(whole.slice(start, place), 'latin1')
    start = Math.max(start, place)
  }
  yield Buffer.from(whole.slice(start), 'latin1')
}

test('CrlfNormaliser makes every line end CRLF wherever the chunks are cut', () => {
  fc.assert(
    fc.property(text, cuts, (whole, at) => {
      const normaliser = new CrlfNormaliser()
      const out = [...cut(whole, at)].map((chunk) => Buffer.from(normaliser.push(chunk)))
      out.push(Buffer.from(normaliser.end()))
      assert.equal(Buffer.concat(out).toString('latin1'), whole.replace(/\r\n|\r|\n/g, '\r\n'))
    }),
  )
})

test('BareLineEndDetector finds exactly the bare CR and LF wherever the chunks are cut', () => {
  fc.assert(
    fc.property(text, cuts, (whole, at) => {
      const detector = new BareLineEndDetector()
      for (const chunk of cut(whole, at)) detector.push(chunk)
      detector.end()
      assert.equal(detector.found, /[\r\n]/.test(whole.replaceAll('\r\n', '')))
    }),
  )
})
