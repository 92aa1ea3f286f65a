import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestStore } from '#adapters/embedded/test-kit.ts'
import { TestPop3Server } from '#testing/pop3-server.ts'
import { TestClient } from '#testing/pop3-transcript.ts'

/** As many messages as a maildrop may well have; fewer by default, so that the suite stays quick. */
const COUNT = process.env['MALLE_LONG'] === '1' ? 200_000 : 20_000

test(`a maildrop of ${COUNT} messages is listed from its snapshot, in bounded memory`, async (t) => {
  await using stored = await openTestStore()
  const { store } = stored.world
  await using server = await TestPop3Server.start({ store, messages: ['Subject: one\r\n\r\n1\r\n'] })
  const { account, inbox } = server
  for (let count = 1; count < COUNT; count *= 2) {
    const uids = [[1, Math.min(count, COUNT - count)]] as never
    assert.ok((await store.write('copy', { account, by: 'test', mailbox: inbox, uids, target: inbox })).ok)
  }
  assert.equal(await server.count(), COUNT)
  globalThis.gc?.()
  const before = process.memoryUsage()
  const started = performance.now()
  const client = await new TestClient(await server.connect()).login()
  const loggedIn = performance.now()
  assert.equal(await client.ask('STAT'), `+OK ${COUNT} ${19 * COUNT}`)
  const grown = process.memoryUsage().arrayBuffers - before.arrayBuffers
  assert.ok(grown < 8_000_000 + 40 * COUNT, `${grown} octets`)
  for (const command of ['LIST', 'UIDL']) {
    assert.match((await client.ask(command)) ?? '', /^\+OK/)
    const lines = await client.multiline()
    assert.equal(lines.length, COUNT)
    assert.ok(lines.at(-1)?.startsWith(`${COUNT} `))
  }
  const listed = performance.now()
  t.diagnostic(
    `login ${(loggedIn - started).toFixed(0)} ms, STAT, LIST and UIDL ${(listed - loggedIn).toFixed(0)} ms, ` +
      `snapshot ${(grown / 1e6).toFixed(1)} MB, RSS ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`,
  )
  client.send('DELE 1', `DELE ${COUNT}`, 'QUIT')
  assert.equal(await client.line(), '+OK Deleted at QUIT')
  assert.equal(await client.line(), '+OK Deleted at QUIT')
  assert.equal(await client.line(), '+OK Bye, 2 deleted')
  assert.equal(await server.count(), COUNT - 2)
})
