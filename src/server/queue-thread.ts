/** Entry of the queue thread: the only one that changes the queue. @module */
import { setTimeout as delay } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { openQueue } from '#adapters/sqlite/queue.ts'
import type { Outcome } from '#store/queue.ts'
import { createLog } from './log.ts'
import {
  answerQuestion,
  type FromQueue,
  type OutcomeCounts,
  type QueueThreadStart,
  type QueueVerb,
  type ToQueue,
} from './queue-protocol.ts'
import type { Sending, SendingLink } from './queue-sender.ts'

/** How late the main thread hears of outcomes, at most. */
const COUNT_MS = 500
/** Who has just woken the thread is answered before what sending needs is loaded, which takes a while. */
const FIRST_MS = 20
const NONE: OutcomeCounts = { delivered: 0, deferred: 0, failed: 0 }

const port = parentPort
if (port === null) throw new Error('This module is the entry of a worker')
const { directory, settings, sending: sendingSettings, link, logLevel } = workerData as QueueThreadStart
const say = (message: FromQueue): void => port.postMessage(message)

let counts = NONE
let telling: NodeJS.Timeout | undefined
/** The disk failed: nobody knows what of the last commit is on it, so nobody is answered. */
let broken = false

const store = await openQueue({
  directory,
  historyDays: settings.historyDays,
  // A new thread opens it again, and knows what has been kept.
  broken: (error) => {
    broken = true
    setImmediate(() => {
      throw error
    })
  },
  recorded: count,
})

const log = createLog(logLevel, { thread: 'queue' })
let sending: Sending | undefined
const starting = link && beginSending(link)

port.on('message', (message: ToQueue) => {
  if (message.kind === 'stop') {
    void stop()
    return
  }
  const { id, question } = message
  answerQuestion(store, question).then(
    (value) => {
      say({ kind: 'answer', id, value })
      heed(question[0])
    },
    (error: unknown) => {
      if (!broken) say({ kind: 'fault', id, message: String(error) })
    },
  )
})
say({ kind: 'ready' })

async function beginSending(to: SendingLink): Promise<void> {
  await delay(FIRST_MS)
  const { startSending } = await import('./queue-sender.ts')
  sending = await startSending(store, directory, sendingSettings, to, log)
  sending.scheduler.poke()
}

/** What was asked may have changed what is due. */
function heed(verb: QueueVerb): void {
  switch (verb) {
    case 'enqueue':
      return sending?.scheduler.poke()
    case 'retry':
      return sending?.scheduler.retry()
    case 'hold':
    case 'release':
    case 'drop':
    case 'setStandingHold':
      return sending?.scheduler.changed()
    case 'count':
    case 'list':
    case 'history':
    case 'standingHolds':
    case 'size':
      return undefined
  }
}

function count(outcomes: readonly Outcome[]): void {
  for (const { attempt } of outcomes) counts = { ...counts, [attempt.outcome]: counts[attempt.outcome] + 1 }
  telling ??= setTimeout(tell, COUNT_MS).unref()
}

function tell(): void {
  clearTimeout(telling)
  telling = undefined
  if (counts !== NONE) say({ kind: 'outcomes', counts })
  counts = NONE
}

async function stop(): Promise<void> {
  await starting
  await sending?.stop()
  await store[Symbol.asyncDispose]()
  tell()
  port?.close()
}
