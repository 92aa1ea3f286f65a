import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SLOW_READER_MS, WRITE_AHEAD_BYTES } from '#lib/peer-limits.ts'
import { ImapLines } from '#testing/imap-client.ts'
import { TestImapServer } from '#testing/imap-server.ts'

/** A server whose LIST answer is about 100 KB, and a client that stopped reading after asking for it many times. */
async function slowReader(server: TestImapServer): Promise<ImapLines> {
  const lines = new ImapLines(await server.connect())
  await lines.line()
  await lines.command('l LOGIN ann@example.org secret')
  lines.pause()
  for (let n = 0; n < 40; n += 1) lines.send(`a${n} LIST "" *\r\n`)
  await lines.unread()
  return lines
}

const mailboxes = Array.from({ length: 1_000 }, (_, n) => `${'m'.repeat(60)}${n}`)

test('for a slow reader nothing is produced ahead of it', async () => {
  await using server = await TestImapServer.start({ mailboxes })
  const lines = await slowReader(server)
  assert.equal(server.service.size, 1)
  const [connection] = server.service.connections()
  assert.ok(connection !== undefined)
  // a busy machine may take longer than one such wait to write what it writes ahead
  let sent = -1
  for (let waits = 0; sent !== connection.sent; waits += 1) {
    sent = connection.sent
    assert.ok(sent < 2 * WRITE_AHEAD_BYTES, `${sent} bytes were written for a client that reads nothing`)
    assert.ok(waits < 20, 'it went on writing')
    await lines.unread()
  }
  lines.resume()
  for (let n = 0; n < 40; n += 1) {
    let count = 0
    for (;;) {
      const line = (await lines.line()) ?? ''
      if (line.startsWith(`a${n} `)) break
      count += 1
    }
    assert.equal(count, 1_001)
  }
})

test('a reader that takes nothing for two minutes is gone', async () => {
  await using server = await TestImapServer.start({ mailboxes })
  const lines = await slowReader(server)
  server.pass(SLOW_READER_MS - 1)
  await lines.unread()
  assert.equal(server.service.size, 1)
  server.pass(1)
  await lines.unread()
  assert.equal(server.service.size, 0)
})

test('commands are not read far ahead of the one at work', async () => {
  await using server = await TestImapServer.start({ mailboxes })
  const lines = await slowReader(server)
  for (let n = 0; n < 100; n += 1) lines.send(`b${n} NOOP ${'x'.repeat(60_000)}\r\n`)
  await lines.unread()
  const [connection] = server.service.connections()
  assert.ok((connection?.received ?? 0) < 1_000_000, `${connection?.received} bytes were read`)
  lines.reset()
})
