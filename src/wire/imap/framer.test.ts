import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assertLinear } from '#testing/growth.ts'
import { LITERAL_MARK } from './frame.ts'
import { CommandFramer, type FrameEvent, type LiteralAnnounced, ResponseFramer } from './framer.ts'
import { COMMAND_LIMITS, type FramerLimits } from './limits.ts'

type Decision = 'buffer' | 'stream' | 'refuse'

const MARK = LITERAL_MARK

/** Events in a form that does not depend on how the input was cut. */
function events(
  pieces: readonly string[],
  decide: (event: LiteralAnnounced) => Decision = () => 'buffer',
  framer: CommandFramer = new CommandFramer(),
): string[] {
  const seen: string[] = []
  let streamed = ''
  for (const piece of pieces) {
    framer.push(Buffer.from(piece, 'latin1'))
    for (let event = framer.next(); event !== undefined; event = framer.next()) {
      if (event.kind === 'chunk') {
        streamed += Buffer.from(event.bytes).toString('latin1')
        if (event.last) seen.push(`streamed ${JSON.stringify(streamed)}`)
        if (event.last) streamed = ''
      } else seen.push(shown(event))
      if (event.kind === 'literal') framer[decide(event)]()
    }
  }
  return seen
}

function shown(event: FrameEvent): string {
  switch (event.kind) {
    case 'frame': {
      let i = 0
      const text = event.frame.text.replaceAll(MARK, () => {
        const literal = event.frame.literals[i++]
        return `<${literal?.bytes === undefined ? literal?.size : Buffer.from(literal.bytes).toString('latin1')}>`
      })
      return `frame ${text}`
    }
    case 'literal':
      return `literal ${event.binary ? '~' : ''}${event.size}${event.synchronising ? ' waits' : ''} ${event.frame.text}`
    case 'line':
      return `line ${event.text}`
    case 'refused':
      return `refused ${event.size} ${event.frame.text}`
    case 'fault':
      return `fault ${event.reason} ${event.text.slice(0, 12)}`
    case 'chunk':
      return 'chunk'
  }
}

const limits = (some: Partial<FramerLimits>): FramerLimits => ({ ...COMMAND_LIMITS, ...some })

test('a framer gives lines and literals as commands', () => {
  assert.deepEqual(events(['a NOOP\r\nb LOGIN {3}\r\n', 'bob {2+}\r\nxy\r\nc NOOP\r\n']), [
    'frame a NOOP',
    `literal 3 waits b LOGIN ${MARK}`,
    `literal 2 b LOGIN ${MARK} ${MARK}`,
    'frame b LOGIN <bob> <xy>',
    'frame c NOOP',
  ])
})

const STREAM = [
  'a NOOP\r\n',
  'b LOGIN {3+}\r\nb\r\n {0+}\r\n\r\n',
  'c APPEND x (\\Seen) {5+}\r\nhello ~{3+}\r\n\0\r\n\r\n',
  'd NO\0OP\r\n',
  `e ${'x'.repeat(80)}{4+}\r\nf g\n\r\n`,
  'g refuse {6+}\r\nh ev\r\nover {2+}\r\nil\r\n',
  'j NOOP\n',
  '\r\n',
  'k tail {99}\r\nl NOOP\r\n',
].join('')

function decideStream({ frame, synchronising }: LiteralAnnounced): Decision {
  if (frame.text.startsWith('c')) return 'stream'
  return frame.text.startsWith('g') || synchronising ? 'refuse' : 'buffer'
}

const STREAM_EVENTS = [
  'frame a NOOP',
  `literal 3 b LOGIN ${MARK}`,
  `literal 0 b LOGIN ${MARK} ${MARK}`,
  'frame b LOGIN <b\r\n> <>',
  `literal 5 c APPEND x (\\Seen) ${MARK}`,
  'streamed "hello"',
  `literal ~3 c APPEND x (\\Seen) ${MARK} ${MARK}`,
  'streamed "\\u0000\\r\\n"',
  'frame c APPEND x (\\Seen) <5> <3>',
  'fault nul d NO\0OP',
  'fault line-too-long e xxxxxxxxxx',
  `literal 6 g refuse ${MARK}`,
  `refused 6 g refuse ${MARK}`,
  'frame j NOOP',
  'frame ',
  `literal 99 waits k tail ${MARK}`,
  `refused 99 k tail ${MARK}`,
  'frame l NOOP',
]

test('a framer gives the same events wherever the input is cut', () => {
  const framer = () => new CommandFramer(limits({ lineBytes: 60 }))
  assert.deepEqual(events([STREAM], decideStream, framer()), STREAM_EVENTS)
  for (let at = 1; at < STREAM.length; at += 1)
    assert.deepEqual(events([STREAM.slice(0, at), STREAM.slice(at)], decideStream, framer()), STREAM_EVENTS, `${at}`)
  assert.deepEqual(events(STREAM.split(''), decideStream, framer()), STREAM_EVENTS)
})

test('a framer gives the same events for random bytes however they are cut', () => {
  const word = fc.constantFrom(
    'a',
    ' ',
    '\r',
    '\n',
    '\r\n',
    '\0',
    '{',
    '}',
    'over',
    'x'.repeat(30),
    '{0+}\r\n',
    '{1+}\r\n',
    '{2+}\n',
    '{3}\r\n',
    '{4}\r\n',
    '~{5+}\r\n',
    '~{8}\r\n',
    '{12+}\r\n',
    '{1001+}\r\n',
    '{99999999999999999999+}\r\n',
  )
  const bytes = fc.array(word, { maxLength: 40, size: 'max' }).map((words) => words.join(''))
  fc.assert(
    fc.property(bytes, fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 60, size: 'max' }), (input, cuts) => {
      const pieces: string[] = []
      let rest = input
      for (const cut of cuts) {
        pieces.push(rest.slice(0, cut))
        rest = rest.slice(cut)
      }
      const decide = ({ size }: LiteralAnnounced) =>
        size > 2000 || size % 3 === 0 ? 'refuse' : size % 3 === 1 ? 'buffer' : 'stream'
      const framer = () => new CommandFramer(limits({ lineBytes: 40, literals: 3, discardBytes: 1000 }))
      assert.deepEqual(events([...pieces, rest], decide, framer()), events([input], decide, framer()))
    }),
    { numRuns: 500 },
  )
})

test('a refused literal that waits is never sent: the next line is a command', () => {
  assert.deepEqual(events(['a LOGIN {9999999}\r\n', 'b NOOP\r\n'], () => 'refuse').slice(1), [
    `refused 9999999 a LOGIN ${MARK}`,
    'frame b NOOP',
  ])
})

test('a refused literal that does not wait is dropped with the rest of its command', () => {
  const input = 'a LOGIN {9+}\r\nb LOGOUT\n {3+}\r\nx\r\n y {5}\r\nc NOOP\r\n'
  // The literal at the end waits for a `+` that will not come, so the command is over there.
  assert.deepEqual(events([input], () => 'refuse').slice(1), [`refused 9 a LOGIN ${MARK}`, 'frame c NOOP'])
})

test('a literal too big to drop ends the connection', () => {
  const framer = new CommandFramer(limits({ discardBytes: 1000 }))
  assert.deepEqual(events(['a LOGIN {1001+}\r\n', 'b NOOP\r\n'], () => 'refuse', framer).slice(1), [
    'fault too-much-to-discard a LOGIN \uE000',
  ])
  assert.equal(framer.pendingBytes, 0)
})

test('a literal refused while it is streamed is dropped to its end', () => {
  const framer = new CommandFramer()
  framer.push(Buffer.from('a APPEND x {10}\r\n'))
  assert.equal(framer.next()?.kind, 'literal')
  framer.stream()
  framer.push(Buffer.from('1234'))
  assert.equal(framer.next()?.kind, 'chunk')
  framer.refuse()
  framer.push(Buffer.from('567890\r\nb NOOP\r\n'))
  assert.deepEqual([framer.next()?.kind, framer.next()?.kind], ['refused', 'frame'])
})

test('a literal refused after its last byte costs the rest of its line', () => {
  const framer = new CommandFramer()
  framer.push(Buffer.from('a APPEND x {4}\r\n'))
  framer.next()
  framer.stream()
  framer.push(Buffer.from('1234 (\\Se'))
  assert.equal(framer.next()?.kind, 'chunk')
  assert.equal(framer.next(), undefined)
  framer.refuse()
  framer.push(Buffer.from('en) {2+}\r\nxx\r\nb NOOP\r\n'))
  assert.deepEqual([framer.next()?.kind, framer.next()?.kind], ['refused', 'frame'])
})

test('a line over the limit is dropped, and the literal that it announces', () => {
  const framer = new CommandFramer(limits({ lineBytes: 20 }))
  const long = `a ${'x'.repeat(1000)} {7+}\r\nb NOOP\n\r\nc NOOP\r\n`
  assert.deepEqual(events([long], undefined, framer), ['fault line-too-long a xxxxxxxxxx', 'frame c NOOP'])
})

test('the limit of a line counts all lines of a command', () => {
  const framer = new CommandFramer(limits({ lineBytes: 30 }))
  const input = `a LOGIN {1+}\r\nx${' {1+}\r\nx'.repeat(10)}\r\nb NOOP\r\n`
  assert.deepEqual(events([input], undefined, framer).slice(-2), [
    `fault line-too-long a LOGIN ${MARK} ${MARK} `,
    'frame b NOOP',
  ])
})

test('a command with too many literals is dropped whole', () => {
  const framer = new CommandFramer(limits({ literals: 2 }))
  const input = `a X${' {1+}\r\nx'.repeat(5)}\r\nb NOOP\r\n`
  assert.deepEqual(events([input], undefined, framer).slice(-2), [
    `fault too-many-literals a X ${MARK} ${MARK}`,
    'frame b NOOP',
  ])
})

test('expectLine() takes the next line as it is, once', () => {
  const framer = new CommandFramer()
  framer.push(Buffer.from('a IDLE\r\nDONE {3}\r\nb NOOP\r\n'))
  assert.equal(framer.next()?.kind, 'frame')
  framer.expectLine()
  assert.deepEqual(framer.next(), { kind: 'line', text: 'DONE {3}' })
  assert.equal(framer.next()?.kind, 'frame')
})

test('takeRest() gives what came after STARTTLS and leaves a framer like new', () => {
  const framer = new CommandFramer()
  framer.push(Buffer.from('a STARTTLS\r\nb LOG'))
  framer.push(Buffer.from('IN x y\r\n'))
  assert.equal(framer.next()?.kind, 'frame')
  assert.equal(Buffer.from(framer.takeRest()).toString(), 'b LOGIN x y\r\n')
  assert.equal(framer.pendingBytes, 0)
  assert.deepEqual(events(['c NOOP\r\n'], undefined, framer), ['frame c NOOP'])
})

test('a framer knows whether a command has begun', () => {
  const framer = new CommandFramer()
  assert.equal(framer.midCommand, false)
  framer.push(Buffer.from('a NO'))
  framer.next()
  assert.equal(framer.midCommand, true)
  framer.push(Buffer.from('OP\r\n'))
  framer.next()
  assert.equal(framer.midCommand, false)
})

test('a response framer buffers small literals and asks about big ones', () => {
  const framer = new ResponseFramer({ ...COMMAND_LIMITS, autoBufferBytes: 4 })
  const input = '* 1 FETCH (A {3}\r\nabc B {5}\r\nabcde)\r\n'
  assert.deepEqual(
    events([input], () => 'stream', framer),
    [`literal 5 * 1 FETCH (A ${MARK} B ${MARK}`, 'streamed "abcde"', 'frame * 1 FETCH (A <abc> B <5>)'],
  )
})

test('bytes that come one by one take linear time', () => {
  assertLinear((size) => {
    const line = Buffer.from(`a ${'x'.repeat(size)}\r\n`)
    return () => {
      const framer = new CommandFramer()
      for (let i = 0; i < line.length; i += 1) {
        framer.push(line.subarray(i, i + 1))
        framer.next()
      }
      assert.equal(framer.midCommand, false)
    }
  }, 15_000)
})

test('a frame without literals never gets those of the next one', () => {
  const framer = new CommandFramer()
  framer.push(Buffer.from('a NOOP\r\nb LOGIN {1+}\r\nx {1+}\r\ny\r\nc NOOP\r\n'))
  const frames: FrameEvent[] = []
  for (let event = framer.next(); event !== undefined; event = framer.next()) {
    if (event.kind === 'literal') framer.buffer()
    else frames.push(event)
  }
  assert.deepEqual(
    frames.map((event) => (event.kind === 'frame' ? event.frame.literals.length : event.kind)),
    [0, 2, 0],
  )
})
