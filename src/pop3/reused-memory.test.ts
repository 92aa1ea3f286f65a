import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { openEmbeddedStore } from '#adapters/embedded/embedded-store.ts'
import { startEmbedded } from '#adapters/embedded/host.ts'
import { systemClock } from '#lib/clock.ts'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { TestClient } from '#testing/pop3-transcript.ts'

/** Answers that are together more than two systems' buffers hold. */
const TIMES = 260
const LINES = 900

/** Each line says whose it is; some begin with a dot, and some messages have no line end at the end. */
function linesOf(message: number): string[] {
  const line = `${message % 3 === 0 ? '.' : ''}message ${message} `.padEnd(66, String.fromCharCode(64 + message))
  return [`Subject: ${message}`, '', ...Array.from({ length: LINES }, (_, n) => (n % 7 === 0 ? line : line.slice(1)))]
}

const bodyOf = (message: number): string => linesOf(message).join('\r\n') + (message % 2 === 0 ? '\r\n' : '')

const answerOf = (message: number): string => {
  const stuffed = linesOf(message).map((line) => (line.startsWith('.') ? `.${line}` : line))
  return `+OK ${bodyOf(message).length} octets\r\n${stuffed.join('\r\n')}\r\n.\r\n`
}

async function rest(socket: Socket, octets: number): Promise<string> {
  const chunks: Buffer[] = []
  let got = 0
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    got += chunk.length
  })
  socket.resume()
  while (got < octets) await once(socket, 'data')
  return Buffer.concat(chunks).toString('latin1')
}

test('what a slow client has still to take stays as it is while others read', { timeout: 60_000 }, async () => {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(path.join(tmpdir(), 'malle-pop3-'))
  stack.defer(() => rm(directory, { recursive: true }))
  const host = stack.use(
    await startEmbedded({ directory, shards: 1, durability: 'full', clock: systemClock, log: () => {} }),
  )
  const store = openEmbeddedStore(host.connect())
  const messages = Array.from({ length: 8 }, (_, n) => bodyOf(n + 1))
  await using server = await TestPop3Server.start({ store, messages })
  const slow = await server.connect()
  slow.write('USER ann@example.org\r\nPASS secret\r\n')
  for (let text = ''; !/\+OK \d+ message/.test(text); ) text += String((await once(slow, 'data'))[0])
  slow.pause()
  const asked = Array.from({ length: TIMES }, (_, n) => (n % 4) + 1)
  slow.write(asked.map((message) => `RETR ${message}\r\n`).join(''))
  await pause(100)
  // nobody else may have the maildrop; here somebody does, to use the same memory meanwhile
  server.registry.maildrops.clear()
  const other = await new TestClient(await server.connect()).login()
  for (let round = 0; round < 4; round += 1)
    for (const message of [5, 6, 7, 8]) {
      assert.equal(await other.ask(`RETR ${message}`), `+OK ${bodyOf(message).length} octets`)
      assert.equal((await other.multiline()).length, LINES + 2)
    }
  const expected = asked.map(answerOf)
  const came = await rest(slow, expected.join('').length)
  let start = 0
  for (const [at, answer] of expected.entries()) {
    assert.ok(came.startsWith(answer, start), `answer ${at} is not that of message ${asked[at]}`)
    start += answer.length
  }
  other.socket.destroy()
  slow.destroy()
})
