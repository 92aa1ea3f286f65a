/** `malle queue`, `malle history` and `malle status` about mail for other servers, stopped and running. */
import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { openQueue } from '#adapters/sqlite/queue.ts'
import { QueueFiles } from '#adapters/sqlite/queue-files.ts'
import { loadConfig } from '#config/load.ts'
import { openAdministration } from '#server/open-administration.ts'
import type { QueueMessageView } from '#server/queue-views.ts'
import { newMessage, outcomeOf, stageBody } from '#store/queue.contract.ts'
import { Place } from './cli-process.ts'

const ANN = 'ann@example.org'

async function prepare(file: string): Promise<void> {
  const config = await loadConfig(file)
  assert.ok(config.ok)
  await using admin = await openAdministration(config.value)
  await admin.ask('domain.add', { name: 'example.org' })
  await admin.ask('account.add', { address: ANN, password: null })
}

/** Mail of two accounts, one message of which has been tried; paused, so that nothing of it goes out. */
async function fill(data: string): Promise<void> {
  const directory = path.join(data, 'queue')
  const files = new QueueFiles(directory)
  await using store = await openQueue({ directory, historyDays: 30 })
  const at = Date.now() - 60_000
  const body = () => stageBody({ stage: () => files.stage() })
  const receivedFrom = 'laptop.example [198.51.100.3], ESMTPSA'
  await store.setStandingHold({ kind: 'all', name: '', since: at, reason: 'administrator' }, true)
  await store.enqueue([newMessage('q-1.1', await body(), ['x@one.example', 'y@two.example'], { at, receivedFrom })])
  await store.enqueue([newMessage('q-1.2', await body(), ['z@two.example'], { at, account: 'bob@example.org' })])
  await store.enqueue([newMessage('q-1.3', await body(), ['gone@two.example'], { at })])
  await store.record(
    [
      outcomeOf('q-1.1', 'x@one.example', 'deferred', { at, nextAt: at + 3_600_000 }),
      outcomeOf('q-1.3', 'gone@two.example', 'delivered', { at }),
    ],
    [],
  )
}

test('malle queue says what waits and changes it, while the server is stopped and while it runs', async () => {
  await using place = await Place.make()
  await prepare(place.config)
  await fill(place.data)
  const listed = await place.malle(['queue', 'list', '--account', ANN])
  assert.match(
    listed.stdout,
    /^q-1\.1 {2}\S+ \S+ {2}21 B {2}ann@example\.org\n {4}x@one\.example {2}held \(by an administrator\), 1 try: mx\.test \[127\.0\.0\.1\]:25: 451 4\.3\.0 Later\n/,
  )
  assert.match(listed.stdout, /\nEverything is held since \S+ \S+ \(by an administrator\)\.\n$/)
  const french = await place.malle(['queue', 'hold', '--domain', 'one.example'], { env: { LC_ALL: 'fr_FR.UTF-8' } })
  assert.equal(french.stdout, 'Retenu : 0 destinataire.\n')

  await place.serve()
  const json = async (...args: string[]) => (await place.ok([...args, '--json'])) as readonly QueueMessageView[]
  const all = await json('queue', 'list')
  assert.deepEqual(
    all.map(({ id, account, recipients }) => [id, account, recipients.map(({ state }) => state)]),
    [
      ['q-1.1', ANN, ['held', 'held']],
      ['q-1.2', 'bob@example.org', ['held']],
    ],
  )
  assert.match(
    (await place.malle(['status'])).stdout,
    /\n {2}queue: 2 messages \(42 B\), 0 recipients waiting, 3 held, the oldest of .*, paused \("malle queue resume"\)\n/,
  )
  assert.equal(
    (await place.malle(['queue', 'drop', '--domain', 'two.example', '--yes'])).stdout,
    'Dropped: 2 recipients.\n',
  )
  assert.deepEqual(
    (await json('queue', 'list')).map(({ id }) => id),
    ['q-1.1'],
  )
  const missing = await place.malle(['queue', 'release', 'q-1.1', 'q-1.2'])
  assert.deepEqual([missing.code, missing.stderr], [66, 'malle: The queue has no message "q-1.2".\n'])
  const history = await place.malle(['history', ANN, 'q-1.3'])
  assert.match(history.stdout, /gone@two\.example {2}delivered, 1 try: .*250 2\.0\.0 Taken\n/)
})
