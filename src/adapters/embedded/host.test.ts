import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { MessageChannel, Worker } from 'node:worker_threads'
import { systemClock } from '#lib/clock.ts'
import { messageOf, someMessages } from '#store/kit.contract.ts'
import type { Change } from '#store/types.ts'
import { openEmbeddedStore } from './embedded-store.ts'
import { Interest } from './interest.ts'
import { unpackAnswers } from './pack-answer.ts'
import type { AnswerMessage } from './protocol.ts'
import { newFolder, openTestStore } from './test-kit.ts'

test('a writer that dies answers what waits, is restarted, and goes on', async () => {
  await using store = await openTestStore()
  const ann = await store.world.person()
  const inbox = (await ann.inbox()).key
  await ann.add(inbox, [messageOf()])
  const poison = store.host.connect()
  poison.ports[0]?.postMessage(null)
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => ann.write('append', { mailbox: inbox, messages: [messageOf()] })),
  )
  for (const answer of answers) {
    if (!answer.ok) assert.deepEqual(answer.error, { kind: 'unavailable', reason: 'failed' })
  }
  while (!(await ann.write('append', { mailbox: inbox, messages: [messageOf()] })).ok) await setTimeout(20)
  assert.ok((await ann.inbox()).messages >= 2)
  assert.equal((await store.host.status())[0]?.restarts, 1)
  assert.ok(store.logged.some((line) => line.startsWith('error: The writer died')))
  assert.deepEqual(await store.check(), [])
  for (const port of poison.ports) port.close()
})

test('two connections see and hear each other', async () => {
  await using store = await openTestStore()
  const ann = await store.world.person()
  const inbox = (await ann.inbox()).key
  await using other = openEmbeddedStore(store.host.connect(), systemClock)
  const heard: Change[] = []
  other.watch(ann.ref.id, (change) => heard.push(change))
  const { modseq } = await ann.add(inbox, someMessages(3))
  while (heard.length === 0) await setTimeout(1)
  assert.deepEqual(heard, [{ account: ann.ref.id, mailbox: inbox, modseq, kind: 'messages', by: 'contract' }])
  assert.equal((await other.mailbox(ann.ref, inbox))?.messages, 3)
})

test('a commit wakes only threads that have somebody to tell', async () => {
  await using store = await openTestStore()
  const [ann, bob] = [await store.world.person(), await store.world.person()]
  const inbox = (await ann.inbox()).key
  const { ports, interest } = store.host.connect()
  const told: (readonly Change[])[] = []
  ports[0]?.on('message', (message: AnswerMessage) => told.push(unpackAnswers(message)[1]))
  await ann.add(inbox, [messageOf()])
  // it answers once it has told everybody
  await store.host.status()
  const stop = new Interest(interest).inAccount(ann.ref.id)
  await bob.make('elsewhere')
  const { modseq } = await ann.add(inbox, [messageOf()])
  await store.host.status()
  stop()
  await ann.add(inbox, [messageOf()])
  await store.host.status()
  new Interest(interest).inEverything()
  const last = await ann.add(inbox, [messageOf()])
  while (told.length < 2) await setTimeout(1)
  assert.deepEqual(
    told.map((changes) => changes.map((change) => change.modseq)),
    [[modseq], [last.modseq]],
  )
  for (const port of ports) port.close()
})

/** Enough that some come within the time that changes are gathered for, on any machine. */
const MESSAGES = 20

test('who hears later is told of many batches in one go, and who hears nothing is not', async () => {
  await using store = await openTestStore()
  const ann = await store.world.person()
  const inbox = (await ann.inbox()).key
  await using later = openEmbeddedStore(store.host.connect('later'), systemClock)
  await using deaf = openEmbeddedStore(store.host.connect('nothing'), systemClock)
  const heard: Change[] = []
  later.watch(ann.ref.id, (change) => heard.push(change))
  deaf.watchAll(() => assert.fail('it heard of a change'))
  for (let message = 0; message < MESSAGES - 1; message += 1) await ann.add(inbox, [messageOf()])
  const { modseq } = await ann.add(inbox, [messageOf()])
  while (heard.at(-1)?.modseq !== modseq) await setTimeout(5)
  assert.ok(heard.length < MESSAGES)
  const request = { account: ann.ref, by: 'deaf', mailbox: inbox, messages: [messageOf()] }
  assert.ok((await deaf.write('append', request)).ok)
})

test('a connection works in another thread', async () => {
  await using store = await openTestStore()
  const ann = await store.world.person()
  const inbox = (await ann.inbox()).key
  const connection = store.host.connect()
  const { port1, port2 } = new MessageChannel()
  const worker = new Worker(
    `const { workerData } = require('node:worker_threads')
     import(workerData.store).then(async ({ openEmbeddedStore }) => {
       const store = openEmbeddedStore(workerData.connection)
       const answer = await store.write('append', workerData.request)
       workerData.port.postMessage(answer)
       await store[Symbol.asyncDispose]()
       workerData.port.close()
     })`,
    {
      eval: true,
      workerData: {
        store: new URL('./embedded-store.ts', import.meta.url).href,
        connection,
        port: port2,
        request: { account: ann.ref, by: 'there', mailbox: inbox, messages: [messageOf()] },
      },
      transferList: [...connection.ports, port2],
    },
  )
  const [answer] = (await once(port1, 'message')) as [{ readonly ok: boolean }]
  assert.equal(answer.ok, true)
  await once(worker, 'exit')
  assert.equal((await ann.inbox()).messages, 1)
})

test('closing finishes what was asked', async () => {
  const directory = await newFolder()
  const store = await openTestStore({ directory })
  const ann = await store.world.person()
  const inbox = (await ann.inbox()).key
  const asked = Array.from({ length: 50 }, () => ann.write('append', { mailbox: inbox, messages: [messageOf()] }))
  await store[Symbol.asyncDispose]()
  assert.ok((await Promise.all(asked)).every((answer) => answer.ok))
  const late = await ann.write('append', { mailbox: inbox, messages: [messageOf()] })
  assert.deepEqual(late, { ok: false, error: { kind: 'unavailable', reason: 'closing' } })
  await rm(directory, { recursive: true })
})
