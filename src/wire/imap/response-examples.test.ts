/** Responses from the RFCs and from real servers, read. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertLinear } from '#testing/growth.ts'
import { CommandFramer, ResponseFramer } from './framer.ts'
import { COMMAND_LIMITS } from './limits.ts'
import { CommandReader } from './reader.ts'
import { parseResponse } from './response-reader.ts'
import type { Response } from './responses.ts'
import { SyntaxFault } from './syntax-fault.ts'

function parse(line: string): Response {
  const framer = new ResponseFramer()
  framer.push(Buffer.from(`${line}\r\n`, 'latin1'))
  const event = framer.next()
  assert.equal(event?.kind, 'frame')
  return parseResponse(event.frame)
}

test('a greeting has a code and a text', () => {
  assert.deepEqual(parse('* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] Dovecot ready.'), {
    kind: 'CONDITION',
    tag: undefined,
    condition: 'OK',
    code: { kind: 'CAPABILITY', names: ['IMAP4REV1', 'AUTH=PLAIN'] },
    text: 'Dovecot ready.',
  })
})

test('text in brackets that is no code we know is kept', () => {
  const codes = [
    ['a NO [X-LIMIT 3 of "4"] no', { kind: 'OTHER', name: 'X-LIMIT', text: '3 of "4"' }],
    ['a NO [UIDNEXT x] no', { kind: 'OTHER', name: 'UIDNEXT', text: 'x' }],
    ['a NO [] no', undefined],
  ] as const
  for (const [line, code] of codes) {
    const response = parse(line)
    assert.equal(response.kind, 'CONDITION')
    assert.deepEqual(response.code, code)
  }
})

test('COPYUID keeps the order of the UIDs', () => {
  const response = parse('a OK [COPYUID 38505 304,319:320 3956:3958] Done')
  assert.equal(response.kind, 'CONDITION')
  assert.deepEqual(response.code, {
    kind: 'COPYUID',
    uidValidity: 38505,
    from: [
      [304, 304],
      [319, 320],
    ],
    to: [[3956, 3958]],
  })
})

test('FETCH of RFC 9051 §8 gives an ENVELOPE and a BODY', () => {
  const response = parse(
    '* 12 FETCH (FLAGS (\\Seen) INTERNALDATE "14-Jul-1993 02:44:25 -0700" RFC822.SIZE 4282 ' +
      'ENVELOPE ("Wed, 14 Jul 1993 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" ' +
      '(("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) ' +
      '(("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) ' +
      '((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL ' +
      '"<B27397-0100000@cac.washington.edu>") ' +
      'BODY ("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3028 92))',
  )
  assert.equal(response.kind, 'FETCH')
  const [flags, date, size, envelope, body] = response.values
  assert.deepEqual(flags, { kind: 'FLAGS', flags: ['\\Seen'] })
  assert.equal(date?.kind, 'INTERNALDATE')
  assert.deepEqual(size, { kind: 'RFC822.SIZE', size: 4282 })
  assert.ok(envelope?.kind === 'ENVELOPE')
  assert.equal(envelope.envelope.cc?.length, 2)
  assert.equal(envelope.envelope.messageId, '<B27397-0100000@cac.washington.edu>')
  assert.ok(body?.kind === 'BODY' && body.body.kind === 'text')
  assert.deepEqual([body.body.size, body.body.lines], [3028, 92])
})

test('BODYSTRUCTURE takes extension fields of the future', () => {
  const response = parse(
    '* 1 FETCH (BODYSTRUCTURE (("text" "plain" NIL NIL NIL "7bit" 2 1 NIL NIL "en" NIL 7 ("x" (NIL)))' +
      ' ("message" "rfc822" NIL NIL NIL "7bit" 5) "mixed" ("boundary" "b") ("inline" NIL) ("de" "en") "loc" NIL))',
  )
  assert.ok(response.kind === 'FETCH')
  const [value] = response.values
  assert.ok(value?.kind === 'BODYSTRUCTURE' && value.body.kind === 'multipart')
  assert.deepEqual(
    value.body.parts.map(({ kind, language }) => [kind, language]),
    [
      ['text', ['en']],
      // Without its envelope it is a part like any other.
      ['basic', undefined],
    ],
  )
  assert.deepEqual(value.body.language, ['de', 'en'])
  assert.equal(value.body.location, 'loc')
})

test('an item that cannot be read does not cost the others', () => {
  const response = parse('* 1 FETCH (UID 7 ENVELOPE ("x" (a b)) X-GM-LABELS ("\\\\Important" \\Sent) FLAGS ())')
  assert.ok(response.kind === 'FETCH')
  assert.deepEqual(response.values, [
    { kind: 'UID', uid: 7 },
    { kind: 'OTHER', name: 'ENVELOPE', value: ['x', ['a', 'b']] },
    { kind: 'OTHER', name: 'X-GM-LABELS', value: ['\\Important', '\\Sent'] },
    { kind: 'FLAGS', flags: [] },
  ])
})

test('a body that was streamed leaves its size', () => {
  const framer = new ResponseFramer({ ...COMMAND_LIMITS, autoBufferBytes: 2 })
  framer.push(Buffer.from('* 3 FETCH (BODY[1]<0> {5}\r\nhello UID 9)\r\n'))
  assert.equal(framer.next()?.kind, 'literal')
  framer.stream()
  assert.equal(framer.next()?.kind, 'chunk')
  const event = framer.next()
  assert.ok(event?.kind === 'frame')
  assert.deepEqual(parseResponse(event.frame), {
    kind: 'FETCH',
    number: 3,
    values: [
      { kind: 'BODY[]', section: { part: [1], text: undefined, fields: [] }, origin: 0, bytes: { streamed: 5 } },
      { kind: 'UID', uid: 9 },
    ],
  })
})

test('untagged responses that are not known are kept as they came', () => {
  for (const line of ['* XLIST () "/" x', '* 3 XFETCH (a)', '*  XTHREAD (1)(2)']) {
    const response = parse(line)
    assert.ok(response.kind === 'UNKNOWN')
    assert.equal(response.frame.text, line)
  }
})

for (const line of [
  '',
  '*',
  'a',
  'a MAYBE x',
  '* 1 FETCH (UID x',
  '* LIST',
  '* SEARCH x',
  '* VANISHED 1:*',
  '* STATUS x (UNSEEN y)',
])
  test(`parseResponse() refuses ${JSON.stringify(line)}`, () => assert.throws(() => parse(line), SyntaxFault))

test('nested values of a hostile server end at the limit', () => {
  const deep = '('.repeat(100_000)
  for (const item of ['BODYSTRUCTURE', 'X-OTHER', 'ENVELOPE'])
    assert.throws(() => parse(`* 1 FETCH (${item} ${deep}`), SyntaxFault)
})

test('SEARCH with 100,000 numbers is read in linear time', () => {
  assertLinear((size) => {
    const numbers = Array.from({ length: size }, (_, i) => i * 3 + 1)
    const line = `* SEARCH ${numbers.join(' ')}`
    const response = parse(line)
    assert.ok(response.kind === 'SEARCH')
    assert.deepEqual(response.numbers, numbers)
    return () => parse(line)
  }, 25_000)
})

test('APPEND is read message by message while its literals stream', () => {
  const framer = new CommandFramer()
  framer.push(Buffer.from('a APPEND x (\\Seen) {2+}\r\nab "01-Jan-2024 00:00:00 +0000" UTF8 (~{1+}\r\nc)\r\n'))
  const first = framer.next()
  assert.ok(first?.kind === 'literal')
  let r = new CommandReader(first.frame)
  assert.deepEqual([r.tag(), r.sp().commandName(), r.sp().mailbox()], ['a', 'APPEND', 'x'])
  const one = r.appendMessage()
  assert.deepEqual([one.flags, one.literal.size], [['\\Seen'], 2])
  framer.stream()
  assert.equal(framer.next()?.kind, 'chunk')
  const second = framer.next()
  assert.ok(second?.kind === 'literal')
  r = new CommandReader(second.frame, { from: r.position })
  assert.equal(r.appendMore(one), true)
  const two = r.appendMessage()
  assert.deepEqual([two.flags, two.utf8, two.literal.binary], [[], true, true])
  framer.stream()
  assert.equal(framer.next()?.kind, 'chunk')
  const whole = framer.next()
  assert.ok(whole?.kind === 'frame')
  r = new CommandReader(whole.frame, { from: r.position })
  assert.equal(r.appendMore(two), false)
  r.end()
})

test('threads are read as the RFC draws them (RFC 5256 §4)', () => {
  assert.deepEqual(parse('* THREAD (2)(3 6 (4 23)(44 7 96))((3)(5))'), {
    kind: 'THREAD',
    threads: [
      { numbers: [2], branches: [] },
      {
        numbers: [3, 6],
        branches: [
          { numbers: [4, 23], branches: [] },
          { numbers: [44, 7, 96], branches: [] },
        ],
      },
      {
        numbers: [],
        branches: [
          { numbers: [3], branches: [] },
          { numbers: [5], branches: [] },
        ],
      },
    ],
  })
})
