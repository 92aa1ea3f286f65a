/** What a session that watches may cost: names that are not read, large mailboxes in which nothing happens. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { snapshotsOf } from '#services/snapshots.ts'
import { ImapLines } from '#testing/imap-client.ts'
import { ANN, TestImapServer } from '#testing/imap-server.ts'
import { on, selected, transcript } from '#testing/transcript.ts'
import { NOTIFY_PENDING, REST_MESSAGES, REST_MS } from '../limits.ts'

test('too much at once is NOTIFICATIONOVERFLOW, and nothing after it (RFC 5465 §5.8)', async () => {
  await using server = await TestImapServer.start({ mailboxes: ['Other'] })
  const { account, store } = server
  const client = new ImapLines(await server.connect())
  await client.line()
  await client.command(`a LOGIN ${ANN.address} ${ANN.password}`)
  await client.command('b NOTIFY SET (personal (MessageNew MessageExpunge SubscriptionChange))')
  // All of it is committed in one go, before the session can look.
  const names = Array.from({ length: NOTIFY_PENDING + 1 }, (_, n) => `name ${n}`)
  await Promise.all(names.map((name) => store.write('subscribe', { account, by: 'test', name, subscribed: true })))
  assert.equal(await client.line(), '* OK [NOTIFICATIONOVERFLOW] Too much happens at once, nothing is told any more')
  await server.add({ mailbox: 'Other' })
  assert.deepEqual(await client.command('c NOOP'), ['c OK Nothing done'])
  await client.command('d NOTIFY SET (personal (MessageNew MessageExpunge))')
  await server.add({ mailbox: 'Other' })
  assert.match((await client.line()) ?? '', /^\* STATUS Other \(MESSAGES 2 /)
  client.reset()
})

test('a large mailbox in which nothing happens is let go of, and is there again for the next command', async () => {
  await using server = await TestImapServer.start({ messages: Array.from({ length: REST_MESSAGES }, () => ({})) })
  const held = (): number => snapshotsOf(server.store).size.messages
  const play = transcript(
    `
    C: a NOTIFY SET (selected (MessageNew MessageExpunge))
    S: a OK You will be told
    T: ${REST_MS}
    T: 1
    C: b FETCH ${REST_MESSAGES} UID
    S: * ${REST_MESSAGES} FETCH (UID ${REST_MESSAGES})
    S: b OK Fetched
    `,
    on(server, selected()),
  )
  let least = Number.POSITIVE_INFINITY
  let over = false
  const watching = (async () => {
    while (!over) {
      if (server.clock.ms > REST_MS) least = Math.min(least, held())
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  await play
  over = true
  await watching
  assert.equal(least, 0)
})
