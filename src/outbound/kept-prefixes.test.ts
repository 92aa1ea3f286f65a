import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { QueuedMessage } from '#store/queue.ts'
import { keptPrefixes } from './kept-prefixes.ts'

function message(id: string): QueuedMessage {
  return {
    id,
    sender: 'ann@example.org',
    account: 'ann@example.org',
    body: { place: `messages/${id}`, size: 2 },
    smtpUtf8: false,
    eightBit: false,
    priority: 0,
    at: 0,
    language: 'en',
    recipients: [],
  }
}

test('a message is signed once for all who ask, again when it could not be read, and is forgotten in the end', async () => {
  const signed: string[] = []
  let broken = false
  const body = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('\r\n')
  }
  const prefix = keptPrefixes(
    {
      sign: async ({ id }) => {
        signed.push(id)
        return Buffer.from(`X-Signed: ${id}\r\n`)
      },
      signOwn: async (id) => Buffer.from(`X-Ours: ${id}\r\n`),
    },
    {
      body: async () => {
        if (broken) throw new Error('The disk')
        return body()
      },
    },
  )
  const [one, other] = await Promise.all([prefix(message('a')), prefix(message('a'))])
  assert.equal(Buffer.from(one).toString(), 'X-Signed: a\r\n')
  assert.equal(one, other)
  const { account: _, ...anonymous } = message('r')
  const report = { ...anonymous, sender: '', priority: -1 }
  assert.equal(Buffer.from(await prefix(report)).toString(), 'X-Ours: r\r\n')
  broken = true
  await assert.rejects(prefix(message('b')), /The disk/)
  broken = false
  await prefix(message('b'))
  await prefix(message('a'))
  assert.deepEqual(signed, ['a', 'b'])
  for (let n = 0; n < 999; n += 1) await prefix(message(`n${n}`))
  await prefix(message('a'))
  await prefix(message('b'))
  assert.deepEqual(signed.slice(0, 2), ['a', 'b'])
  assert.deepEqual(signed.slice(1_001), ['b'])
})
