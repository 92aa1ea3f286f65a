/** A connection that is lost: made again, and what changed meanwhile told by whatever means the server has. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_ENABLE, ImapClient, type MailboxEvent, type Tracking, uidsOf } from '#client/index.ts'
import { CuttingProxy } from '../cutting-proxy.ts'
import { message } from '../suite-messages.ts'
import { type Bench, eventually } from './bench.ts'

export function resumeTests(bench: Bench): void {
  for (const qresync of [true, false])
    for (const tracking of ['none', 'uids', 'flags'] as const)
      test(`a lost connection is made again, and what changed is told (tracking ${tracking}${qresync ? '' : ', no QRESYNC'})`, () =>
        loseAndResume(bench, tracking, qresync))
}

async function loseAndResume(bench: Bench, tracking: Tracking, qresync: boolean): Promise<void> {
  const { options } = await bench.target()
  await using proxy = await CuttingProxy.start(options.host, options.port)
  await bench.inMailbox(
    [1, 2, 3, 4].map((n) => message(n)),
    async (other, mailbox) => {
      const tls = { servername: options.host, ...options.tls }
      const enable = DEFAULT_ENABLE.filter((name) => qresync || name !== 'QRESYNC')
      await using client = await ImapClient.connect({ ...options, host: '127.0.0.1', port: proxy.port, tls, enable })
      await client.select(mailbox, { tracking })
      const events = client.watch()
      await client.noop()
      // the first attempt fails once; the others are only kept waiting, which is faster
      if (qresync && tracking === 'none') proxy.down = true
      else proxy.hold()
      proxy.cut()
      await eventually(events, ({ kind }) => kind === 'lost')
      await other.store(1, { add: ['\\Flagged'] })
      await other.store(2, { add: ['\\Deleted'] })
      await other.expunge()
      await other.append(mailbox, { body: message(5) })
      // what is asked now waits for the new connection
      const search = client.search({ flagged: true })
      proxy.down = false
      proxy.release()
      const told = await eventually(events, ({ kind }) => kind === 'resumed')
      const how = howExpected(client, tracking)
      assert.deepEqual(told.at(-1), { kind: 'resumed', how })
      const vanished = told.flatMap((event) => (event.kind === 'vanished' ? [...uidsOf(event.uids)] : []))
      // without QRESYNC only who knew the UIDs can miss one
      assert.deepEqual(vanished, how === 'qresync' || tracking !== 'none' ? [2] : [])
      if (how === 'qresync' || how === 'condstore' || tracking === 'flags') {
        const flagged = told.find((event) => event.kind === 'flags' && event.uid === 1)
        assert.ok(flagged?.kind === 'flags' && flagged.flags.includes('\\Flagged'), JSON.stringify(told))
      }
      assert.deepEqual((await search).uids, [[1, 1]])
      assert.equal(client.mailbox?.exists, 4)
      if (tracking !== 'none') assert.deepEqual([...(client.mailbox?.uids() ?? [])], [1, 3, 4, 5])
      if (tracking === 'flags') assert.ok(client.mailbox?.flagsOf(1)?.includes('\\Flagged'))
      await events.return?.()
    },
  )
}

/** How much can be known, by what the server has. */
function howExpected(
  { enabled, capabilities }: ImapClient,
  tracking: Tracking,
): Extract<MailboxEvent, { kind: 'resumed' }>['how'] {
  if (enabled.has('QRESYNC')) return 'qresync'
  if (capabilities.has('CONDSTORE')) return 'condstore'
  return tracking === 'none' ? 'counted' : 'compared'
}
