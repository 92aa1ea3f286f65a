import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { corpusMessages, fixtureMessages } from '#testing/corpus.ts'
import { assertLinear } from '#testing/growth.ts'
import { decodeEntities, HtmlText } from './html-text.ts'
import { encodePartTable, PartTable } from './part-table.ts'
import { prepareEmail } from './prepare.ts'
import { scanMessage } from './scanner.ts'
import { searchableText, searchableTextOf } from './searchable.ts'

function fixture(name: string): Buffer {
  const found = fixtureMessages().find((each) => each.name.endsWith(name))
  assert.ok(found !== undefined, name)
  return found.bytes
}

const HTML: readonly (readonly [html: string, text: string])[] = [
  ['<p>one</p><p>t<b>w</b>o</p>', '\none\n\ntwo\n'],
  ['a<style>p{}</style>b<script>if (a<b) "</p>"</script>c', 'a\n\nb\n\nc'],
  ['a<!-- <b> -- > -->b<!-->c', 'abc'],
  ['x &amp; y &eacute; &#233; &#xe9; &euro; &nope; &#150; &#0;', 'x & y é é é € &nope; – \ufffd'],
  ['1 < 2 <3 and 4>3', '1 < 2 <3 and 4>3'],
  ['<a href="x>y" title=\'a>b\'>link</a>', 'link'],
  ['a<br>b<BR/>c', 'a\nb\nc'],
  ['<!DOCTYPE html><?xml x?>a', '\n\na'],
  ['an end <unclosed', 'an end '],
  ['an end &amp', 'an end &'],
  ['<style>never closed', '\n'],
]
for (const [html, text] of HTML)
  test(`HtmlText reads ${JSON.stringify(html)}, whole and in pieces`, () => {
    const whole = new HtmlText()
    assert.equal(whole.push(html) + whole.end(), text)
    const pieces = new HtmlText()
    assert.equal(Array.from(html, (char) => pieces.push(char)).join('') + pieces.end(), text)
  })

test('HTML in pieces cut anywhere reads as the whole', () => {
  const unit = fc.constantFrom(
    '<',
    '>',
    '</',
    'style',
    '<style>',
    '</style>',
    '<!--',
    '-->',
    '&',
    'amp;',
    '"',
    "='",
    ' ',
    'b',
    '<b>',
    '<p ',
  )
  fc.assert(
    fc.property(fc.array(fc.string({ unit, maxLength: 6 }), { maxLength: 8 }), (pieces) => {
      const whole = new HtmlText()
      const cut = new HtmlText()
      const expected = whole.push(pieces.join('')) + whole.end()
      assert.equal(pieces.map((piece) => cut.push(piece)).join('') + cut.end(), expected)
    }),
    { numRuns: 1_000 },
  )
})

test('hostile HTML takes linear time', () => {
  for (const piece of ['<', '<a ', '<a ="', '<!--', '<style>', '</', '&', '&a', '<a>', "<a ='>"])
    assertLinear(
      (size) => {
        const text = piece.repeat(size / piece.length)
        return () => {
          const html = new HtmlText()
          for (let at = 0; at < text.length; at += 65_536) html.push(text.slice(at, at + 65_536))
          html.end()
        }
      },
      60_000,
      piece,
    )
})

test('decodeEntities() leaves text without entities alone', () => assert.equal(decodeEntities('AT&T'), 'AT&T'))

test('the text of a message is its fields, its texts, its attachment names and the messages inside', () => {
  const found = [...searchableTextOf(fixture('everything.eml'))]
  const fields = found.filter((each) => each.where === 'header').map(({ field, text }) => `${field}: ${text}`)
  assert.ok(fields.includes('from: Ana Muñoz <ana@example.org>'))
  assert.ok(fields.includes('subject: Café 🍰 plan'))
  const body = found.filter((each) => each.where === 'body').map((each) => each.text)
  assert.ok(body.includes('The café opens at nine, and so do we.\r\n'))
  assert.ok(body.some((text) => text.includes('The café opens at nine & so do we.')))
  assert.ok(body.includes('plan été.pdf'))
  assert.ok(body.includes('inner@example.net'))
  assert.ok(body.includes('inner body'))
  assert.ok(!body.some((text) => text.includes('color:red') || text.includes('JVBERi0x') || text.includes('epilogue')))
})

test('pieces of a long text go on where the last one stopped', () => {
  const words = Array.from({ length: 40_000 }, (_, i) => `é${i}`).join(' ')
  const message = Buffer.from(`Content-Type: text/plain; charset=utf-8\r\n\r\n${words}`)
  const pieces = [...searchableTextOf(message)].filter((each) => each.where === 'body')
  assert.ok(pieces.length > 3)
  assert.equal(pieces.map((each) => each.text).join(''), words)
  assert.deepEqual(
    pieces.map((each) => each.continued),
    pieces.map((_, i) => i > 0),
  )
})

test('searchableText() and prepareEmail() take the whole corpus', () => {
  for (const { name, bytes } of corpusMessages()) {
    const scanned = scanMessage(bytes)
    const table = PartTable.decode(encodePartTable(scanned))
    let most = 0
    for (const { text } of searchableText((start, end) => bytes.subarray(start, end), table))
      most = Math.max(most, text.length)
    assert.ok(most <= 200_000, name)
    const prepared = prepareEmail(scanned)
    assert.ok(Array.from(prepared.preview).length <= 200, name)
    assert.equal(prepared.header.length, Math.min(4_096, prepared.headerSize), name)
    assert.equal(prepared.fields.length > 0, prepared.headerSize <= 4_096, name)
  }
})

test('any bytes can be searched and prepared', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom('text/html', 'text/plain; charset=x', 'message/rfc822'),
      (bytes, type) => {
        const message = Buffer.concat([Buffer.from(`Content-Type: ${type}\r\n\r\n`), bytes])
        for (const _ of searchableTextOf(message));
        prepareEmail(scanMessage(message))
      },
    ),
    { numRuns: 300 },
  )
})
