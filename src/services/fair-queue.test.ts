import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FairQueue } from './fair-queue.ts'

/** Jobs that end when told, and the order in which they began. */
function jobs() {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  return {
    begun,
    job: (name: string) => (): Promise<string> => {
      begun.push(name)
      return new Promise((resolve) => ends.set(name, () => resolve(name)))
    },
    end: async (name: string): Promise<void> => {
      ends.get(name)?.()
      for (let n = 0; n < 10; n += 1) await Promise.resolve()
    },
  }
}

test('a key with one job does not wait behind another key with many', async () => {
  const queue = new FairQueue({ atOnce: 1, waiting: 10, waitingPerKey: 10 })
  const { begun, job, end } = jobs()
  const all = ['a1', 'a2', 'a3', 'b1', 'c1', 'b2'].map((name) => queue.run(name.slice(0, 1), job(name)))
  for (const name of ['a1', 'a2', 'b1', 'c1', 'a3', 'b2']) await end(name)
  assert.deepEqual(begun, ['a1', 'a2', 'b1', 'c1', 'a3', 'b2'])
  assert.deepEqual(await Promise.all(all), ['a1', 'a2', 'a3', 'b1', 'c1', 'b2'])
})

test('as many run at once as configured, and what does not fit is not run', async () => {
  const queue = new FairQueue({ atOnce: 2, waiting: 3, waitingPerKey: 2 })
  const { begun, job, end } = jobs()
  const all = ['a1', 'a2', 'a3', 'a4'].map((name) => queue.run('a', job(name)))
  assert.equal(await queue.run('a', job('a5')), undefined)
  all.push(queue.run('b', job('b1')))
  assert.equal(await queue.run('c', job('c1')), undefined)
  assert.deepEqual(begun, ['a1', 'a2'])
  for (const name of ['a2', 'a1', 'a3', 'b1', 'a4']) await end(name)
  assert.deepEqual(await Promise.all(all), ['a1', 'a2', 'a3', 'a4', 'b1'])
})

test("a lower rank goes first, and every fourth turn is the last one's", async () => {
  const queue = new FairQueue({ atOnce: 1, waiting: 20, waitingPerKey: 20 })
  const { begun, job, end } = jobs()
  const all = (['x2', 'a2', 'b2', 'c0', 'd0', 'e1', 'f0', 'g0'] as const).map((name) =>
    queue.run(name.slice(0, 1), job(name), Number(name.slice(1)) as 0 | 1 | 2),
  )
  for (const name of ['x2', 'c0', 'd0', 'f0', 'a2', 'g0', 'e1', 'b2']) await end(name)
  assert.deepEqual(begun, ['x2', 'c0', 'd0', 'f0', 'a2', 'g0', 'e1', 'b2'])
  await Promise.all(all)
})

test('in a crowd the newest goes first', async () => {
  const queue = new FairQueue({ atOnce: 1, waiting: 100, waitingPerKey: 1 })
  const { begun, job, end } = jobs()
  const names = Array.from({ length: 19 }, (_, n) => `k${n}`)
  const all = names.map((name) => queue.run(name, job(name)))
  const order = ['k0', 'k18', 'k17', ...names.slice(1, 17)]
  for (const name of order) await end(name)
  assert.deepEqual(begun, order)
  await Promise.all(all)
})

test('the last rank fills half of the queue at most', async () => {
  const queue = new FairQueue({ atOnce: 1, waiting: 4, waitingPerKey: 4 })
  const { job, end } = jobs()
  const all = ['a', 'b', 'c'].map((name) => queue.run(name, job(name), 2))
  assert.equal(await queue.run('d', job('d'), 2), undefined)
  all.push(queue.run('e', job('e'), 1))
  for (const name of ['a', 'e', 'b', 'c']) await end(name)
  assert.deepEqual(await Promise.all(all), ['a', 'b', 'c', 'e'])
})

test('a job that throws gives its place on', async () => {
  const queue = new FairQueue({ atOnce: 1, waiting: 3, waitingPerKey: 2 })
  const failing = queue.run('a', () => Promise.reject(new Error('broken')))
  const next = queue.run('a', () => Promise.resolve('next'))
  await assert.rejects(failing, /broken/)
  assert.equal(await next, 'next')
})
