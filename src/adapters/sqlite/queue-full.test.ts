import assert from 'node:assert/strict'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { StoreFull } from '#store/mail-store.ts'
import { newMessage, outcomeOf, stageBody } from '#store/queue.contract.ts'
import { SmallDisk } from '#testing/small-disk.ts'
import { openQueue } from './queue.ts'
import { QueueFiles } from './queue-files.ts'

test('a full disk refuses mail, leaves nothing of it behind, and takes mail again when there is space', async (t) => {
  await using disk = await SmallDisk.mount(6)
  if (disk === undefined) return t.skip('needs the right to mount')
  const directory = path.join(disk.folder, 'queue')
  const files = new QueueFiles(directory)
  const queue = { stage: () => files.stage() }
  await using store = await openQueue({ directory, historyDays: 30 })
  const ids: string[] = []
  // Whichever fills the disk, a body or the database.
  for (let n = 0; ; n += 1) {
    const stage = queue.stage()
    try {
      for (let piece = 0; piece < 4; piece += 1) await stage.write(Buffer.alloc(100_000, `${n} `))
      const answer = await store.enqueue([newMessage(`a${n}`, await stage.finish(), ['x@one.example'])])
      if (!answer.ok) {
        assert.deepEqual(answer.error, { kind: 'full' })
        break
      }
      ids.push(`a${n}`)
    } catch (error) {
      assert.ok(error instanceof StoreFull, String(error))
      break
    }
  }
  assert.ok(ids.length > 3)
  assert.equal(bodiesIn(directory), ids.length)
  // Small ones fit still, until the database is full.
  const ballast = path.join(disk.folder, 'ballast')
  const body = await stageBody(queue, 'x'.repeat(50_000))
  fillUp(ballast)
  const many = Array.from({ length: 200 }, (_, n) => newMessage(`b${n}`, body, ['x@one.example']))
  assert.deepEqual(await store.enqueue(many), { ok: false, error: { kind: 'full' } })
  assert.equal(bodiesIn(directory), ids.length)
  const outcomes = Array.from({ length: 3_000 }, () => outcomeOf('a0', 'x@one.example', 'delivered'))
  await assert.rejects(store.record(outcomes, []), StoreFull)
  assert.equal((await store.list({}, 1_000)).length, ids.length)
  rmSync(ballast)
  await store.record(outcomes, [])
  assert.ok((await store.enqueue([newMessage('c', await stageBody(queue), ['x@one.example'])])).ok)
  const here = await store.list({}, 1_000)
  assert.deepEqual(
    here.map(({ id }) => id),
    [...ids.slice(1), 'c'],
  )
  for (const message of here) for await (const chunk of await store.body(message)) assert.ok(chunk.length > 0)
})

/** What is left of the disk. */
function fillUp(file: string): void {
  const chunks: Buffer[] = []
  for (const size of [1_000_000, 100_000, 4_096]) {
    for (;;) {
      try {
        writeFileSync(file, Buffer.concat([...chunks, Buffer.alloc(size)]))
        chunks.push(Buffer.alloc(size))
      } catch {
        writeFileSync(file, Buffer.concat(chunks))
        break
      }
    }
  }
}

function bodiesIn(directory: string): number {
  const entries = readdirSync(path.join(directory, 'messages'), { recursive: true, withFileTypes: true })
  return entries.filter((one) => one.isFile()).length
}
