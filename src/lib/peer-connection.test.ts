import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { ConnectionGone, PeerConnection } from './peer-connection.ts'
import { CLOSING_MS, LAST_WORDS_MS, SLOW_READER_MS, WRITE_AHEAD_BYTES } from './peer-limits.ts'

/** A peer that takes one write when it is told to. */
class SlowPeer extends Duplex {
  #taken: (() => void)[] = []

  override _read(): void {}

  override _write(_chunk: Uint8Array, _encoding: string, taken: () => void): void {
    this.#taken.push(taken)
  }

  takeOne(): void {
    this.#taken.shift()?.()
  }
}

class Speaker extends PeerConnection {
  protected override readonly framer = { push() {}, pendingBytes: 0, takeRest: () => new Uint8Array(0) }
  last: Uint8Array[] = []

  say(pieces: number): Promise<void> | undefined {
    return this.send(Array.from({ length: pieces }, () => new Uint8Array(WRITE_AHEAD_BYTES / 4)))
  }

  protected override lastWords(): Uint8Array[] {
    return this.last
  }

  protected override silent(): void {}
}

function speaker(): { peer: SlowPeer; connection: Speaker; readonly pass: (ms: number) => void } {
  let now = 0
  const peer = new SlowPeer()
  const options = { patienceMs: 1, readAheadBytes: 1, onGone: () => undefined }
  const connection = new Speaker(peer, { now: () => now }, options)
  return {
    peer,
    connection,
    pass: (ms) => {
      // as the timer of all connections does
      for (const end = now + ms; now < end; ) {
        now += 1_000
        connection.tick(now)
      }
    },
  }
}

test('who reads slowly but steadily stays for as long as it takes, who stops is gone, with the reason', async () => {
  const { peer, connection, pass } = speaker()
  const drained = connection.say(12)
  const end = assert.rejects(Promise.resolve(drained), new ConnectionGone('The peer took nothing for 120 seconds'))
  for (let piece = 0; piece < 11; piece += 1) {
    pass(SLOW_READER_MS - 1_000)
    peer.takeOne()
    pass(1_000)
    assert.equal(connection.gone, false, `after ${piece} pieces`)
  }
  pass(SLOW_READER_MS)
  await end
  assert.deepEqual(connection.ending, { why: 'The peer took nothing for 120 seconds', unsent: 0 })
})

test('last words go out to a slow reader too, but not for ever', async () => {
  const { peer, connection, pass } = speaker()
  connection.last = Array.from({ length: 1_000 }, () => new Uint8Array(10))
  connection.close()
  let seconds = 0
  for (; !connection.gone; seconds += CLOSING_MS / 1_000 - 1) {
    pass(CLOSING_MS - 1_000)
    peer.takeOne()
    assert.ok(seconds * 1_000 <= LAST_WORDS_MS + CLOSING_MS)
  }
  assert.ok(seconds * 1_000 >= LAST_WORDS_MS)
  const { why, unsent } = connection.ending
  assert.equal(why, 'The peer did not close after our last words')
  assert.ok(unsent > 0)
})

test('a peer that neither takes our last words nor closes is gone soon', () => {
  const { connection, pass } = speaker()
  connection.last = [new Uint8Array(10)]
  connection.close()
  pass(CLOSING_MS - 1_000)
  assert.equal(connection.gone, false)
  pass(1_000)
  assert.equal(connection.gone, true)
})

test('a connection that breaks says how', () => {
  const { peer, connection } = speaker()
  peer.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  assert.equal(connection.ending.why, 'The connection broke: EPIPE')
  assert.throws(() => connection.say(1), new ConnectionGone('The connection broke: EPIPE'))
})
