import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ForgedResultsFilter } from './forged-results.ts'

/** What is left of a message that comes in pieces. */
function filtered(message: string, sizes: readonly number[] = []): string {
  const filter = new ForgedResultsFilter('mx.example.org')
  const bytes = Buffer.from(message, 'latin1')
  const out: Uint8Array[] = []
  let at = 0
  for (let index = 0; at < bytes.length; index += 1) {
    const size = sizes.length === 0 ? bytes.length : Math.max(1, sizes[index % sizes.length] ?? 1)
    // memory that is used again afterwards, as sockets do
    const chunk = Buffer.from(bytes.subarray(at, at + size))
    out.push(Buffer.from(filter.push(chunk)))
    chunk.fill(88)
    at += size
  }
  out.push(filter.end())
  return Buffer.concat(out).toString('latin1')
}

const OTHERS = [
  'From: a@example.net\r\n',
  'Authentication-Results: other.example; spf=pass\r\n',
  'Authentication-Results: mx.example.org.evil.example; spf=pass\r\n',
  'Authentication-Results:\r\n',
  'Authentication-Results-Extra: mx.example.org; spf=pass\r\n',
  'X-Authentication-Results: mx.example.org; spf=pass\r\n',
  'Subject: about\r\n Authentication-Results: mx.example.org; spf=pass\r\n',
  'Authentication-Results: (mx.example.org;) other.example; spf=pass\r\n',
  'no field at all\r\n',
]
const FORGED = [
  'Authentication-Results: mx.example.org; spf=pass\r\n',
  'AUTHENTICATION-results:MX.Example.Org;\r\n\tdkim=pass header.d=bank.example;\r\n spf=pass\r\n',
  'Authentication-Results \t: mx.example.org 1; none\r\n',
  'Authentication-Results: (so (they) said) "mx.example.org"; dmarc=pass\r\n',
  'Authentication-Results:\r\n mx.example.org; spf=pass\r\n',
  'Authentication-Results: mx.example.org.; spf=pass\r\n',
  'Authentication-Results: \xef\xbd\x8dx.example.org; spf=pass\r\n',
  'Authentication-Results\r\n : mx.example.org; spf=pass\r\n',
]

for (const field of FORGED)
  test(`ForgedResultsFilter drops ${JSON.stringify(field)}`, () => {
    assert.equal(
      filtered(`From: a@b\r\n${field}To: c@d\r\n\r\n${field}body`),
      `From: a@b\r\nTo: c@d\r\n\r\n${field}body`,
    )
    assert.equal(filtered(field), '')
    assert.equal(filtered(`${field}\r\nx`), '\r\nx')
  })

for (const field of OTHERS)
  test(`ForgedResultsFilter keeps ${JSON.stringify(field)}`, () => {
    assert.equal(filtered(`${field}\r\nx`), `${field}\r\nx`)
  })

test('ForgedResultsFilter gives the chunk itself when there is nothing to drop', () => {
  const chunk = Buffer.from('From: a@b\r\n\r\nbody')
  const out = new ForgedResultsFilter('mx.example.org').push(chunk)
  assert.equal(out.buffer, chunk.buffer)
  assert.equal(out.length, chunk.length)
})

test('ForgedResultsFilter drops and keeps the same, wherever the message is cut', () => {
  const field = fc.oneof(fc.constantFrom(...OTHERS), fc.constantFrom(...FORGED))
  fc.assert(
    fc.property(
      fc.array(field),
      fc.string(),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (fields, body, sizes) => {
        const kept = fields.filter((each) => OTHERS.includes(each)).join('')
        assert.equal(
          filtered(`${fields.join('')}\r\n${body}`, sizes),
          `${kept}\r\n${Buffer.from(body, 'latin1').toString('latin1')}`,
        )
      },
    ),
  )
})

test('ForgedResultsFilter drops and keeps fields of any length', () => {
  const long = (name: string, end: string): string => `${name}${'\r\n\tx=y;'.repeat(30_000)}${end}`
  const forged = long('Authentication-Results: mx.example.org;', '\r\n')
  const other = long('X-Other: mx.example.org;', '\r\n')
  for (const sizes of [[], [1_000], [65_535, 3], [70_001], [7, 64_000]]) {
    assert.equal(filtered(`${forged}${other}${forged}${FORGED[0]}A: b\r\n\r\nx`, sizes), `${other}A: b\r\n\r\nx`)
    assert.equal(filtered(`${other}${forged}\r\n${forged}`, sizes), `${other}\r\n${forged}`)
    assert.equal(
      filtered(`A: b\r\n${'z'.repeat(200_000)}\r\n${forged}\r\n`, sizes),
      `A: b\r\n${'z'.repeat(200_000)}\r\n\r\n`,
    )
  }
})
