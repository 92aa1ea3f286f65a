import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { MessageChannel, Worker } from 'node:worker_threads'
import { QueueFiles } from '#adapters/sqlite/queue-files.ts'
import { checkConfig } from '#config/schema.ts'
import { RemoteOutbox } from '#services/remote-outbox.ts'
import type { Log } from '#services/session-deps.ts'
import { newMessage, stageBody } from '#store/queue.contract.ts'
import { LocalQueueDesk, queueStart } from './queue-desk.ts'
import { QueueHost } from './queue-host.ts'
import type { FromQueue, QueueStart, ToQueue } from './queue-protocol.ts'

async function inFolder(work: (start: QueueStart) => Promise<void>): Promise<void> {
  const data = await mkdtemp(path.join(tmpdir(), 'malle-queue-host-'))
  const config = checkConfig({ hostname: 'localhost', data, log: { level: 'error' } })
  assert.ok(config.ok)
  try {
    await work(queueStart(config.value))
  } finally {
    await rm(data, { recursive: true })
  }
}

/** One of these tests breaks a thread, which is logged. */
const silence = (): void => undefined
const log: Log = { debug: silence, info: silence, warn: silence, error: silence }

function hostOf(start: QueueStart, restMs = 60_000): QueueHost {
  return new QueueHost({ start, log, restMs })
}

test('the thread of the queue begins with the first message, and an empty queue makes nothing', () =>
  inFolder(async (start) => {
    await using host = hostOf(start)
    host.start()
    assert.deepEqual(await host.ask('list', {}, 10), [])
    assert.equal(await host.ask('drop', {}, 0), 0)
    assert.equal(await host.ask('history', 'x'), undefined)
    assert.equal((await host.status()).messages, 0)
    assert.equal(host.running || existsSync(start.directory), false)
    const outbox = host.outbox()
    const body = await stageBody(outbox)
    assert.deepEqual(await outbox.enqueue([newMessage('a', body, ['x@one.example'])]), { ok: true, value: undefined })
    assert.equal(host.running, true)
    assert.deepEqual(
      (await host.ask('list', {}, 10)).map(({ id }) => id),
      ['a'],
    )
    assert.equal((await host.status()).waiting, 1)
    const again = await stageBody(outbox)
    await assert.rejects(outbox.enqueue([newMessage('a', again, ['x@one.example'])]), /UNIQUE/)
  }))

test('what waits from before starts the thread again, and the server can ask while it is stopped', () =>
  inFolder(async (start) => {
    {
      await using host = hostOf(start)
      await host.enqueue([newMessage('a', await stageBody(host.outbox()), ['x@one.example'])])
      await host.ask('setStandingHold', { kind: 'all', name: '', since: 1, reason: 'administrator' }, true)
      assert.equal((await host.status()).holds[0]?.kind, 'all')
    }
    {
      await using desk = new LocalQueueDesk(start)
      const { messages, held, holds } = await desk.status()
      assert.deepEqual([messages, held, holds.length], [1, 1, 1])
    }
    await using host = hostOf(start)
    host.start()
    assert.equal(host.running, true)
    assert.deepEqual((await host.status()).holds, [{ kind: 'all', name: '', since: 1, reason: 'administrator' }])
    assert.equal((await host.ask('list', {}, 10)).length, 1)
  }))

test('other threads enqueue over a port', () =>
  inFolder(async (start) => {
    await using host = hostOf(start)
    const { port1, port2 } = new MessageChannel()
    host.serve(port1)
    const files = new QueueFiles(start.directory)
    const outbox = new RemoteOutbox(port2, () => files.stage())
    const all = Array.from({ length: 30 }, async (_, n) =>
      outbox.enqueue([newMessage(`m${n}`, await stageBody(outbox), ['x@one.example'])]),
    )
    assert.ok((await Promise.all(all)).every(({ ok }) => ok))
    assert.equal((await host.status()).messages, 30)
    await assert.rejects(outbox.enqueue([newMessage('m1', await stageBody(outbox), ['x@one.example'])]), /UNIQUE/)
    const waiting = outbox.enqueue([newMessage('late', await stageBody(outbox), ['x@one.example'])])
    port2.close()
    assert.deepEqual(await waiting, { ok: false, error: { kind: 'unavailable' } })
    assert.deepEqual(await outbox.enqueue([]), { ok: false, error: { kind: 'unavailable' } })
  }))

test('the thread ends when the queue has been empty for a while, and begins again', () =>
  inFolder(async (start) => {
    await using host = hostOf(start, 30)
    await host.enqueue([newMessage('a', await stageBody(host.outbox()), ['x@one.example'])])
    await delay(100)
    assert.equal(host.running, true)
    await host.ask('drop', {}, 0)
    while (host.running) await delay(10)
    // Nobody need wait for the one that ends.
    const bodies = await Promise.all(Array.from({ length: 20 }, () => stageBody(host.outbox())))
    for (const [n, body] of bodies.entries()) {
      assert.equal((await host.enqueue([newMessage(`b${n}`, body, ['x@one.example'])])).ok, true)
      await host.ask('drop', {}, 0)
      await delay(7)
    }
  }))

test('the thread does not end over a message that comes while it is looked whether there is any', (t) =>
  inFolder(async (start) => {
    const restMs = 60_000
    t.mock.timers.enable({ apis: ['setInterval'] })
    // oxlint-disable-next-line typescript/unbound-method -- it gets its `this` below
    const post = Worker.prototype.postMessage
    let looks = 0
    t.mock.method(Worker.prototype, 'postMessage', function (this: Worker, message: ToQueue) {
      post.call(this, message)
      if (message.kind !== 'ask' || message.question[0] !== 'size') return
      looks += 1
      // the answer comes late
      if (looks === 1) t.mock.timers.tick(restMs)
    })
    await using host = hostOf(start, restMs)
    const enqueued = host.enqueue([newMessage('a', await stageBody(host.outbox()), ['x@one.example'])])
    await new Promise(setImmediate)
    t.mock.timers.tick(restMs)
    t.mock.timers.tick(restMs)
    assert.equal((await enqueued).ok, true)
    await delay(50)
    assert.ok(looks > 0)
    assert.equal(host.running, true)
  }))

test('a message whose thread ends before it answers is looked for, and refused only where it is not there', (t) =>
  inFolder(async (start) => {
    await using host = hostOf(start)
    const outbox = host.outbox()
    const enqueue = async (id: string): Promise<string> => {
      const answer = await outbox.enqueue([newMessage(id, await stageBody(outbox), ['x@one.example'])])
      return answer.ok ? 'kept' : answer.error.kind
    }
    assert.equal(await enqueue('a'), 'kept')
    // oxlint-disable-next-line typescript/unbound-method -- they get their `this` below
    const { emit, postMessage } = Worker.prototype
    let ends: 'kept' | 'not kept' | undefined = 'kept'
    t.mock.method(Worker.prototype, 'emit', function (this: Worker, event: string, message: FromQueue) {
      const unheard = event === 'message' && message.kind === 'answer' && ends === 'kept'
      if (!unheard) return emit.call(this, event, message)
      ends = undefined
      void this.terminate()
      return true
    })
    assert.equal(await enqueue('b'), 'kept')
    assert.equal(ends, undefined)
    ends = 'not kept'
    t.mock.method(Worker.prototype, 'postMessage', function (this: Worker, message: ToQueue, list?: ArrayBuffer[]) {
      if (ends !== 'not kept') return postMessage.call(this, message, list)
      ends = undefined
      void this.terminate()
    })
    assert.equal(await enqueue('c'), 'unavailable')
    assert.equal(await enqueue('d'), 'kept')
    assert.deepEqual(
      (await host.ask('list', {}, 10)).map(({ id }) => id),
      ['a', 'b', 'd'],
    )
    assert.equal((await host.status()).restarts, 2)
  }))

test('a thread that cannot begin refuses for now, and is tried again', () =>
  inFolder(async (start) => {
    await using host = hostOf(start)
    const body = await stageBody(host.outbox())
    await mkdir(start.directory, { recursive: true })
    await writeFile(
      path.join(start.directory, 'queue.db'),
      'this is no database, but it is longer than a header'.repeat(50),
    )
    const message = newMessage('a', body, ['x@one.example'])
    host.start()
    assert.deepEqual(await host.enqueue([message]), { ok: false, error: { kind: 'unavailable' } })
    assert.deepEqual(await host.enqueue([message]), { ok: false, error: { kind: 'unavailable' } })
    assert.deepEqual([(await host.status()).restarts, (await host.status()).failing], [1, true])
    await rm(path.join(start.directory, 'queue.db'))
    while (!(await host.enqueue([message])).ok) await delay(20)
    assert.equal((await host.status()).messages, 1)
  }))
