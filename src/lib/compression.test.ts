import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { Compression } from './compression.ts'
import { COMPRESSION_STATES, UNCOMPRESSED_BEHIND_BYTES } from './peer-limits.ts'

/** An input that writes down what it is told. */
function listening(waits?: () => boolean): {
  readonly heard: string[]
  readonly compression: Compression
  readonly told: EventTarget
} {
  const heard: string[] = []
  const told = new EventTarget()
  const hear = (what: string): void => {
    heard.push(what)
    told.dispatchEvent(new Event(what))
  }
  const compression = new Compression({
    take: (bytes) => hear(Buffer.from(bytes).toString('latin1')),
    drain: () => undefined,
    end: () => hear('end'),
    fail: () => hear('fail'),
    ...(waits === undefined ? {} : { waits }),
  })
  return { heard, compression, told }
}

const FINAL = deflateRawSync('a NOOP\r\n', { finishFlush: constants.Z_FINISH })

suite('compressed input whose last block is final', () => {
  test('ends when the peer closes, however much later that is', async () => {
    const { heard, compression, told } = listening()
    const taken = once(told, 'a NOOP\r\n')
    // With something behind it, the inflater says at once that it is at its end.
    compression.push(Buffer.concat([FINAL, Buffer.from('b')]), 0)
    await taken
    for (let count = 0; count < 10; count += 1) await turn()
    const ended = once(told, 'end')
    compression.end()
    if (!heard.includes('end')) await ended
    assert.deepEqual(heard, ['a NOOP\r\n', 'end'])
    compression.close()
  })

  test('ends when the peer closes at once', async () => {
    const { heard, compression, told } = listening()
    const ended = once(told, 'end')
    compression.push(FINAL, 0)
    compression.end()
    await ended
    assert.deepEqual(heard, ['a NOOP\r\n', 'end'])
    compression.close()
  })

  test('gives what comes behind it in the clear, and fails where that is without end', async () => {
    const few = listening()
    const fewTaken = once(few.told, 'a NOOP\r\n')
    few.compression.push(Buffer.concat([FINAL, Buffer.from('b NOOP\r\n')]), 0)
    await fewTaken
    for (let count = 0; count < 10; count += 1) await turn()
    assert.equal(Buffer.from(few.compression.close()).toString('latin1'), 'b NOOP\r\n')

    const many = listening()
    const failed = once(many.told, 'fail')
    many.compression.push(FINAL, 0)
    for (let sent = 0; sent <= UNCOMPRESSED_BEHIND_BYTES; sent += 16_384) many.compression.push(Buffer.alloc(16_384), 0)
    await failed
    assert.equal(many.compression.close().length, 0)
  })
})

test('of many who wait, the few who spoke last hold memory, and all go on with what both sides know', async () => {
  const line = 'a STATUS INBOX (MESSAGES UIDNEXT)\r\n'
  const deflated = deflateRawSync(line, { finishFlush: constants.Z_SYNC_FLUSH })
  // refers to the line before
  const again = deflateRawSync(line, { finishFlush: constants.Z_SYNC_FLUSH, dictionary: Buffer.from(line) })
  assert.ok(again.length < deflated.length / 2)
  const sent: Uint8Array[][] = []
  const speak = async (at: number, input: Buffer): Promise<void> => {
    const { compression, told } = sessions[at] ?? listening()
    const taken = once(told, line)
    compression.push(input, 0)
    await taken
    sent[at] = [...(sent[at] ?? []), ...(await compression.deflate([Buffer.from(line)], 0))]
  }
  let busy = -1
  const sessions = Array.from({ length: COMPRESSION_STATES + 8 }, (_, at) => listening(() => at !== busy))
  const holding = () => sessions.flatMap(({ compression }, at) => (compression.holds ? [at] : []))
  for (const at of sessions.keys()) await speak(at, deflated)
  const all = Array.from(sessions.keys())
  assert.deepEqual(holding(), all.slice(8))
  // who is at work keeps what it has
  busy = 8
  for (const at of [0, 1, 2]) await speak(at, again)
  assert.deepEqual(holding(), [0, 1, 2, 8, ...all.slice(12)])
  for (const at of [0, 1, 2]) {
    const read = inflateRawSync(Buffer.concat(sent[at] ?? []), { finishFlush: constants.Z_SYNC_FLUSH }).toString()
    assert.equal(read, line + line)
    assert.deepEqual(sessions[at]?.heard, [line, line])
  }
  for (const { compression } of sessions) compression.close()
})
