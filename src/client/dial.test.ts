import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualTimers } from '#testing/manual-timers.ts'
import { ScriptedServer } from '#testing/scripted-server.ts'
import { type ConnectOptions, resolveEndpoint } from './connect-options.ts'
import { dial, noTls } from './dial.ts'
import { ANSWER_MS, CONNECT_MS } from './limits.ts'
import { pause } from './timers.ts'

const PORTS = { protocol: 'imap', tlsPort: 993, plainPort: 143 } as const

const CASES: readonly (readonly [Partial<ConnectOptions>, number, string])[] = [
  [{}, 993, 'tls'],
  [{ port: 143 }, 143, 'starttls'],
  [{ port: 10_143 }, 10_143, 'tls'],
  [{ security: 'starttls' }, 143, 'starttls'],
  [{ security: 'none' }, 143, 'none'],
  [{ security: 'tls', port: 143 }, 143, 'tls'],
]
for (const [given, port, security] of CASES) {
  test(`${JSON.stringify(given)} is port ${port} with ${security}`, () =>
    assert.deepEqual(resolveEndpoint({ host: 'x', ...given }, PORTS), { host: 'x', port, security }))
}

test('dial() waits for the greeting no longer than for the connection', async () => {
  await using server = await ScriptedServer.start(async () => undefined)
  const timers = new ManualTimers()
  const connection = await dial({ host: '127.0.0.1', port: server.port, security: 'none', timers }, PORTS)
  const read = connection.read()
  timers.pass(CONNECT_MS)
  await assert.rejects(read, { name: 'ConnectionError', trouble: 'timeout' })
  assert.ok(ANSWER_MS > CONNECT_MS)
})

test('noTls() says the way out', () => assert.match(noTls('x:143', 'STARTTLS').message, /STARTTLS.*security/))

test('pause() ends in time, or by its signal', async () => {
  const timers = new ManualTimers()
  const over = pause(timers, 1_000)
  timers.pass(1_000)
  await over
  const controller = new AbortController()
  const given = pause(timers, 1_000, controller.signal)
  controller.abort(new Error('enough'))
  await assert.rejects(given, /enough/)
  assert.equal(timers.waiting, 0)
})
