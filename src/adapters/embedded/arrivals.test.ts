import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Arrivals } from './arrivals.ts'
import { shardPaths } from './layout.ts'
import { EmbeddedStage } from './stage.ts'
import { openTestStore } from './test-kit.ts'

/** Turns of the loop until it settles; `undefined` where nobody has to wait. */
async function turns(
  waiting: Promise<void> | undefined,
  meanwhile: () => void = () => {},
): Promise<number | undefined> {
  if (waiting === undefined) return undefined
  let settled = false
  void waiting.then(() => {
    settled = true
  })
  let count = 0
  for (; !settled; count += 1) {
    meanwhile()
    await nextTurn()
  }
  return count
}

test('nobody waits whose writer has a core of its own', () => {
  const several = new Arrivals(false)
  several.begin()
  assert.equal(several.together(), undefined)
})

test('a message that comes alone waits for a turn of the loop', async () => {
  const arrivals = new Arrivals(true, () => 0)
  arrivals.begin()
  arrivals.end()
  assert.equal(await turns(arrivals.together()), 1)
})

test('a message goes with those that come whole, turn after turn', async () => {
  const arrivals = new Arrivals(true, () => 0)
  let left = 5
  const count = await turns(arrivals.together(), () => {
    left -= 1
    if (left < 0) return
    arrivals.begin()
    arrivals.end()
  })
  assert.equal(count, 6)
})

test('a message waits for others until they are whole', async () => {
  const arrivals = new Arrivals(true, () => 0)
  arrivals.begin()
  const first = arrivals.together()
  assert.ok(first !== undefined)
  let left = 20
  const count = await turns(first, () => {
    left -= 1
    if (left > 0) arrivals.stir()
    else if (left === 0) {
      arrivals.end()
      assert.equal(arrivals.together(), first, 'the last one goes with the first')
    }
  })
  assert.equal(count, 21)
  assert.equal(await turns(arrivals.together()), 1)
})

test('a message of which nothing comes is not waited for', async () => {
  let time = 0
  const arrivals = new Arrivals(true, () => time)
  arrivals.begin()
  assert.equal(await turns(arrivals.together(), () => (time += 0.1)), 2)
})

test('a message that goes on and on is not waited for for ever', async () => {
  let time = 0
  const arrivals = new Arrivals(true, () => time)
  arrivals.begin()
  const count = await turns(arrivals.together(), () => {
    time += 1
    arrivals.stir()
  })
  assert.equal(count, 8)
})

test('a stage is waited for until it is whole, abandoned or large', async () => {
  await using store = await openTestStore()
  const arrivals = new Arrivals(true, () => 0)
  const newStage = (): EmbeddedStage =>
    new EmbeddedStage(0, shardPaths(store.directory, 0), false, new WeakSet(), arrivals)
  for (const end of ['finish', 'abandon'] as const) {
    const stage = newStage()
    await stage.write(Buffer.from('Subject: x\r\n\r\n'))
    let left = 10
    const ending = { now: Promise.resolve<unknown>(undefined) }
    const count = await turns(arrivals.together(), () => {
      left -= 1
      if (left === 0) ending.now = stage[end]()
    })
    assert.equal(count, 11)
    await ending.now
    await stage.abandon()
    assert.equal(await turns(arrivals.together()), 1)
  }
  const large = newStage()
  await large.write(new Uint8Array(2_000_000))
  assert.equal(await turns(arrivals.together()), 1)
  await large.abandon()
  assert.equal(await turns(arrivals.together()), 1)
})
