import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { corpusMessages } from '#testing/corpus.ts'
import { basicBodyStructure } from './basic-structure.ts'
import { bodyStructureOf } from './build-body-structure.ts'
import { envelopeOf } from './build-envelope.ts'
import { formatBodyStructure, formatEnvelope } from './format-structure.ts'
import { headerFields } from './headers.ts'
import { encodePartTable, PartTable } from './part-table.ts'
import { scanMessage } from './scanner.ts'

type Value = string | number | null | Value[]

/** Reads lists, strings, numbers and NIL as a strict client does; throws at anything else. */
function read(wire: Uint8Array): Value {
  const text = Buffer.from(wire).toString('latin1')
  let at = 0
  const value = (): Value => {
    const literal = /^\{(\d+)\}\r\n/.exec(text.slice(at, at + 20))
    if (literal !== null) {
      const from = at + literal[0].length
      at = from + Number(literal[1])
      assert.ok(at <= text.length && !text.slice(from, at).includes('\0'), 'a literal is whole and without NUL')
      return text.slice(from, at)
    }
    if (text[at] === '"') {
      const quoted = /^"((?:[^"\\\r\n\0\x80-\xff]|\\["\\])*)"/.exec(text.slice(at))
      assert.ok(quoted !== null, `a quoted string at ${at}`)
      at += quoted[0].length
      return (quoted[1] ?? '').replace(/\\(.)/g, '$1')
    }
    if (text[at] === '(') {
      const list: Value[] = []
      at += 1
      while (text[at] !== ')') {
        // Addresses and bodies stand side by side, all else has one space between.
        if (list.length > 0 && !(text[at] === '(' && text[at - 1] === ')')) {
          assert.equal(text[at], ' ')
          at += 1
        }
        list.push(value())
      }
      assert.ok(list.length > 0, 'no empty list')
      at += 1
      return list
    }
    const word = /^(NIL|\d+)/.exec(text.slice(at, at + 20))
    assert.ok(word !== null, `a value at ${at}: ${JSON.stringify(text.slice(at, at + 20))}`)
    at += word[0].length
    return word[0] === 'NIL' ? null : Number(word[0])
  }
  const whole = value()
  assert.equal(at, text.length, 'nothing behind')
  return whole
}

function list(value: Value | undefined): Value[] {
  assert.ok(Array.isArray(value))
  return value
}

function checkEnvelope(value: Value | undefined): void {
  const envelope = list(value)
  assert.equal(envelope.length, 10)
  envelope.forEach((field, i) => {
    if (i >= 2 && i <= 7 && field !== null) for (const address of list(field)) assert.equal(list(address).length, 4)
    if (i < 2 || i > 7) assert.ok(field === null || typeof field === 'string')
  })
}

/** For each part, what BODY[n] would send has the size and the lines that the structure says. */
function checkBody(value: Value, bytes: Buffer, table: PartTable, section: number[], extended: boolean): number {
  const body = list(value)
  if (Array.isArray(body[0])) {
    const parts = body.filter((each, i) => Array.isArray(each) && body.slice(0, i).every(Array.isArray))
    assert.equal(typeof body[parts.length], 'string')
    assert.equal(body.length, parts.length + (extended ? 5 : 1))
    return parts.reduce<number>((sum, part, i) => sum + checkBody(part, bytes, table, [...section, i + 1], extended), 0)
  }
  const [type, subtype, , , , encoding, size] = body
  const number = section.length === 0 ? [1] : section
  const place = table.find(number)
  assert.ok(place !== undefined, `part ${number.join('.')} is there`)
  const octets = bytes.subarray(place.body.start, place.body.end)
  assert.equal(octets.length, size, `size of part ${number.join('.')}`)
  assert.equal(typeof encoding, 'string')
  const isText = String(type).toLowerCase() === 'text'
  const isMessage = /^message\/(rfc822|global)$/i.test(`${String(type)}/${String(subtype)}`)
  if (isText) assert.equal(body[7], octets.filter((byte) => byte === 10).length)
  let inner = 0
  if (isMessage) {
    checkEnvelope(body[7])
    assert.equal(body[9], octets.filter((byte) => byte === 10).length)
    const nested = body[8]
    assert.ok(nested !== undefined)
    const plain = !Array.isArray(list(nested)[0])
    inner = checkBody(nested, bytes, table, plain ? [...number, 1] : number, extended)
  }
  assert.equal(body.length, 7 + (isText ? 1 : 0) + (isMessage ? 3 : 0) + (extended ? 4 : 0))
  return 1 + inner
}

test('BODYSTRUCTURE, BODY and ENVELOPE of the whole corpus are well formed, with no wrong count', (t) => {
  let parts = 0
  for (const { name, bytes } of corpusMessages()) {
    const scanned = scanMessage(bytes)
    const table = PartTable.decode(encodePartTable(scanned))
    const structure = bodyStructureOf(scanned.root)
    try {
      parts += checkBody(read(formatBodyStructure(structure, { extended: true })), bytes, table, [], true)
      checkBody(read(formatBodyStructure(structure, { extended: false })), bytes, table, [], false)
      const extended = formatBodyStructure(structure, { extended: true })
      const basic = formatBodyStructure(structure, { extended: false })
      assert.equal(Buffer.from(basicBodyStructure(extended)).toString('latin1'), Buffer.from(basic).toString('latin1'))
      assert.ok(scanned.root.envelope !== undefined)
      checkEnvelope(read(formatEnvelope(scanned.root.envelope)))
    } catch (error) {
      throw new Error(`In ${name}`, { cause: error })
    }
  }
  t.diagnostic(`${parts} leaves`)
})

test('any header gives a well-formed ENVELOPE', () => {
  const unit = fc.constantFrom(
    'a',
    '"',
    '\\',
    '\0',
    '\r',
    '\n',
    '\xff',
    '@',
    '<',
    '>',
    ',',
    ';',
    ':',
    '(',
    ')',
    ' ',
    '{3}',
  )
  const text = fc.string({ unit, maxLength: 30 })
  fc.assert(
    fc.property(text, text, text, (from, subject, type) => {
      const bytes = Buffer.from(`From:${from}\r\nSubject:${subject}\r\nContent-Type: a/b;${type}\r\n\r\n`, 'latin1')
      const { root } = scanMessage(bytes)
      assert.ok(root.envelope !== undefined)
      checkEnvelope(read(formatEnvelope(root.envelope)))
      const extended = formatBodyStructure(bodyStructureOf(root), { extended: true })
      read(extended)
      assert.deepEqual(basicBodyStructure(extended), formatBodyStructure(bodyStructureOf(root), { extended: false }))
    }),
    { numRuns: 500 },
  )
})

function envelopeText(header: string): string {
  return Buffer.from(formatEnvelope(envelopeOf(headerFields(header)))).toString('latin1')
}

test('ENVELOPE of the example of RFC 9051 §8', () => {
  const header = [
    'Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)',
    'From: Terry Gray <gray@cac.washington.edu>',
    'Subject: IMAP4rev2 WG mtg summary and minutes',
    'To: imap@cac.washington.edu',
    'cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>',
    'Message-Id: <B27397-0100000@cac.washington.edu>',
    '',
    '',
  ].join('\r\n')
  assert.equal(
    envelopeText(header),
    '("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) ((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "<B27397-0100000@cac.washington.edu>")',
  )
})

test('ENVELOPE tells missing fields from empty ones, and fills in sender and reply-to', () => {
  assert.equal(envelopeText('\r\n'), '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)')
  assert.equal(
    envelopeText('Subject:\r\nFrom: a@b\r\nSender:\r\nReply-To: c@d\r\nTo: \r\n\r\n'),
    '(NIL "" ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) ((NIL NIL "c" "d")) NIL NIL NIL NIL NIL)',
  )
})

test('ENVELOPE has literals for 8-bit text, and no NUL', () => {
  assert.equal(
    envelopeText('Subject: \xc3\xa9\0"\r\nMessage-ID: "\\\r\n\r\n'),
    '(NIL {3}\r\n\xc3\xa9" NIL NIL NIL NIL NIL NIL NIL "\\"\\\\")',
  )
})

test('BODYSTRUCTURE of a text has its charset, language, disposition and location', () => {
  const text =
    'Content-Type: text/plain\r\nContent-ID: <i@d>\r\nContent-Description: d\r\nContent-MD5: m\r\nContent-Language: en, fr\r\nContent-Location: l\r\nContent-Disposition: attachment; filename=f\r\n\r\nx\r\n'
  const { root } = scanMessage(Buffer.from(text))
  assert.equal(
    Buffer.from(formatBodyStructure(bodyStructureOf(root), { extended: true })).toString(),
    '("text" "plain" ("CHARSET" "US-ASCII") "<i@d>" "d" "7BIT" 3 1 "m" ("attachment" ("filename" "f")) ("en" "fr") "l")',
  )
  assert.equal(
    Buffer.from(formatBodyStructure(bodyStructureOf(root), { extended: false })).toString(),
    '("text" "plain" ("CHARSET" "US-ASCII") "<i@d>" "d" "7BIT" 3 1)',
  )
})

test('a part of a digest without Content-Type is a message', () => {
  const text = 'Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: in\n\nx\n--b--\n'
  const { root } = scanMessage(Buffer.from(text))
  assert.equal(
    Buffer.from(formatBodyStructure(bodyStructureOf(root), { extended: false })).toString(),
    '(("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 14 (NIL "in" NIL NIL NIL NIL NIL NIL NIL NIL) ("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 1 0) 2) "digest")',
  )
})

test('basicBodyStructure() refuses what is no body structure', () => {
  for (const text of ['', '(', '("TEXT"', '("TEXT" "PLAIN" NIL', '("A" "B" NIL NIL NIL "7BIT" {x}', '(("A"'])
    assert.throws(() => basicBodyStructure(Buffer.from(text)), RangeError)
})
