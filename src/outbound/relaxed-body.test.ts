import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { RelaxedBodyHash } from './relaxed-body.ts'

/** RFC 6376 §3.4.4 read literally, on a whole body. */
function relaxed(body: string): string {
  const lines = body.split('\r\n').map((line) => line.replace(/[ \t]+/g, ' ').replace(/ $/, ''))
  while (lines.at(-1) === '') lines.pop()
  return lines.map((line) => `${line}\r\n`).join('')
}

function hashed(pieces: readonly string[]): string {
  const hash = new RelaxedBodyHash()
  for (const piece of pieces) hash.update(Buffer.from(piece, 'latin1'))
  return hash.digest()
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('base64')
}

test('a body is hashed as RFC 6376 §3.4.5 shows it, and an empty one as nothing', () => {
  assert.equal(hashed([' C \r\nD \t E\r\n\r\n\r\n']), sha256(' C\r\nD E\r\n'))
  // RFC 6376 §3.4.4
  assert.equal(hashed([]), '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=')
  for (const empty of ['\r\n', '\r\n\r\n', ' ', '\t\r\n \r\n']) assert.equal(hashed([empty]), sha256(''), empty)
  assert.equal(hashed(['a']), sha256('a\r\n'))
})

test('a body is hashed the same in whatever pieces it comes', () => {
  const piece = fc.string({
    unit: fc.constantFrom('a', 'b', '\xe9', ' ', '\t', '\r\n', '\r', '\n', '\0'),
    maxLength: 12,
  })
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      assert.equal(hashed(pieces), sha256(relaxed(pieces.join(''))))
    }),
  )
})

test('runs longer than the buffer come out whole', () => {
  for (const run of ['a', 'ab ', ' ', '\r\n', 'x\r\n', ' \r\n', 'a\t '])
    for (const tail of ['', 'z']) {
      const body = run.repeat(70_000) + tail
      const pieces = [body.slice(0, 65_535), body.slice(65_535, 65_536), body.slice(65_536)]
      assert.equal(hashed(pieces), sha256(relaxed(body)), JSON.stringify(run))
    }
})
