/** Searching, flags, copies, and commands side by side. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ImapClient, uidSetOf, uidsOf } from '#client/index.ts'
import { MULTIPART, message } from '../suite-messages.ts'
import type { Bench } from './bench.ts'

const DAY_MS = 86_400_000

export function changeTests(bench: Bench): void {
  test('searches', async () => {
    const bodies = [...Array.from({ length: 9 }, (_, n) => message(n + 1)), MULTIPART]
    await bench.inMailbox(bodies, async (client) => {
      await client.store('2:3', { add: ['\\Seen'] })
      await client.store(4, { add: ['Special'] })
      const found = async (query: Parameters<ImapClient['search']>[0]): Promise<number[]> => [
        ...uidsOf((await client.search(query)).uids),
      ]
      assert.deepEqual(await found({ subject: 'number 7' }), [7])
      assert.deepEqual(await found({ seen: true }), [2, 3])
      assert.deepEqual(await found({ keyword: 'Special' }), [4])
      assert.deepEqual(await found({ uids: '5:*', not: { subject: 'number' } }), [10])
      assert.deepEqual(
        await found({ or: [{ subject: 'number 1' }, { subject: 'number 2' }, { subject: 'number 3' }] }),
        [1, 2, 3],
      )
      assert.deepEqual(await found({ subject: 'grüße' }), [10])
      assert.deepEqual(await found({ from: 'ann', header: { 'Message-ID': 'm8@example.org' } }), [8])
      assert.deepEqual(
        await found({ since: new Date(Date.now() - 2 * DAY_MS), sentBefore: new Date(Date.UTC(2023, 10, 14)) }),
        [],
      )
      assert.deepEqual(await found({ text: 'nowhere to be found' }), [])
      const { count, min, max } = await client.search({ from: 'ann' })
      assert.deepEqual([count, min, max], [9, 1, 9])
      assert.equal((await client.search({ from: 'ann' }, { countOnly: true })).count, 9)
      if (client.capabilities.has('SORT')) {
        assert.deepEqual(await client.sort([{ reverse: 'SUBJECT' }], { uids: '1:3' }), [3, 2, 1])
      }
      if (client.capabilities.has('THREAD=REFERENCES')) {
        assert.equal((await client.thread('REFERENCES', { uids: '1:3' })).length > 0, true)
      }
    })
  })

  test('flags are added, removed, set, and left alone where somebody was faster', async () => {
    await bench.inMailbox([message(1), message(2), message(3)], async (client) => {
      const flags = async (): Promise<string[][]> => {
        const all: string[][] = []
        for await (const each of client.fetch('1:*', { flags: true }))
          all.push(each.flags.filter((flag) => flag !== '\\Recent').toSorted())
        return all
      }
      await client.store('1:*', { set: ['\\Seen', 'One'] })
      await client.store(2, { remove: ['One'] })
      await client.store([1, 3], { add: ['\\Flagged'] })
      assert.deepEqual(await flags(), [['One', '\\Flagged', '\\Seen'], ['\\Seen'], ['One', '\\Flagged', '\\Seen']])
      if (!client.capabilities.has('CONDSTORE')) return
      const modseqs: number[] = []
      for await (const { modseq } of client.fetch('1:*', { modseq: true })) modseqs.push(modseq ?? 0)
      const unchangedSince = modseqs[1] as never
      const { modified } = await client.store('1:*', { add: ['Late'], unchangedSince })
      assert.deepEqual([...uidsOf(modified)], [1, 3])
      assert.deepEqual(
        (await flags()).map((each) => each.includes('Late')),
        [false, true, false],
      )
      const changed: number[] = []
      for await (const { uid } of client.fetch('1:*', { flags: true }, { changedSince: Math.max(...modseqs) as never }))
        changed.push(uid)
      assert.deepEqual(changed, [2])
    })
  })

  test('messages are copied, moved and expunged', async () => {
    await bench.inMailbox(
      [1, 2, 3, 4, 5].map((n) => message(n)),
      async (client, mailbox) => {
        const other = `${mailbox}b`
        await client.create(other)
        const copied = await client.copy([1, 2], other)
        if (copied !== undefined)
          assert.deepEqual(
            [[...uidsOf(copied.from)], [...uidsOf(copied.to)]],
            [
              [1, 2],
              [1, 2],
            ],
          )
        await client.move(3, other)
        assert.equal((await client.status(other)).MESSAGES, 3)
        await client.store([4, 5], { add: ['\\Deleted'] })
        await client.expunge(4)
        assert.deepEqual([...uidsOf((await client.search({})).uids)], [1, 2, 5])
        await client.expunge()
        await client.expunge([])
        assert.deepEqual([...uidsOf((await client.search({})).uids)], [1, 2])
        assert.equal(client.mailbox?.exists, 2)
        await assert.rejects(client.copy(1, 'Nowhere'), { code: 'TRYCREATE' })
        await client.delete(other)
      },
    )
  })

  test('commands that are not awaited go out together and are answered in their order', async () => {
    await bench.inMailbox(
      Array.from({ length: 20 }, (_, n) => message(n + 1)),
      async (client) => {
        const stores = Array.from({ length: 20 }, (_, n) => client.store(n + 1, { add: [`K${n}`] }))
        const searches = Array.from({ length: 20 }, (_, n) => client.search({ keyword: `K${n}` }))
        await Promise.all(stores)
        const found = (await Promise.all(searches)).map(({ uids }) => uids)
        assert.deepEqual(
          found,
          Array.from({ length: 20 }, (_, n) => uidSetOf([n + 1])),
        )
      },
    )
  })
}
