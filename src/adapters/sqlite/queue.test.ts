import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { NewerFormat, newerFormatOf } from '#store/newer-format.ts'
import { newMessage, type OpenQueue, outcomeOf, queueContract, stageBody } from '#store/queue.contract.ts'
import type { StagedMessage } from '#store/queue.ts'
import { openQueue } from './queue.ts'
import { QueueFiles, queueFile } from './queue-files.ts'
import { peekQueue } from './queue-peek.ts'
import { QUEUE_MIGRATIONS } from './queue-schema.ts'

const NOW = 1_700_000_000_000

interface TestQueue extends OpenQueue {
  readonly directory: string
}

/** Opens a queue in a folder, which goes with it where it was made here. */
async function openIn(directory?: string, now: number = NOW): Promise<TestQueue> {
  const made = directory ?? (await mkdtemp(path.join(tmpdir(), 'malle-queue-')))
  const store = await openQueue({ directory: path.join(made, 'queue'), historyDays: 30, clock: { now: () => now } })
  const files = new QueueFiles(path.join(made, 'queue'))
  return {
    directory: path.join(made, 'queue'),
    store,
    stage: () => files.stage(),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      if (directory === undefined) await rm(made, { recursive: true })
    },
  }
}

async function folder(): Promise<AsyncDisposable & { readonly path: string }> {
  const made = await mkdtemp(path.join(tmpdir(), 'malle-queue-'))
  return { path: made, [Symbol.asyncDispose]: () => rm(made, { recursive: true }) }
}

queueContract(() => openIn())

test('what was enqueued is there again after the queue was closed', async () => {
  await using home = await folder()
  const large = Buffer.alloc(900_000, 'line\r\n')
  {
    await using queue = await openIn(home.path)
    const stage = queue.stage()
    for (let at = 0; at < large.length; at += 65_000) await stage.write(large.subarray(at, at + 65_000))
    await queue.store.enqueue([newMessage('a', await stage.finish(), ['x@one.example'])])
  }
  await using queue = await openIn(home.path)
  const [due] = await queue.store.due(NOW, 1)
  assert.ok(due)
  const chunks: Uint8Array[] = []
  for await (const chunk of await queue.store.body(due.message)) chunks.push(chunk)
  assert.ok(Buffer.concat(chunks).equals(large))
  assert.ok(chunks.length > 1)
})

test('a body that is not there whole is not read', async () => {
  await using queue = await openIn()
  for (const size of [30, 100_000, 1_000_000]) {
    const body = await stageBody(queue, 'x'.repeat(size))
    await queue.store.enqueue([newMessage(`m${size}`, body, ['x@one.example'])])
    const found = await queue.store.history(`m${size}`)
    assert.ok(found)
    if (body.kind === 'file') await writeFile(path.join(queue.directory, body.file), 'half')
    else {
      using db = new DatabaseSync(queueFile(queue.directory))
      db.prepare('UPDATE body SET bytes = ?').run(Buffer.from('half'))
    }
    await assert.rejects(queue.store.body(found.message), /has 4 octets instead of/)
  }
})

test('files that no message names go when the queue is opened, but for young ones', async () => {
  await using home = await folder()
  const now = Date.now()
  let named: string
  {
    await using queue = await openIn(home.path)
    const body = await stageFile(queue)
    named = body.file
    await queue.store.enqueue([newMessage('a', body, ['x@one.example'])])
    const left = await stageFile(queue)
    await utimes(path.join(queue.directory, left.file), 0, now / 1000 - 7_200)
    const half = path.join(queue.directory, path.dirname(left.file), 'half.new')
    await writeFile(half, 'x')
    await utimes(half, 0, now / 1000 - 7_200)
    await stageFile(queue)
  }
  await using queue = await openIn(home.path, now)
  const files = await filesIn(queue.directory)
  assert.equal(files.length, 2)
  assert.ok(files.includes(path.basename(named)))
})

/** A body that is too large for the database. */
async function stageFile(queue: TestQueue): Promise<Extract<StagedMessage, { readonly kind: 'file' }>> {
  const body = await stageBody(queue, 'x'.repeat(100_000))
  if (body.kind !== 'file') throw new Error('It is no file')
  return body
}

test('a small body has no file, and nothing of it is in the database when it is gone', async () => {
  await using queue = await openIn()
  await queue.store.enqueue([newMessage('a', await stageBody(queue), ['x@one.example'])])
  using db = new DatabaseSync(queueFile(queue.directory))
  const bodies = db.prepare('SELECT count(*) AS bodies FROM body')
  assert.deepEqual({ ...bodies.get() }, { bodies: 1 })
  assert.equal(existsSync(path.join(queue.directory, 'messages')), false)
  await queue.store.record([outcomeOf('a', 'x@one.example', 'delivered')], [])
  assert.deepEqual({ ...bodies.get() }, { bodies: 0 })
})

test('room of much mail that is gone is given back when the queue is closed', async () => {
  await using home = await folder()
  const file = queueFile(path.join(home.path, 'queue'))
  {
    await using queue = await openIn(home.path)
    for (let n = 0; n < 12; n += 1) {
      const bodies = await Promise.all(Array.from({ length: 50 }, () => stageBody(queue, 'x'.repeat(60_000))))
      await queue.store.enqueue(bodies.map((body, at) => newMessage(`m${n}.${at}`, body, ['x@one.example'])))
    }
    await queue.store.drop({}, NOW)
    await queue.store.enqueue([newMessage('last', await stageBody(queue), ['x@one.example'])])
    assert.ok(statSync(file).size > 33_000_000)
  }
  assert.ok(statSync(file).size < 1_000_000)
  await using queue = await openIn(home.path)
  assert.equal((await queue.store.list({}, 10)).length, 1)
})

async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(path.join(directory, 'messages'), { recursive: true, withFileTypes: true })
  return entries.filter((one) => one.isFile()).map(({ name }) => name)
}

test('a stage that is abandoned leaves nothing, finished or not', async () => {
  await using queue = await openIn()
  const begun = queue.stage()
  await begun.write(Buffer.alloc(1_000_000))
  assert.equal((await filesIn(queue.directory)).length, 1)
  await begun.abandon()
  const finished = queue.stage()
  await finished.write(Buffer.alloc(100_000))
  await finished.finish()
  await finished.abandon()
  await queue.stage().abandon()
  assert.deepEqual(await filesIn(queue.directory), [])
  assert.throws(() => finished.write(Buffer.from('x')))
})

test('files and folders are the owner’s alone', async () => {
  await using queue = await openIn()
  const { file } = await stageFile(queue)
  assert.equal(statSync(path.join(queue.directory, file)).mode & 0o777, 0o600)
  for (const name of ['', 'messages', path.dirname(file)])
    assert.equal(statSync(path.join(queue.directory, name)).mode & 0o777, 0o700)
})

test('the history of a message is forgotten after its days', async () => {
  await using home = await folder()
  {
    await using queue = await openIn(home.path)
    await queue.store.enqueue([newMessage('a', await stageBody(queue), ['x@one.example'])])
    await queue.store.enqueue([newMessage('b', await stageBody(queue), ['x@one.example'])])
    await queue.store.record([outcomeOf('a', 'x@one.example', 'delivered')], [])
  }
  const day = 86_400_000
  for (const [days, known] of [
    [30, true],
    [31, false],
  ] as const) {
    await using queue = await openIn(home.path, NOW + days * day)
    assert.equal((await queue.store.history('a')) !== undefined, known)
    assert.ok(await queue.store.history('b'))
  }
  using db = new DatabaseSync(queueFile(path.join(home.path, 'queue')))
  assert.deepEqual({ ...db.prepare('SELECT count(*) AS attempts FROM attempt').get() }, { attempts: 0 })
})

test('a queue from before small bodies were in the database keeps its mail, and a copy of what it was', async () => {
  await using home = await folder()
  const directory = path.join(home.path, 'queue')
  await mkdir(path.join(directory, 'messages', '00'), { recursive: true })
  const place = 'messages/00/a.eml'
  await writeFile(path.join(directory, place), 'Hello\r\n')
  {
    using db = new DatabaseSync(queueFile(directory))
    db.exec(`${QUEUE_MIGRATIONS[0]}; PRAGMA user_version = 1`)
    db.exec(`INSERT INTO message (id, sender, file, size, smtp_utf8, eight_bit, priority, at, language)
             VALUES ('a', 'ann@example.org', '${place}', 7, 0, 0, 0, ${NOW}, 'en')`)
    db.exec(`INSERT INTO recipient (message, position, address, domain, state, own_hold, standing_hold, priority, next_at)
             VALUES (1, 0, 'x@one.example', 'one.example', 0, 0, 0, 0, ${NOW})`)
    db.exec(`INSERT INTO destination (domain, next_at) VALUES ('one.example', ${NOW})`)
  }
  await using queue = await openIn(home.path)
  const [due] = await queue.store.due(NOW, 10)
  assert.ok(due)
  assert.equal(due.message.body.place, place)
  for await (const chunk of await queue.store.body(due.message))
    assert.equal(Buffer.from(chunk).toString(), 'Hello\r\n')
  await queue.store.record([outcomeOf('a', 'x@one.example', 'delivered')], [])
  await queue.store.enqueue([newMessage('b', await stageBody(queue), ['x@one.example'])])
  assert.equal((await queue.store.list({}, 10))[0]?.body.place, 'body:1')
  assert.ok((await readdir(directory)).some((name) => name.startsWith('queue.db.')))
})

test('a queue of a newer release is refused', async () => {
  await using home = await folder()
  await mkdir(path.join(home.path, 'queue'))
  const file = queueFile(path.join(home.path, 'queue'))
  {
    using db = new DatabaseSync(file)
    db.exec('PRAGMA user_version = 99')
  }
  await assert.rejects(openIn(home.path), (error: Error) => newerFormatOf(error)?.format === 99)
  assert.ok(existsSync(file))
  assert.throws(() => peekQueue(path.join(home.path, 'queue')), NewerFormat)
})

test('peekQueue() tells whether there is mail, and makes nothing', async () => {
  await using home = await folder()
  const directory = path.join(home.path, 'queue')
  assert.equal(peekQueue(directory), undefined)
  assert.equal(existsSync(directory), false)
  const pause = { kind: 'all', name: '', since: NOW, reason: 'administrator' } as const
  {
    await using queue = await openIn(home.path)
    await queue.store.setStandingHold(pause, true)
  }
  assert.deepEqual(peekQueue(directory), { mail: false, holds: [pause] })
  {
    await using queue = await openIn(home.path)
    await queue.store.enqueue([newMessage('a', await stageBody(queue), ['x@one.example'])])
  }
  assert.deepEqual(peekQueue(directory), { mail: true, holds: [pause] })
})
