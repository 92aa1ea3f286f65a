import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { QueueFiles } from '#adapters/sqlite/queue-files.ts'
import { checkConfig } from '#config/schema.ts'
import { newMessage, stageBody } from '#store/queue.contract.ts'
import { LocalQueueDesk, queueStart } from './queue-desk.ts'
import { queueVerbs } from './queue-verbs.ts'
import type { QueueFilterArgs } from './queue-views.ts'
import { VerbRefused } from './verbs.ts'

const ANN = 'ann@example.org'

interface Place {
  readonly verbs: ReturnType<typeof queueVerbs>
  readonly desk: LocalQueueDesk
  /** Accounts all of whose mail was released. */
  readonly released: readonly string[]
  readonly enqueue: (id: string, to: readonly string[]) => Promise<void>
}

/** The verbs on a queue of its own, where only Ann has an account. */
async function withVerbs(work: (place: Place) => Promise<void>): Promise<void> {
  const data = await mkdtemp(path.join(tmpdir(), 'malle-queue-verbs-'))
  const config = checkConfig({ hostname: 'localhost', data })
  assert.ok(config.ok)
  const start = queueStart(config.value)
  const released: string[] = []
  try {
    await using desk = new LocalQueueDesk(start)
    const verbs = queueVerbs(desk, {
      released: async (account) => void released.push(account),
      async mustHave(name) {
        if (name !== ANN) throw new VerbRefused({ kind: 'no-such', what: 'account', name })
      },
    })
    const files = new QueueFiles(start.directory)
    const enqueue = async (id: string, to: readonly string[]): Promise<void> => {
      await desk.ask('enqueue', [newMessage(id, await stageBody({ stage: () => files.stage() }), to)])
    }
    await work({ verbs, desk, released, enqueue })
  } finally {
    await rm(data, { recursive: true })
  }
}

function about(filter: Partial<QueueFilterArgs>): QueueFilterArgs {
  return { ids: null, account: null, domain: null, held: null, ...filter }
}

function refusedWith(kind: string): (error: Error) => boolean {
  return (error) => error instanceof VerbRefused && error.refusal.kind === kind
}

test('what is said of an account or a domain alone counts for what comes, and only a release of all teaches', () =>
  withVerbs(async ({ verbs, desk, released, enqueue }) => {
    await enqueue('a', ['x@one.example', 'y@xn--exmple-cua.de'])
    assert.deepEqual(await verbs['queue.hold'](about({ domain: 'Exämple.DE' })), { recipients: 1 })
    assert.deepEqual(await verbs['queue.hold'](about({ account: 'Ann@Example.org' })), { recipients: 1 })
    await enqueue('b', ['z@one.example'])
    assert.deepEqual((await desk.ask('standingHolds')).map(({ kind, name }) => `${kind} ${name}`).sort(), [
      `account ${ANN}`,
      'domain xn--exmple-cua.de',
    ])
    assert.deepEqual(await verbs['queue.release'](about({ ids: ['b'] })), { recipients: 1 })
    assert.deepEqual(released, [])
    assert.deepEqual(await verbs['queue.release'](about({ account: ANN })), { recipients: 2 })
    assert.deepEqual(released, [ANN])
    await enqueue('c', ['z@one.example'])
    const states = await verbs['queue.list']({ ...about({ held: true }), limit: 10 })
    assert.deepEqual(states, [])
  }))

test('a mistake in an address, a domain or an ID is refused, and changes nothing', () =>
  withVerbs(async ({ verbs, desk, enqueue }) => {
    await enqueue('a', ['x@one.example'])
    await assert.rejects(verbs['queue.hold'](about({ account: 'bob@example.org' })), refusedWith('no-such'))
    await assert.rejects(verbs['queue.hold'](about({ account: 'ann' })), refusedWith('bad-address'))
    await assert.rejects(
      verbs['queue.drop']({ ...about({ domain: 'one..example' }), dryRun: false }),
      refusedWith('bad-domain'),
    )
    await assert.rejects(verbs['queue.retry'](about({ ids: ['a', 'b'] })), refusedWith('not-in-queue'))
    await assert.rejects(verbs['queue.show']({ id: 'b' }), refusedWith('not-in-queue'))
    assert.deepEqual(await verbs['queue.drop']({ ...about({}), dryRun: true }), { recipients: 1 })
    assert.deepEqual([await desk.ask('count', {}), await desk.ask('standingHolds')], [1, []])
    assert.deepEqual(await verbs['queue.drop']({ ...about({ ids: ['a'] }), dryRun: false }), { recipients: 1 })
    assert.deepEqual(
      (await verbs['queue.show']({ id: 'a' })).recipients.map(({ state }) => state),
      ['dropped'],
    )
  }))
