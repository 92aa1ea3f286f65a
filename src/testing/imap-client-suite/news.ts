/** What the server tells unasked, also after the connection was lost. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ImapClient } from '#client/index.ts'
import { message } from '../suite-messages.ts'
import { type Bench, eventually } from './bench.ts'

export function newsTests(bench: Bench): void {
  test('who watches hears of new mail, flags and what is gone, and other commands make room for themselves', async () => {
    await bench.inMailbox([message(1), message(2)], async (client, mailbox) => {
      const { options, pushes } = await bench.target()
      await using other = await ImapClient.connect(options)
      await client.select(mailbox, { tracking: 'uids' })
      await other.select(mailbox)
      const events = client.watch()
      const asking = setInterval(() => {
        if (!pushes) client.noop().catch(() => undefined)
      }, 500)
      await other.append(mailbox, { body: message(3) })
      const [exists] = (await eventually(events, ({ kind }) => kind === 'exists')).slice(-1)
      assert.deepEqual(exists, { kind: 'exists', exists: 3, added: 1 })
      assert.equal((await client.fetchOne(3, { size: true }))?.uid, 3)
      await other.store(1, { add: ['\\Flagged'] })
      const flags = (await eventually(events, (event) => event.kind === 'flags' && event.number === 1)).at(-1)
      assert.ok(flags?.kind === 'flags' && flags.flags.includes('\\Flagged'))
      assert.equal(flags.uid, 1)
      await other.store(2, { add: ['\\Deleted'] })
      await other.expunge()
      const gone = (await eventually(events, ({ kind }) => kind === 'expunged' || kind === 'vanished')).at(-1)
      if (gone?.kind === 'vanished') assert.deepEqual(gone.uids, [[2, 2]])
      else assert.deepEqual(gone, { kind: 'expunged', number: 2, uid: 2 })
      assert.equal(client.mailbox?.exists, 2)
      assert.equal(client.mailbox?.numberOf(3), 2)
      clearInterval(asking)
      await events.return?.()
      await client.noop()
    })
  })

  test('who asked hears of mailboxes that are not selected', async () => {
    await bench.inMailbox([message(1)], async (other, mailbox) => {
      const { options } = await bench.target()
      await using client = await ImapClient.connect({ ...options, pollMs: 300 })
      const events = ['MessageNew', 'MessageExpunge', 'FlagChange'] as const
      const wanted = events.map((kind) => (kind === 'MessageNew' ? { kind, items: [] } : { kind }))
      const told = await client.notify([{ filter: { kind: 'personal' }, events: wanted }])
      // where it is done by asking, what is there must have been seen first
      if (!client.capabilities.has('NOTIFY')) await new Promise((resolve) => setTimeout(resolve, 1_000))
      await other.append(mailbox, { body: message(2) })
      const status = (await eventually(told, (event) => event.kind === 'status' && event.mailbox === mailbox)).at(-1)
      assert.ok(status?.kind === 'status')
      assert.equal(status.values.MESSAGES, 2)
      await told.return?.()
      await client.noop()
    })
  })
}
