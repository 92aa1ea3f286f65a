import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '#lib/clock.ts'
import type { QueuedMessage } from '#store/queue.ts'
import { MemoryOutbox } from '#testing/memory-outbox.ts'
import { TestSmtpServer } from '#testing/smtp-server.ts'
import { openHere } from './here.ts'

const TEXT = 'From: eve@else.example\r\nMessage-ID: <a@else.example>\r\n\r\ntext\r\n'

test('what the queue delivers here a second time, because it died before it noted the first, is there once', async () => {
  const outbox = new MemoryOutbox()
  await using server = await TestSmtpServer.start({ outbox, role: 'mx' })
  const { store, registry } = server
  const here = openHere({
    store,
    registry,
    clock: systemClock,
    hostname: 'mail.example.org',
    stage: () => outbox.stage(),
  })
  const recipient = { address: 'bob@example.org', state: 'waiting', attempts: 0, delayTold: false } as const
  const message: QueuedMessage = {
    id: 'q-1',
    sender: '',
    body: { place: 'messages/x.eml', size: TEXT.length },
    smtpUtf8: false,
    eightBit: false,
    priority: -1,
    at: 1,
    language: 'en',
    recipients: [recipient],
  }
  async function* body(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(TEXT)
  }
  for (let time = 0; time < 2; time += 1)
    assert.equal((await here.deliver(message, recipient, body())).outcome, 'delivered')
  assert.equal(await server.messages(server.bob), 1)
})
