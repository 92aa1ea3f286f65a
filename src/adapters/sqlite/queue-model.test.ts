import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { destinationOf } from '#services/destination.ts'
import { newMessage, outcomeOf, stageBody } from '#store/queue.contract.ts'
import type { NewMessage, QueueFilter, QueueStore, StandingHold } from '#store/queue.ts'
import { Random } from '#testing/random.ts'
import { openQueue } from './queue.ts'
import { QueueFiles } from './queue-files.ts'

const DOMAINS = ['one.test', 'two.test', 'three.test', 'four.test']
const ACCOUNTS = ['ann@example.org', 'bob@example.org', 'eve@example.org']
const STEPS = 120

test('what is due follows whatever is done, in any order', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'malle-queue-model-'))
  const random = new Random(7)
  const upTo = (count: number): number => random.below(count)
  const one = <T>(list: readonly T[]): T => random.pick(list)
  let now = 1_000
  let last = 0
  {
    await using store = await openQueue({ directory, historyDays: 30 })
    const files = new QueueFiles(directory)
    const body = await stageBody({ stage: () => files.stage() })
    // One that stays, so that nobody removes the body of all.
    await store.enqueue([newMessage('first', body, ['x@stays.test'], { notBefore: 1e9 })])

    const message = (): NewMessage => {
      last += 1
      const to = Array.from({ length: 1 + upTo(4) }, (_, n) => `u${n}@${one(DOMAINS)}`)
      const rest = { account: one(ACCOUNTS), at: now - upTo(50), priority: upTo(3) - 1 }
      return newMessage(`m${last}`, body, to, random.chance(0.2) ? { ...rest, notBefore: now + upTo(100) } : rest)
    }
    const filter = (): QueueFilter => {
      const roll = random.below(10)
      if (roll < 3) return { ids: [`m${1 + upTo(last + 1)}`] }
      if (roll < 6) return { domain: one(DOMAINS) }
      return roll < 9 ? { account: one(ACCOUNTS) } : { account: one(ACCOUNTS), domain: one(DOMAINS) }
    }
    const hold = (): StandingHold => {
      const kind = one(['account', 'domain', 'all'] as const)
      const name = kind === 'all' ? '' : one(kind === 'account' ? ACCOUNTS : DOMAINS)
      return { kind, name, since: now, reason: 'administrator' }
    }
    const send = async (): Promise<void> => {
      const [due] = await store.due(now, 1, [one(DOMAINS)])
      if (due === undefined) return
      const outcomes = due.message.recipients.map(({ address }) => {
        const how = one(['delivered', 'deferred', 'failed'] as const)
        return outcomeOf(due.message.id, address, how, how === 'deferred' ? { nextAt: now + 1 + upTo(100) } : {})
      })
      await store.record(outcomes, random.chance(0.2) ? [message()] : [])
    }
    const steps: readonly (() => Promise<unknown>)[] = [
      () => store.enqueue(Array.from({ length: 1 + upTo(3) }, message)),
      () => store.enqueue([message()]),
      send,
      send,
      send,
      () => store.hold(filter(), 'policy'),
      () => store.release(filter()),
      () => store.retry(filter(), now),
      () => store.drop({ ids: [`m${1 + upTo(last + 1)}`] }, now),
      () => store.setStandingHold(hold(), random.chance(0.4)),
    ]
    for (let step = 0; step < STEPS; step += 1) {
      await Promise.all(Array.from({ length: 1 + upTo(3) }, () => one(steps)()))
      now += upTo(20)
      await agrees(store, now)
    }
    assert.ok(last > 60)
  }
  await rm(directory, { recursive: true })
})

/** What is asked quickly is what one would find by looking at everything. */
async function agrees(store: QueueStore, now: number): Promise<void> {
  const expected = new Map<string, Map<string, string[]>>()
  let next: number | undefined
  let [waiting, held] = [0, 0]
  for (const { id, recipients } of await store.list({}, 1e6)) {
    for (const { address, state, nextAt = 0 } of recipients) {
      if (state === 'held') held += 1
      if (state !== 'waiting') continue
      waiting += 1
      if (nextAt > now) next = Math.min(next ?? nextAt, nextAt)
      else {
        const domain = destinationOf(address)
        const messages = expected.get(domain) ?? new Map<string, string[]>()
        expected.set(domain, messages.set(id, [...(messages.get(id) ?? []), address]))
      }
    }
  }
  assert.equal(await store.nextDue(now), next)
  const size = await store.size()
  assert.deepEqual([size.waiting, size.held], [waiting, held])
  const destinations = await store.destinations(now)
  assert.deepEqual(destinations.map(({ domain }) => domain).sort(), [...expected.keys()].sort())
  for (const [domain, messages] of expected) {
    const due = await store.due(now, 1e6, [domain])
    assert.deepEqual(
      new Map(due.map(({ message: { id, recipients } }) => [id, recipients.map(({ address }) => address)])),
      messages,
    )
  }
  const all = (await store.due(now, 1e6)).map(
    ({ message: { id, recipients } }) => `${id} ${recipients.map(({ address }) => address).join()}`,
  )
  const expectedAll = [...expected.values()].flatMap((messages) =>
    [...messages].map(([id, due]) => `${id} ${due.join()}`),
  )
  assert.deepEqual(all.sort(), expectedAll.sort())
}
