import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { corpusMessages } from '#testing/corpus.ts'
import { MAX_DELIMITER_LINE, MAX_DEPTH, MAX_PARTS } from './limits.ts'
import { parameter } from './parameters.ts'
import type { ScannedMessage, ScannedPart } from './scanned.ts'
import { MessageScanner, scanMessage } from './scanner.ts'

const latin = (text: string): Buffer => Buffer.from(text, 'latin1')

function scanText(text: string): ScannedMessage {
  return scanMessage(latin(text))
}

function scanInPieces(bytes: Buffer, cuts: readonly number[]): ScannedMessage {
  const scanner = new MessageScanner()
  let from = 0
  for (const cut of [...cuts, bytes.length]) {
    // A copy that is overwritten afterwards: the scanner may keep no view of what it was given.
    const piece = Buffer.from(bytes.subarray(from, cut))
    scanner.push(piece)
    piece.fill(0x2d)
    from = Math.max(from, cut)
  }
  return scanner.end()
}

/** The tree as `type/subtype header+body` with the text of leaves. */
function outline(text: string): unknown {
  const show = (part: ScannedPart): unknown => {
    const name = `${part.content.type}/${part.content.subtype}`.toLowerCase()
    const body = text.slice(part.bodyStart, part.bodyEnd)
    return part.children.length === 0 ? [name, body] : [name, ...part.children.map(show)]
  }
  return show(scanText(text).root)
}

/** Throws unless the offsets are in order, the lines right, and parts and boundaries together give the message. */
function checkPart(bytes: Buffer, part: ScannedPart, name: string): void {
  assert.ok(part.headerStart <= part.bodyStart && part.bodyStart <= part.bodyEnd, `${name}: order`)
  const lines = bytes.subarray(part.bodyStart, part.bodyEnd).filter((byte) => byte === 10).length
  assert.equal(part.lines, lines, `${name}: lines`)
  if (part.kind === 'text' || part.kind === 'basic') assert.equal(part.children.length, 0, name)
  if (part.kind === 'message') {
    assert.equal(part.children.length, 1, name)
    const [inner] = part.children
    assert.equal(inner?.headerStart, part.bodyStart, `${name}: the message begins with its part's body`)
    assert.equal(inner?.bodyEnd, part.bodyEnd, `${name}: and ends with it`)
    assert.notEqual(inner?.envelope, undefined)
  }
  if (part.kind === 'multipart') checkDelimiters(bytes, part, name)
  for (const child of part.children) checkPart(bytes, child, name)
}

function checkDelimiters(bytes: Buffer, part: ScannedPart, name: string): void {
  assert.ok(part.children.length > 0, `${name}: a multipart has a part`)
  const boundary = `--${(parameter(part.content.parameters, 'boundary') ?? '').replace(/[ \t]+$/, '')}`
  let at = part.bodyStart
  part.children.forEach((child, i) => {
    const gap = bytes.toString('latin1', at, child.headerStart)
    assert.ok(child.headerStart >= at, `${name}: parts in order`)
    if (i > 0) assert.match(gap, /^(\r?\n)?--[^\n]*\n?$/, `${name}: one delimiter between parts`)
    // A part that stands in for none has no delimiter before it, or the last one.
    const standsIn = part.children.length === 1 && (gap === '' || child.headerStart === part.bodyEnd)
    if (!standsIn)
      assert.equal(gap.slice(gap.lastIndexOf(boundary)).trimEnd(), boundary, `${name}: before part ${i + 1}`)
    at = child.bodyEnd
  })
  assert.ok(at <= part.bodyEnd, `${name}: parts end with their multipart`)
  const rest = bytes.toString('latin1', at, part.bodyEnd)
  if (rest !== '') assert.ok(rest.includes(`${boundary}--`), `${name}: an epilogue begins with the last delimiter`)
}

function checkScan(bytes: Buffer, scanned: ScannedMessage, name: string): void {
  assert.equal(scanned.size, bytes.length, name)
  assert.equal(scanned.lines, bytes.filter((byte) => byte === 10).length, name)
  assert.equal(scanned.hasNul, bytes.includes(0), name)
  assert.equal(
    scanned.has8Bit,
    bytes.some((byte) => byte > 127),
    name,
  )
  assert.equal(scanned.allCrlf, !/(^|[^\r])\n/.test(bytes.toString('latin1')), name)
  assert.equal(scanned.root.headerStart, 0, name)
  assert.equal(scanned.root.bodyEnd, bytes.length, name)
  assert.deepEqual(Buffer.from(scanned.header), Buffer.from(bytes.subarray(0, scanned.header.length)), name)
  checkPart(bytes, scanned.root, name)
}

test('every message of the corpus is scanned without one wrong octet', (t) => {
  const messages = corpusMessages()
  for (const { name, bytes } of messages) checkScan(bytes, scanMessage(bytes), name)
  t.diagnostic(`${messages.length} messages`)
  assert.ok(messages.length >= 7)
})

test('the corpus with CRLF throughout scans as well, with the same tree', () => {
  const shape = (part: ScannedPart): unknown => [part.kind, part.lines, part.children.map(shape)]
  for (const { name, bytes } of corpusMessages()) {
    const crlf = latin(bytes.toString('latin1').replace(/\r?\n/g, '\r\n'))
    const scanned = scanMessage(crlf)
    checkScan(crlf, scanned, name)
    assert.deepEqual(shape(scanned.root), shape(scanMessage(bytes).root), name)
  }
})

test('small messages cut at every octet scan as the whole', () => {
  for (const { name, bytes } of corpusMessages()) {
    if (bytes.length > 1_500) continue
    const whole = scanMessage(bytes)
    for (let cut = 0; cut <= bytes.length; cut += 1)
      assert.deepEqual(scanInPieces(bytes, [cut]), whole, `${name} at ${cut}`)
    const each = Array.from({ length: bytes.length }, (_, i) => i)
    assert.deepEqual(scanInPieces(bytes, each), whole, `${name} octet by octet`)
  }
})

test('large messages cut at random scan as the whole', () => {
  const large = corpusMessages().filter(({ bytes }) => bytes.length > 1_500 && bytes.length < 200_000)
  for (const { name, bytes } of large) {
    const whole = scanMessage(bytes)
    const cuts = fc.array(fc.nat(bytes.length), { maxLength: 30 }).map((list) => list.sort((a, b) => a - b))
    fc.assert(
      fc.property(cuts, (at) => assert.deepEqual(scanInPieces(bytes, at), whole, name)),
      { numRuns: 5 },
    )
  }
})

const soup = fc.constantFrom(
  '--a',
  '--b',
  '--',
  '-',
  '\r\n',
  '\n',
  '\r',
  ' ',
  'x',
  '\0',
  '\xff',
  ':',
  '\n\n',
  '\r\n\r\n',
  'Content-Type: multipart/mixed; boundary=a\n\n',
  'Content-Type: multipart/digest; boundary="b"\r\n\r\n',
  'Content-Type: message/rfc822\r\n\r\n',
  '\n--a\n',
  '\r\n--b\r\n',
  '\n--a--\n',
  '--b--\r\n',
  'Subject: s\r\n',
)

test('any soup of boundaries and line ends keeps every promise, whole and in pieces', () => {
  fc.assert(
    fc.property(fc.array(soup, { maxLength: 40 }), fc.array(fc.nat(300), { maxLength: 6 }), (pieces, cuts) => {
      const bytes = latin(pieces.join(''))
      const whole = scanMessage(bytes)
      checkScan(bytes, whole, JSON.stringify(pieces.join('')))
      const at = cuts.filter((cut) => cut <= bytes.length).sort((a, b) => a - b)
      assert.deepEqual(scanInPieces(bytes, at), whole)
    }),
    { numRuns: 1_500 },
  )
})

test('the corpus with octets changed at random never throws', () => {
  const small = corpusMessages().filter(({ bytes }) => bytes.length < 20_000)
  const change = fc.tuple(fc.nat(20_000), fc.constantFrom(0, 10, 13, 32, 45, 58, 255))
  fc.assert(
    fc.property(fc.nat(small.length - 1), fc.array(change, { maxLength: 20 }), (which, changes) => {
      const bytes = Buffer.from(small[which]?.bytes ?? '')
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
      checkScan(bytes, scanMessage(bytes), small[which]?.name ?? '')
    }),
    { numRuns: 400 },
  )
})

test('the line end before a delimiter belongs to the delimiter (RFC 2046 §5.1.1)', () => {
  assert.deepEqual(
    outline('Content-Type: multipart/mixed; boundary=b\n\nbefore\n--b\n\none\n\n--b \t\n\ntwo--b\n--b--\nafter\n'),
    ['multipart/mixed', ['text/plain', 'one\n'], ['text/plain', 'two--b']],
  )
})

test('an outer delimiter ends what is open inside', () => {
  const text = [
    'Content-Type: multipart/mixed; boundary=ab\n\n--ab\nContent-Type: multipart/mixed; boundary=a\n\n',
    '--a\n\nx\n--a-\ny\n--ab\n\nz\n',
  ].join('')
  assert.deepEqual(outline(text), [
    'multipart/mixed',
    ['multipart/mixed', ['text/plain', 'x\n--a-\ny']],
    ['text/plain', 'z\n'],
  ])
})

test('after its last delimiter a multipart has an epilogue only', () => {
  const text = 'Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a--\n--a\n\ny\n'
  assert.deepEqual(outline(text), ['multipart/mixed', ['text/plain', 'x']])
})

test('a header that ends at a delimiter has an empty body', () => {
  const text =
    'Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n--a\nContent-Type: image/png\n\n--a--'
  assert.deepEqual(outline(text), ['multipart/mixed', ['message/rfc822', ['text/plain', '']], ['image/png', '']])
})

test('a message inside that is all header ends before the line end of the delimiter', () => {
  const text = 'Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n\nSubject: s\n--a--\n'
  const part = scanText(text).root.children[0]
  assert.equal(text.slice(part?.bodyStart, part?.bodyEnd), 'Subject: s')
  assert.deepEqual([part?.lines, part?.children[0]?.lines, part?.children[0]?.envelope?.subject], [0, 0, 's'])
})

test('a multipart whose boundary never comes has one part with all of it', () => {
  const text = 'Content-Type: multipart/mixed; boundary=a\n\nwords\n--b\n'
  assert.deepEqual(outline(text), ['multipart/mixed', ['text/plain', 'words\n--b\n']])
})

test('a multipart that ends before its first part has one that is empty', () => {
  const text = 'Content-Type: multipart/mixed; boundary=a\n\nwords\n--a--\n'
  assert.deepEqual(outline(text), ['multipart/mixed', ['text/plain', '']])
})

test('a multipart without a boundary is text', () => {
  assert.deepEqual(outline('Content-Type: multipart/mixed\n\nwords\n'), ['text/plain', 'words\n'])
  assert.deepEqual(outline('Content-Type: multipart/mixed; boundary=""\n\n--\n'), ['text/plain', '--\n'])
})

test('a line of dashes that is too long for a delimiter is text, wherever it is cut', () => {
  const line = `--a${'-'.repeat(MAX_DELIMITER_LINE + 50)}`
  const bytes = latin(`Content-Type: multipart/mixed; boundary=a\n\n--a\n\n${line}\n--a--\n`)
  const whole = scanMessage(bytes)
  assert.equal(whole.root.children[0]?.bodyEnd, bytes.length - 7)
  for (let cut = 0; cut < bytes.length; cut += 97) assert.deepEqual(scanInPieces(bytes, [cut]), whole)
})

test('what nests too deep is an opaque leaf', () => {
  let text = ''
  for (let i = 0; i < 150; i += 1) text += `Content-Type: multipart/mixed; boundary=b${i}\n\n--b${i}\n`
  const bytes = latin(`${text}\nx\n`)
  const scanned = scanMessage(bytes)
  checkScan(bytes, scanned, 'deep')
  let depth = 1
  let part = scanned.root
  for (let next = part.children[0]; next !== undefined; next = part.children[0]) {
    part = next
    depth += 1
  }
  assert.equal(depth, MAX_DEPTH)
  assert.equal(part.content.subtype, 'OCTET-STREAM')
  assert.equal(part.bodyEnd, bytes.length)
})

test('a hundred thousand nested messages and as many parts stay within the limits', () => {
  const nested = scanText('Content-Type: message/rfc822\n\n'.repeat(100_000))
  assert.equal(nested.root.bodyEnd, nested.size)
  const parts = scanText(`Content-Type: multipart/mixed; boundary=a\n\n${'--a\n\nx\n'.repeat(100_000)}`)
  assert.ok(parts.root.children.length <= MAX_PARTS)
  assert.equal(parts.root.children.at(-1)?.bodyEnd, parts.size)
  const headers = scanText(`Content-Type: multipart/mixed; boundary=a\n\n${'--a\n'.repeat(100_000)}`)
  assert.ok(headers.root.children.length <= MAX_PARTS + 1)
})

test('a header without end is kept up to a limit only', () => {
  const scanner = new MessageScanner()
  const line = latin(`X: ${'y'.repeat(1_000)}\r\n`)
  for (let i = 0; i < 3_000; i += 1) scanner.push(line)
  const { header, size, root } = scanner.end()
  assert.equal(size, line.length * 3_000)
  assert.equal(root.bodyStart, size)
  assert.equal(header.length, 1_048_576)
})

test('nothing at all is a message too', () => {
  const scanned = scanText('')
  assert.deepEqual([scanned.size, scanned.lines, scanned.root.kind], [0, 0, 'text'])
  checkScan(Buffer.alloc(0), scanned, 'empty')
})
