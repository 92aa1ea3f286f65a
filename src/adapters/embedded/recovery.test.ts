import assert from 'node:assert/strict'
import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { messageOf, type Person, patternOf, stage, World } from '#store/kit.contract.ts'
import type { BodyStage } from '#store/mail-store.ts'
import type { StagedBody } from '#store/types.ts'
import { inShard, newFolder, openTestStore, type TestStore } from './test-kit.ts'

/** The same person in another opened store. */
function again(store: TestStore, person: Person): Person {
  return new World({ store: store.world.store, close: async () => {} }).stranger(person.ref.shard)
}

test('what was acknowledged is there after a cut in the middle of a batch, wherever the cut is', async () => {
  await using live = await openTestStore()
  const ann = await live.world.person()
  const inbox = (await ann.inbox()).key
  const bodies = Array.from({ length: 20 }, (_, index) => patternOf(3_000 + index * 37, index + 1))
  for (const body of bodies.slice(0, 10)) await ann.add(inbox, [messageOf({ body })])
  const sizeBefore = statSync(inShard(live.directory, 'segments', '00000001.seg')).size
  const copies: string[] = []
  // A copy between answers, with more bodies than rows: bytes arrive first.
  const base = await live.copy()
  await ann.add(
    inbox,
    bodies.slice(10).map((body) => messageOf({ body })),
  )
  const segment = inShard(live.directory, 'segments', '00000001.seg')
  const all = readFileSync(segment)
  for (const extra of [0, 25, 3_370, 20_001]) {
    const copy = await newFolder()
    cpSync(base, copy, { recursive: true })
    writeFileSync(inShard(copy, 'segments', '00000001.seg'), all.subarray(0, sizeBefore + extra))
    copies.push(copy)
  }
  for (const directory of copies) {
    {
      await using opened = await openTestStore({ directory })
      const same = again(opened, ann)
      const rows = await same.emails((await same.inbox()).key)
      assert.equal(rows.length, 10)
      for (const [index, row] of rows.entries())
        assert.deepEqual(await same.body(row), Buffer.from(bodies[index] ?? []))
      await same.add(inbox, [messageOf({ body: patternOf(100_000) })])
      assert.deepEqual(await opened.check(), [])
    }
    await using twice = await openTestStore({ directory })
    assert.deepEqual(await twice.check(), [])
    assert.equal((await again(twice, ann).inbox()).messages, 11)
  }
  for (const directory of [base, ...copies]) await rm(directory, { recursive: true })
})

test('a WAL cut anywhere leaves whole batches and bodies', async () => {
  await using live = await openTestStore()
  const ann = await live.world.person()
  const inbox = (await ann.inbox()).key
  for (let index = 0; index < 30; index += 1) await ann.add(inbox, [messageOf({ body: patternOf(2_000, index + 1) })])
  const base = await live.copy()
  const size = statSync(inShard(base, 'index.db-wal')).size
  for (const share of [0.5, 0.8, 0.95, 0.999]) {
    const directory = await live.copy()
    truncateSync(inShard(directory, 'index.db-wal'), Math.floor(size * share))
    if (existsSync(inShard(directory, 'index.db-shm'))) await rm(inShard(directory, 'index.db-shm'))
    {
      await using opened = await openTestStore({ directory })
      const same = again(opened, ann)
      const state = await same.store.state(same.ref)
      if (state !== undefined) await same.check()
      // More than a power cut may take: one batch may be lost unseen, as nobody was told of it, but not two.
      const kept = state === undefined ? 0 : (await same.inbox()).messages
      const found = (await opened.check()).map(({ kind }) => kind)
      assert.deepEqual(found, kept < 29 ? ['older-index'] : [], `${kept} of 30 messages are left`)
    }
    await rm(directory, { recursive: true })
  }
  await rm(base, { recursive: true })
})

test('garbage after the last record is cut and reported', async () => {
  const directory = await newFolder()
  {
    await using first = await openTestStore({ directory })
    const ann = await first.world.person()
    await ann.add((await ann.inbox()).key, [messageOf()])
  }
  appendFileSync(inShard(directory, 'segments', '00000001.seg'), 'MLRC and more')
  await using opened = await openTestStore({ directory })
  assert.deepEqual(opened.logged, ['warn: Cut 13 octets of an unfinished record from the end of a segment'])
  await opened[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

test('a large body whose request never came is removed at a later start', async () => {
  const directory = await newFolder()
  {
    await using first = await openTestStore({ directory })
    const ann = await first.world.person()
    const kept = await stage(first.world.store, 0, patternOf(1_500_000))
    await ann.add((await ann.inbox()).key, [messageOf({ staged: kept })])
    await stage(first.world.store, 0, patternOf(1_500_001))
    assert.equal(readdirSync(inShard(directory, 'big')).length, 2)
  }
  {
    await using _soon = await openTestStore({ directory, now: Date.now() })
    assert.equal(readdirSync(inShard(directory, 'big')).length, 2)
  }
  await using opened = await openTestStore({ directory, now: Date.now() + 7_200_000 })
  assert.equal(readdirSync(inShard(directory, 'big')).length, 1)
  assert.deepEqual(await opened.check(), [])
  await opened[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

test('a large body whose request has no answer stays: a row may name it', async () => {
  const directory = await newFolder()
  const opened = await openTestStore({ directory })
  const ann = await opened.world.person()
  const inbox = (await ann.inbox()).key
  const { store } = opened.world
  const big = async (): Promise<readonly [BodyStage, StagedBody]> => {
    const begun = store.stage(0)
    for (let at = 0; at < 20; at += 1) await begun.write(patternOf(100_000, at + 1))
    return [begun, await begun.finish()]
  }
  const [named, body] = await big()
  const [other] = await big()
  // The writer goes before it can answer.
  await opened.host[Symbol.asyncDispose]()
  const answer = await ann.write('append', { mailbox: inbox, messages: [messageOf({ staged: body })] })
  assert.deepEqual(answer, { ok: false, error: { kind: 'unavailable', reason: 'failed' } })
  for (const stage of [named, other]) await stage.abandon()
  assert.equal(readdirSync(inShard(directory, 'big')).length, 1)
  await opened[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

test('a store of a newer version is refused with a clear sentence', async () => {
  const directory = await newFolder()
  await (await openTestStore({ directory }))[Symbol.asyncDispose]()
  const db = new DatabaseSync(inShard(directory, 'index.db'))
  db.exec('PRAGMA user_version = 4711')
  db.close()
  await assert.rejects(
    openTestStore({ directory }),
    /was written by a newer Malle \(its format is 4711, this one reads up to/,
  )
  await rm(directory, { recursive: true })
})

test('shards may be added later', async () => {
  const directory = await newFolder()
  {
    await using one = await openTestStore({ directory })
    await one.world.person()
  }
  await using three = await openTestStore({ directory, shards: 3 })
  assert.ok(existsSync(path.join(directory, 'shard-02', 'index.db')))
  three.world.stranger(0)
  const person = await three.world.person(undefined, 2)
  await person.add((await person.inbox()).key, [messageOf()])
  assert.equal((await three.host.status()).length, 3)
  await three[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})
