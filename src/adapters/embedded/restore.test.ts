/** Accounts that come back whole, and those whose way in was broken off. @module */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { test } from 'node:test'
import type { AccountId } from '#mail/ids.ts'
import { messageOf, type Person, patternOf, preparedOf, stage, World } from '#store/kit.contract.ts'
import { newFolder, openTestStore } from './test-kit.ts'

const DAY = 86_400_000

async function bringEmails(from: Person, to: Person): Promise<void> {
  await to.must('beginRestore', {})
  const emails = await from.store.imageEmails(from.ref, 0)
  await to.must('restoreEmails', {
    emails: await Promise.all(
      emails.map(async ({ place, ...email }) => ({
        ...email,
        body: await stage(to.store, to.ref.shard, await from.body({ place })),
        email: preparedOf(place.length),
        at: { mailbox: 1 as never, mailboxName: 'INBOX', uid: email.key as never, flags: { system: 0, keywords: [] } },
      })),
    ),
  })
}

test('what came of an account is dropped when its way in is broken off, and kept when it is on hold', async () => {
  const directory = await newFolder()
  let ids: AccountId[]
  {
    await using store = await openTestStore({ directory })
    const { world } = store
    const ann = await world.person()
    await ann.add((await ann.inbox()).key, [
      messageOf({ body: patternOf(50_000) }),
      messageOf({ body: patternOf(900) }),
    ])
    const { messages, deleted, events, ...image } = (await world.store.image(ann.ref)) ?? assert.fail()
    const [whole, held, broken] = [world.stranger(), world.stranger(), world.stranger()]
    for (const person of [whole, held]) {
      await bringEmails(ann, person)
      await person.must('restoreMessages', { rows: { messages, deleted, events } })
    }
    await whole.must('endRestore', { image, how: 'new' })
    await held.must('endRestore', { image, how: 'hold' })
    await bringEmails(ann, broken)
    // upkeep leaves alone what is on its way
    await store.host.purge()
    assert.deepEqual(await store.check(), [])
    await broken.must('restoreMessages', { rows: { messages, deleted, events } })
    ids = [whole, held, broken].map(({ ref }) => ref.id)
  }
  await using store = await openTestStore({ directory })
  const world = new World({ store: store.world.store, close: async () => {} })
  for (const _ of ids) world.stranger()
  assert.deepEqual(await world.store.heldRestores(0), [ids[1]])
  const [whole, held, broken] = ids.map((id) => ({ id, shard: 0 }))
  assert.ok(whole && held && broken)
  assert.deepEqual(await store.check(), [])
  const before = (await store.host.status())[0]?.liveBytes ?? 0
  await store.host.purge()
  assert.ok(((await store.host.status())[0]?.liveBytes ?? 0) < before - 50_000)
  const nothing = { ok: false, error: { kind: 'no-such-restore' } }
  assert.deepEqual(await world.store.write('settleRestore', { account: broken, by: 'x', keep: true }), nothing)
  assert.ok((await world.store.write('settleRestore', { account: held, by: 'x', keep: true })).ok)
  assert.deepEqual(await world.store.image(held), await world.store.image(whole))
  // an account on hold that is dropped, and a copy of one that is removed, leave nothing behind
  assert.ok((await world.store.write('removeAccount', { account: held, by: 'x' })).ok)
  store.clock.time += DAY
  await store.host.compact(true)
  assert.deepEqual(await store.check(), [])
  await store[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})
