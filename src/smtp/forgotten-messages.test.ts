import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scavenge } from '#lib/scavenge.ts'
import { MemoryOutbox } from '#testing/memory-outbox.ts'
import { PASSWORD, TestSmtpServer } from '#testing/smtp-server.ts'

const MESSAGES = 200
const TEXT = `From: ann@example.org\r\n\r\n${'some words in a line\r\n'.repeat(450)}.\r\n`

test('what came is no longer in memory when the young generation is collected after the answer', async () => {
  const outbox = new MemoryOutbox()
  await using server = await TestSmtpServer.start({ role: 'submission', allowPlaintext: true, outbox })
  const client = await server.connect()
  try {
    await client.reply()
    await client.say('EHLO laptop')
    await client.say(`AUTH PLAIN ${Buffer.from(`\0ann@example.org\0${PASSWORD}`).toString('base64')}`)
    const before = process.memoryUsage().arrayBuffers
    for (let number = 0; number < MESSAGES; number += 1) {
      await client.say('MAIL FROM:<ann@example.org>')
      await client.say('RCPT TO:<eve@else.example>')
      await client.say('DATA')
      client.send(TEXT)
      assert.match(await client.reply(), /^250 /)
      outbox.messages.length = 0
      outbox.bodies.clear()
      if (number % 50 === 49) scavenge()
    }
    const kept = (process.memoryUsage().arrayBuffers - before) / (MESSAGES * TEXT.length)
    assert.ok(kept < 0.5, `${kept.toFixed(2)} of each octet that came`)
  } finally {
    client.close()
  }
})
