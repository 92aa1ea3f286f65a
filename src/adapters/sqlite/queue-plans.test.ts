import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { newMessage, outcomeOf, stageBody } from '#store/queue.contract.ts'
import { openQueue } from './queue.ts'
import { QueueFiles, queueFile } from './queue-files.ts'

test('whatever is asked for each message is a look into an index, never a walk through all that waits', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'malle-queue-plans-'))
  const prepared = t.mock.method(DatabaseSync.prototype, 'prepare')
  {
    await using store = await openQueue({ directory, historyDays: 30 })
    const files = new QueueFiles(directory)
    const body = await stageBody({ stage: () => files.stage() })
    prepared.mock.resetCalls()
    await store.enqueue([
      newMessage('a', body, ['x@one.example', 'y@two.example']),
      newMessage('b', body, ['x@one.example']),
    ])
    const now = Date.now()
    await store.due(now, 10)
    await store.due(now, 10, ['one.example', 'two.example'])
    await store.destinations(now)
    await store.nextDue(now)
    await store.record([outcomeOf('a', 'x@one.example', 'deferred', { nextAt: now + 1 })], [])
    await store.record([outcomeOf('b', 'x@one.example', 'delivered')], [])
    await store.history('a')
    await store.list({ ids: ['a'] }, 10)
    await store.release({ ids: ['a'] })
  }
  const texts = new Set(prepared.mock.calls.map((call) => call.arguments[0]))
  t.mock.restoreAll()
  assert.ok(texts.size > 20)
  using db = new DatabaseSync(queueFile(directory))
  for (const text of texts) {
    if (/^(?:BEGIN|COMMIT|SAVEPOINT|RELEASE)/.test(text)) continue
    const values = Array.from({ length: text.match(/\?(?!\d)/g)?.length ?? 0 }, () => null)
    if (text.includes('?1')) values.push(null)
    if (text.includes('?2')) values.push(null)
    const steps = db
      .prepare(`EXPLAIN QUERY PLAN ${text}`)
      .all(...values)
      .map(({ detail }) => String(detail))
    const slow = steps.filter(
      (step) => /^SCAN (?!level|json_each|CONSTANT|standing_hold|\(subquery)/.test(step) || step.startsWith('USE TEMP'),
    )
    // What is listed is sorted by age; how much that is has a limit.
    if (/^SELECT (?:key|DISTINCT)/.test(text)) continue
    assert.deepEqual(slow, [], `${text}\n${steps.join('\n')}`)
  }
  await rm(directory, { recursive: true })
})
