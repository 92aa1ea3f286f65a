import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { messageOf, patternOf } from '#store/kit.contract.ts'
import { SmallDisk } from '#testing/small-disk.ts'
import { openTestStore } from './test-kit.ts'

test('a disk that fills up loses nothing, and mail goes on when there is space', async (t) => {
  await using disk = await SmallDisk.mount(12)
  if (disk === undefined) return t.skip('needs the right to mount')
  const tuning = { reserveBytes: 1_048_576, checkpointBytes: 524_288, upkeepMs: 20 }
  await using store = await openTestStore({ directory: path.join(disk.folder, 'store'), tuning })
  const ann = await store.world.person()
  const inbox = (await ann.inbox()).key
  const ballast = path.join(disk.folder, 'ballast')
  await ann.add(inbox, [messageOf()])
  writeFileSync(ballast, Buffer.alloc(3_000_000))
  const kept: Uint8Array[] = []
  let refusal: unknown
  for (let index = 0; index < 200 && refusal === undefined; index += 1) {
    const body = patternOf(100_000, index + 1)
    const answer = await ann.write('append', { mailbox: inbox, messages: [messageOf({ body })] })
    if (answer.ok) kept.push(body)
    else refusal = answer.error
  }
  assert.deepEqual(refusal, { kind: 'unavailable', reason: 'full' })
  assert.ok(kept.length > 10)
  assert.equal((await store.host.status())[0]?.state, 'full')
  await ann.flag(inbox, [[1, 5]] as never, 'add', ['\\Seen', '\\Deleted'])
  await ann.must('expunge', { mailbox: inbox, uids: undefined, which: 'deleted' })
  rmSync(ballast)
  while ((await store.host.status())[0]?.state === 'full') await setTimeout(20)
  await ann.add(inbox, [messageOf()])
  assert.equal((await store.host.status())[0]?.state, 'ok')
  const rows = await ann.emails(inbox)
  for (const [index, body] of kept.entries()) {
    const row = rows[index + 1]
    assert.ok(row)
    assert.deepEqual(await ann.body(row), Buffer.from(body))
  }
  assert.deepEqual(await store.check(), [])
})
