/** Hostile servers, for the readers of our clients: responses made up by their grammar, and recorded ones changed. @module */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { processorTime } from '#testing/growth.ts'
import { Random } from '#testing/random.ts'
import { parseTranscriptFile } from '#testing/transcript-file.ts'
import { type FrameEvent, ResponseFramer } from '#wire/imap/framer.ts'
import { RESPONSE_LIMITS } from '#wire/imap/limits.ts'
import { parseResponse } from '#wire/imap/response-reader.ts'
import { SyntaxFault } from '#wire/imap/syntax-fault.ts'
import { TOLERATED_RESPONSE_OCTETS } from '#wire/pop3/limits.ts'
import { LineFramer } from '#wire/pop3/line-framer.ts'
import { RESPONSES } from '../fuzz/imap-responses.ts'
import { mutate } from '../fuzz/mutator.ts'
import { readImap, readPop3 } from '../fuzz/read-responses.ts'

/** What servers said in the transcripts of the project. */
const folder = path.join(import.meta.dirname, '..', 'transcripts')
const said = readdirSync(folder)
  .filter((name) => name.endsWith('.txt'))
  .flatMap((name) => parseTranscriptFile(readFileSync(path.join(folder, name), 'latin1')))
  .map(({ protocol, lines }) => ({
    protocol,
    said: lines
      .split('\n')
      .map((line) => /^\d?[SU]: (?!<)(.*)$/.exec(line)?.[1])
      .filter((line) => line !== undefined)
      .map((line) => `${line.replaceAll(/\$\w+/g, '7').replaceAll('...', 'x')}\r\n`)
      .join(''),
  }))
  .filter(({ said }) => said !== '')

function framesOf(bytes: string): readonly FrameEvent[] {
  const framer = new ResponseFramer()
  const events: FrameEvent[] = []
  framer.push(Buffer.from(bytes, 'latin1'))
  for (let event = framer.next(); event !== undefined; event = framer.next()) {
    events.push(event)
    if (event.kind === 'literal') framer.stream()
  }
  return events
}

suite('responses made up by their grammar', () => {
  for (const [kind, response] of Object.entries(RESPONSES))
    test(`${kind}: a response or a SyntaxFault, whole and in pieces, in bounded time`, () => {
      let read = 0
      fc.assert(
        fc.property(response, fc.integer(), (text, seed) => {
          const reading = readImap(Buffer.from(`${text}\r\n`, 'latin1'), new Random(seed))
          assert.equal(reading.fault, undefined)
          read += reading.read
        }),
        { numRuns: 150 },
      )
      assert.ok(read > 10, `only ${read} of them could be read`)
    })
})

suite('recorded dialogues, changed', () => {
  test('of IMAP', () => {
    const talks = said.filter(({ protocol }) => protocol === 'imap')
    const random = new Random(7)
    let read = 0
    for (let round = 0; round < 1_500; round += 1) {
      const reading = readImap(Buffer.from(mutate(random.pick(talks).said, talks, random), 'latin1'), random)
      assert.equal(reading.fault, undefined)
      read += reading.read
    }
    assert.ok(read > 1_000, `only ${read} responses could be read`)
  })

  test('of POP3', () => {
    const talks = said.filter(({ protocol }) => protocol === 'pop3')
    const random = new Random(8)
    let read = 0
    for (let round = 0; round < 4_000; round += 1) {
      const reading = readPop3(Buffer.from(mutate(random.pick(talks).said, talks, random), 'latin1'), random)
      assert.equal(reading.fault, undefined)
      read += reading.read
    }
    assert.ok(read > 1_000, `only ${read} lines could be read`)
  })
})

suite('limits of what a server may say', () => {
  test('a line longer than the limit is dropped, and the next response is read', () => {
    const events = framesOf(`* OK ${'x'.repeat(RESPONSE_LIMITS.lineBytes)}\r\n* 7 EXISTS\r\n`)
    assert.deepEqual(
      events.map((event) => (event.kind === 'fault' ? event.reason : event.kind)),
      ['line-too-long', 'frame'],
    )
  })

  test('so are the lines of one response together, whatever literals stand between', () => {
    const line = 'x'.repeat(RESPONSE_LIMITS.lineBytes / 8)
    const events = framesOf(`* OK ${`${line}{1}\r\n-`.repeat(9)}\r\n* 7 EXISTS\r\n`)
    assert.deepEqual(
      events.map((event) => (event.kind === 'fault' ? event.reason : event.kind)),
      ['line-too-long', 'frame'],
    )
  })

  test('more literals than the limit are dropped, in time', () => {
    const started = processorTime()
    const events = framesOf(`* X ${'{0}\r\n '.repeat(RESPONSE_LIMITS.literals + 1)}\r\n* 7 EXISTS\r\n`)
    assert.deepEqual(
      events.map((event) => (event.kind === 'fault' ? event.reason : event.kind)),
      ['too-many-literals', 'frame'],
    )
    assert.ok(processorTime() - started < 5_000)
  })

  test('a literal above 1 MB is not kept unless the client says so, however large the number', () => {
    for (const size of ['1048577', '4294967296', '9223372036854775808']) {
      const framer = new ResponseFramer()
      framer.push(Buffer.from(`* 1 FETCH (BODY[] {${size}}\r\nabc`, 'latin1'))
      const event = framer.next()
      assert.equal(event?.kind, 'literal')
      assert.equal(framer.next(), undefined)
    }
  })

  test('small literals together are kept up to the limit, then the client is asked', () => {
    const framer = new ResponseFramer()
    const megabyte = `{1048576}\r\n${'x'.repeat(1_048_576)}`
    framer.push(Buffer.from(`* X ${megabyte.repeat(17)}\r\n`, 'latin1'))
    const event = framer.next()
    assert.equal(event?.kind === 'literal' ? event.bufferedBytes : 0, 17 * 1_048_576)
  })

  for (const text of [
    `* 1 FETCH (BODYSTRUCTURE ${'('.repeat(100_000)})`,
    `* 1 FETCH (BODYSTRUCTURE ${'('.repeat(100_000)}"T" "X"${' "MIXED")'.repeat(100_000)})`,
    `* 1 FETCH (X ${'('.repeat(100_000)}x${')'.repeat(100_000)})`,
    `* THREAD ${'('.repeat(100_000)}1${')'.repeat(100_000)}`,
    `* THREAD ${'(1 '.repeat(100_000)}2${')'.repeat(100_000)}`,
    `* LIST () "/" x (X ${'('.repeat(100_000)})`,
    `* STATUS x (X ${'('.repeat(100_000)})`,
    `* ESEARCH X ${'('.repeat(100_000)}`,
    `* ESEARCH (X ${'('.repeat(100_000)})`,
    `* NAMESPACE ${'('.repeat(100_000)}`,
    `* OK [X ${'['.repeat(100_000)}] x`,
  ])
    test(`${text.slice(0, 40)}… nested 100,000 deep is read or a SyntaxFault`, () => {
      const started = processorTime()
      const [event] = framesOf(`${text}\r\n`)
      assert.equal(event?.kind, 'frame')
      if (event?.kind === 'frame') {
        try {
          parseResponse(event.frame)
        } catch (error) {
          assert.ok(error instanceof SyntaxFault, String(error))
        }
      }
      assert.ok(processorTime() - started < 5_000)
    })

  test('a line of POP3 longer than the limit is dropped, and nothing of it is held', () => {
    const framer = LineFramer.forResponses()
    for (let chunk = 0; chunk < 200; chunk += 1) {
      framer.push(Buffer.alloc(65_536, 'x'))
      assert.equal(framer.next(), undefined)
      assert.ok(framer.pendingBytes <= TOLERATED_RESPONSE_OCTETS)
    }
    framer.push(Buffer.from('\r\n+OK\r\n'))
    assert.deepEqual(framer.next(), { kind: 'too-long' })
    assert.deepEqual(framer.next(), { kind: 'line', text: '+OK', bareLf: false })
  })
})
