import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseAddresses } from './addresses.ts'
import { downgradeHeader, isEightBit } from './downgrade-header.ts'
import { decodeHeaderText } from './encoded-words.ts'
import { headerFields, unfold } from './headers.ts'
import { decodedParameter, parseParameterised } from './parameters.ts'

const binary = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

for (const [from, to] of [
  ['Subject: \xe9\r\n', 'Subject: =?UTF-8?B?w6k=?=\r\n'],
  [binary('Subject: été\n'), 'Subject: =?UTF-8?B?w6l0w6k=?=\n'],
  [binary('From: Jörg <jo@example.org>\r\n'), 'From: =?UTF-8?B?SsO2cmc=?= <jo@example.org>\r\n'],
  [binary('From: "A, B" <jo@exämple.org>\r\n'), 'From: "A, B" <jo@xn--exmple-cua.org>\r\n'],
  [binary('To: jörg@example.org, b@c\r\n'), 'To: unknown@internationalized-address.invalid,\r\n b@c\r\n'],
  [binary('To: Ämter: a@b, c@d;, e@f\r\n'), 'To: =?UTF-8?B?w4RtdGVy?=: a@b,\r\n c@d;,\r\n e@f\r\n'],
  [
    binary('Content-Type: text/plain; charset=utf-8;\r\n name="é\'.txt"\r\n'),
    'Content-Type: text/plain;\r\n charset="utf-8";\r\n name*=UTF-8\'\'%C3%A9%27.txt\r\n',
  ],
  ['no field \xe9\r\n', 'no field ?\r\n'],
] as const)
  test(`downgradeHeader(${JSON.stringify(from)})`, () => assert.equal(downgradeHeader(from), to))

test('fields that are ASCII stay as they are, folded and odd, and the blank line too', () => {
  const ascii = 'A:  b\r\n\tc  \r\nodd\r\nSubject: =?utf-8?q?=C3=A9?=\r\n'
  assert.equal(downgradeHeader(`${ascii}B: \xe9\r\n\r\n`), `${ascii}B: =?UTF-8?B?w6k=?=\r\n\r\n`)
})

test('a long text becomes words that fit, of whole characters', () => {
  const subject = '日本語の長い件名'.repeat(20)
  const field = downgradeHeader(binary(`Subject: ${subject}\r\n`))
  for (const line of field.split('\r\n')) assert.ok(line.length <= 90, line)
  assert.equal(decodeHeaderText(field.slice(9)), subject)
})

test('names, addresses and parameters say the same as before', () => {
  const block = binary(
    'To: Éa "x" <a.b@c>, "D\\"é" <"q r"@e.org>\r\nContent-Disposition: a; filename="naïve 日.pdf"\r\n',
  )
  const [to, disposition] = headerFields(downgradeHeader(block))
  const [one, two] = parseAddresses(unfold(to?.rawValue ?? ''))
  assert.deepEqual([one?.mailbox, one?.host, decodeHeaderText(one?.name ?? '')], ['a.b', 'c', 'Éa x'])
  assert.deepEqual([two?.mailbox, two?.host, decodeHeaderText(two?.name ?? '')], ['q r', 'e.org', 'D"é'])
  const { parameters } = parseParameterised(unfold(disposition?.rawValue ?? ''))
  assert.equal(decodedParameter(parameters, 'filename'), 'naïve 日.pdf')
})

test('whatever comes in, ASCII comes out, with the same number of fields', () => {
  const octets = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) })
  const names = fc.constantFrom('From', 'To', 'Subject', 'Content-Type', 'X-Odd')
  fc.assert(
    fc.property(fc.array(fc.tuple(names, octets), { maxLength: 5 }), (fields) => {
      const values = fields.map(([name, value]) => `${name}: ${value.replace(/[\r\n]/g, ' ')}\r\n`)
      const out = downgradeHeader(values.join(''))
      assert.ok(!isEightBit(Buffer.from(out, 'latin1')))
      assert.deepEqual(
        headerFields(out).map(({ name }) => name),
        fields.map(([name]) => name),
      )
    }),
    { numRuns: 300 },
  )
})
