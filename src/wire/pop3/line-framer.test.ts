import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assertLinear } from '#testing/growth.ts'
import { AUTH_LINE_OCTETS, TOLERATED_COMMAND_OCTETS } from './limits.ts'
import { type LineEvent, LineFramer } from './line-framer.ts'

function drain(framer: LineFramer): LineEvent[] {
  const events: LineEvent[] = []
  for (let event = framer.next(); event !== undefined; event = framer.next()) events.push(event)
  return events
}

function linesOf(chunks: readonly string[]): LineEvent[] {
  const framer = LineFramer.forCommands()
  return chunks.flatMap((chunk) => {
    framer.push(Buffer.from(chunk, 'latin1'))
    return drain(framer)
  })
}

const INPUT = `USER a\r\nPASS b\xe9\n\r\n${'x'.repeat(3_000)}\r\nAUTH PLAIN ${'A'.repeat(3_000)}\r\n\nNOOP\r\nhalf`

test('LineFramer gives the same lines wherever the bytes are cut', () => {
  const whole = linesOf([INPUT])
  assert.deepEqual(
    whole.map((event) => (event.kind === 'line' ? [event.text.slice(0, 12), event.bareLf] : event.kind)),
    [
      ['USER a', false],
      ['PASS b\xe9', true],
      ['', false],
      'too-long',
      ['AUTH PLAIN A', false],
      ['', true],
      ['NOOP', false],
    ],
  )
  for (let cut = 0; cut <= INPUT.length; cut += 1) {
    assert.deepEqual(linesOf([INPUT.slice(0, cut), INPUT.slice(cut)]), whole)
  }
  assert.deepEqual(linesOf(INPUT.split('')), whole)
})

test('LineFramer gives the same lines for any cuts', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', ' ', '\r', '\n', '\r\n', '\0') })), (chunks) => {
      assert.deepEqual(linesOf(chunks), linesOf([chunks.join('')]))
    }),
    { numRuns: 200 },
  )
})

test('LineFramer takes lines up to the limit and drops longer ones, holding nothing of them', () => {
  const most = 'x'.repeat(TOLERATED_COMMAND_OCTETS - 2)
  assert.deepEqual(linesOf([`${most}\r\n`]), [{ kind: 'line', text: most, bareLf: false }])
  assert.deepEqual(linesOf([`${most}x\r\nNOOP\r\n`]), [
    { kind: 'too-long' },
    { kind: 'line', text: 'NOOP', bareLf: false },
  ])
  const framer = LineFramer.forCommands()
  for (let times = 0; times < 100; times += 1) {
    framer.push(Buffer.alloc(65_536, 'x'))
    assert.equal(framer.next(), undefined)
    assert.equal(framer.pendingBytes, 0)
  }
})

test('LineFramer takes AUTH lines and lines of its exchange up to 64 KB', () => {
  const auth = `auth PLAIN ${'A'.repeat(AUTH_LINE_OCTETS - 13)}`
  assert.deepEqual(linesOf([auth, '\r\n']), [{ kind: 'line', text: auth, bareLf: false }])
  assert.deepEqual(linesOf(['au', `${auth.slice(2)}A`, '\r\n']), [{ kind: 'too-long' }])
  const framer = LineFramer.forCommands()
  framer.expectAuthLine()
  const answer = 'A'.repeat(60_000)
  framer.push(Buffer.from(`${answer}\r\n${answer}\r\n`))
  assert.deepEqual(
    drain(framer).map((event) => event.kind),
    ['line', 'too-long'],
  )
})

test('LineFramer gives back everything behind the last line', () => {
  const framer = LineFramer.forResponses()
  framer.push(Buffer.from('+OK\r\nbo'))
  assert.equal(framer.next()?.kind, 'line')
  assert.equal(framer.next(), undefined)
  framer.push(Buffer.from('dy\r\n.\r\n'))
  assert.equal(framer.takeRest().toString(), 'body\r\n.\r\n')
  assert.equal(framer.pendingBytes, 0)
})

test('LineFramer looks at each octet once', () => {
  const piece = Buffer.from('abcdefgh')
  assertLinear(
    (size) => () => {
      const framer = new LineFramer(10_000_000)
      for (let times = 0; times < size; times += 1) framer.push(piece)
      assert.equal(framer.next(), undefined)
      for (let times = 0; times < size; times += 1) {
        framer.push(piece)
        assert.equal(framer.next(), undefined)
      }
    },
    20_000,
  )
})
