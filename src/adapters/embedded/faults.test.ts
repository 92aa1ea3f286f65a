/** A disk that does not read, one that takes no writes, and a clock that goes back. @module */
import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { messageOf, patternOf, World } from '#store/kit.contract.ts'
import { DamagedBody } from '#store/mail-store.ts'
import { SmallDisk } from '#testing/small-disk.ts'
import { newFolder, openTestStore } from './test-kit.ts'

test('octets that the disk does not give cost their message alone, and are named by check', async () => {
  const directory = await newFolder()
  const file = path.join(directory, 'shard-00', 'segments', '00000001.seg')
  {
    await using store = await openTestStore({ directory, tuning: { segmentBytes: 20_000 } })
    const ann = await store.world.person()
    const inbox = (await ann.inbox()).key
    for (const size of [15_000, 180_000, 3_000]) await ann.add(inbox, [messageOf({ body: patternOf(size) })])
  }
  await using store = await openTestStore({ directory, tuning: { segmentBytes: 20_000 } })
  const ann = new World({ store: store.world.store, close: async () => {} }).stranger()
  const rows = await ann.emails((await ann.inbox()).key)
  // A folder can be opened and not read, as a file on a broken disk.
  renameSync(file, `${file}.away`)
  mkdirSync(file)
  const damaged: number[] = []
  for (const row of rows) {
    const body = ann.store.body(ann.ref, row.place)
    try {
      await body.read(0, body.size)
    } catch (error) {
      assert.ok(error instanceof DamagedBody, String(error))
      damaged.push(row.uid)
    }
  }
  assert.ok(damaged.includes(1) && !damaged.includes(3), JSON.stringify(damaged))
  assert.ok((await store.check()).some(({ message }) => message.startsWith('UID 1 of "INBOX"')))
  rmdirSync(file)
  renameSync(`${file}.away`, file)
  await store[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

test('a disk that is read-only keeps the store closed, says why, and harms nothing', async (t) => {
  await using disk = await SmallDisk.mount(12)
  if (disk === undefined) return t.skip('needs the right to mount')
  const directory = path.join(disk.folder, 'store')
  const tuning = { reserveBytes: 65_536 }
  {
    await using store = await openTestStore({ directory, tuning })
    const ann = await store.world.person()
    await ann.add((await ann.inbox()).key, [messageOf()])
  }
  disk.remount('ro')
  await assert.rejects(openTestStore({ directory, tuning }), /readonly|EROFS/)
  disk.remount('rw')
  await using store = await openTestStore({ directory, tuning })
  const ann = store.world.stranger()
  assert.equal((await ann.inbox()).messages, 1)
  await ann.add((await ann.inbox()).key, [messageOf()])
  assert.deepEqual(await store.check(), [])
})

test('a clock that goes back by years gives no number twice and loses nothing', async () => {
  await using store = await openTestStore()
  const ann = await store.world.person()
  const inbox = (await ann.inbox()).key
  await ann.add(inbox, [messageOf(), messageOf()])
  await ann.make('before')
  await ann.must('deleteMailbox', { mailbox: (await ann.box('before')).key })
  const { modseq } = await ann.state()
  const highest = Math.max(...(await ann.store.mailboxes(ann.ref)).map(({ uidValidity }) => uidValidity))
  store.clock.time -= 5 * 365 * 86_400_000
  await ann.add(inbox, [messageOf()])
  await ann.must('expunge', { mailbox: inbox, uids: [[1, 1]] as never, which: 'any' })
  const again = await ann.make('before')
  assert.ok(again.uidValidity > highest)
  assert.ok((await ann.state()).modseq > modseq)
  await store.host.purge()
  assert.equal((await ann.email(inbox, 1)).gone, true)
  const sequences = ((await ann.store.image(ann.ref))?.events ?? []).map(({ sequence }) => sequence)
  assert.deepEqual(
    sequences,
    [...new Set(sequences)].sort((a, b) => a - b),
  )
  assert.deepEqual(await ann.uidsIn(inbox), [2, 3])
  assert.deepEqual(await store.check(), [])
})
