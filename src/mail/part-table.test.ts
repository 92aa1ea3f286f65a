import assert from 'node:assert/strict'
import { test } from 'node:test'
import { corpusMessages } from '#testing/corpus.ts'
import { encodePartTable, type PartNode, PartTable } from './part-table.ts'
import type { ScannedPart } from './scanned.ts'
import { scanMessage } from './scanner.ts'

function tableOf(text: string, shift = 0): PartTable {
  return PartTable.decode(encodePartTable(scanMessage(Buffer.from(text, 'latin1'))), shift)
}

const part = (type: string, body: string, boundary: string): string =>
  `--${boundary}\r\nContent-Type: ${type}\r\n\r\n${body}\r\n`
const multi = (subtype: string, boundary: string, ...parts: string[]): string =>
  `Content-Type: multipart/${subtype}; boundary="${boundary}"\r\n\r\n${parts.join('')}--${boundary}--\r\n`

// The example of RFC 9051 §6.4.5.1, each leaf holding its own number.
const third = `Subject: 3\r\n${multi('mixed', 'c', part('text/plain', '3.1', 'c'), part('application/octet-stream', '3.2', 'c'))}`
const deep = multi('alternative', 'f', part('text/plain', '4.2.2.1', 'f'), part('text/richtext', '4.2.2.2', 'f'))
const inner = `Subject: 4.2\r\n${multi('mixed', 'e', part('text/plain', '4.2.1', 'e'), `--e\r\n${deep}\r\n`)}`
const fourth = multi('mixed', 'd', part('image/gif', '4.1', 'd'), part('message/rfc822', inner, 'd'))
const example = `Subject: 0\r\n${multi(
  'mixed',
  'a',
  part('text/plain', '1', 'a'),
  part('application/octet-stream', '2', 'a'),
  part('message/rfc822', third, 'a'),
  `--a\r\n${fourth}\r\n`,
)}`

function text(of: string, range: { start: number; end: number } | undefined): string | undefined {
  return range === undefined ? undefined : of.slice(range.start, range.end)
}

for (const number of ['1', '2', '3.1', '3.2', '4.1', '4.2.1', '4.2.2.1', '4.2.2.2'])
  test(`part ${number} of the example of RFC 9051 §6.4.5.1 is found`, () => {
    const place = tableOf(example).find(number.split('.').map(Number))
    assert.equal(text(example, place?.body), number)
    assert.match(text(example, place?.mimeHeader) ?? '', /^Content-Type: \S+\r\n\r\n$/)
    assert.equal(place?.message, undefined)
  })

test('a message inside has HEADER, TEXT, and numbers of its own', () => {
  const table = tableOf(example)
  const three = table.find([3])
  assert.equal(text(example, three?.body), third)
  assert.match(text(example, three?.message?.header) ?? '', /^Subject: 3\r\nContent-Type: multipart[^]*\r\n\r\n$/)
  assert.equal(text(example, three?.message?.header) + (text(example, three?.message?.text) ?? ''), third)
  assert.match(text(example, three?.mimeHeader) ?? '', /^Content-Type: message\/rfc822\r\n\r\n$/)
  assert.equal(text(example, table.find([4, 2])?.message?.header)?.startsWith('Subject: 4.2'), true)
  assert.equal(table.find([4, 2, 2])?.kind, 'multipart')
  assert.equal(table.find([4])?.message, undefined)
})

for (const section of [[0], [5], [1, 1], [2, 1], [3, 3], [3, 1, 1], [4, 1, 1], [4, 2, 2, 1, 1]])
  test(`there is no part ${section.join('.')}`, () => assert.equal(tableOf(example).find(section), undefined))

test('a message that is no multipart has part 1 only, its body', () => {
  const plain = 'Subject: s\r\n\r\nwords\r\n'
  const table = tableOf(plain)
  assert.equal(text(plain, table.find([1])?.body), 'words\r\n')
  assert.equal(text(plain, table.find([1])?.mimeHeader), 'Subject: s\r\n\r\n')
  assert.equal(table.find([2]), undefined)
  assert.equal(table.find([1, 1]), undefined)
})

test('a message in a message in a message is numbered 1.1.1', () => {
  const head = 'Content-Type: message/rfc822\r\n\r\n'
  const nested = `${head}${head}Subject: in\r\n\r\nwords`
  const table = tableOf(nested)
  assert.equal(text(nested, table.find([1])?.message?.header), head)
  assert.equal(text(nested, table.find([1, 1])?.message?.header), 'Subject: in\r\n\r\n')
  assert.equal(text(nested, table.find([1, 1, 1])?.body), 'words')
  assert.equal(table.find([1, 1, 1, 1]), undefined)
})

test('the empty section is the whole message', () => {
  const whole = tableOf(example).find([])
  assert.deepEqual(whole?.body, { start: 0, end: example.length })
  assert.equal(text(example, whole?.message?.header)?.startsWith('Subject: 0'), true)
  assert.equal(whole?.message?.text.end, example.length)
})

test('trace lines before the message move offsets, and belong to the header', () => {
  const trace = 'Return-Path: <a@b>\r\n'
  const message = `${trace}Subject: s\r\n\r\nwords`
  const table = tableOf('Subject: s\r\n\r\nwords', trace.length)
  assert.equal(text(message, table.find([])?.message?.header), `${trace}Subject: s\r\n\r\n`)
  assert.equal(text(message, table.find([1])?.mimeHeader), `${trace}Subject: s\r\n\r\n`)
  assert.equal(text(message, table.find([1])?.body), 'words')
})

test('what encodePartTable() wrote is read back, over the corpus', (t) => {
  let octets = 0
  const same = (node: PartNode, scanned: ScannedPart, name: string): void => {
    assert.deepEqual(
      [node.kind, node.headerStart, node.bodyStart, node.bodyEnd],
      [scanned.kind, scanned.headerStart, scanned.bodyStart, scanned.bodyEnd],
      name,
    )
    assert.equal(node.children.length, scanned.children.length, name)
    node.children.forEach((child, i) => {
      const other = scanned.children[i]
      if (other !== undefined) same(child, other, name)
    })
  }
  for (const { name, bytes } of corpusMessages()) {
    const scanned = scanMessage(bytes)
    const encoded = encodePartTable(scanned)
    octets += encoded.length
    same(PartTable.decode(encoded).root, scanned.root, name)
  }
  t.diagnostic(`${octets} octets for ${corpusMessages().length} tables`)
})

test('a table that is cut is a fault', () => {
  const encoded = encodePartTable(scanMessage(Buffer.from(example)))
  assert.throws(() => PartTable.decode(encoded.subarray(0, encoded.length - 1)), RangeError)
  assert.throws(() => PartTable.decode(Uint8Array.of(9)), RangeError)
})

test('the encoding is kept by name when it is an odd one', () => {
  const table = tableOf('Content-Transfer-Encoding: X-Own\r\n\r\n')
  assert.equal(table.find([1])?.encoding, 'x-own')
})
