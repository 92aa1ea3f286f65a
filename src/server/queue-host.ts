/**
 * The main thread's side of the queue: starts its thread at the first message, or where mail waits from before, ends it
 * when nothing has been in it for a while, and starts it again when it dies.
 * @module
 */
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type MessagePort, Worker } from 'node:worker_threads'
import { QueueFiles } from '#adapters/sqlite/queue-files.ts'
import { peekQueue, type QueueGlimpse } from '#adapters/sqlite/queue-peek.ts'
import { done, type Result, refused } from '#lib/result.ts'
import { withOwnYoungGeneration } from '#lib/young-generation.ts'
import { buffersOf, serveOutbox } from '#services/remote-outbox.ts'
import type { Log } from '#services/session-deps.ts'
import { NewerFormat } from '#store/newer-format.ts'
import type { EnqueueRefusal, NewMessage, Outbox, StandingHold } from '#store/queue.ts'
import { answerOfNone, NO_OUTCOMES, type QueueDesk, type QueueStatus } from './queue-desk.ts'
import type { QueueLink } from './queue-link.ts'
import type {
  FromQueue,
  QueueAnswer,
  QueueQuestion,
  QueueStart,
  QueueThreadStart,
  QueueVerb,
  ToQueue,
} from './queue-protocol.ts'

/** How often an empty queue is noticed; it has been for as long when its thread ends. */
const REST_MS = 60_000
/** What the thread makes is soon garbage: more room for it only takes memory. */
const YOUNG_MEGABYTES = 6
/** A thread that dies is started again after this, then after twice as long … */
const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 60_000
/** How long the answer about a message waits for the next thread. */
const DOUBT_MS = 15_000
/** What is in flight when the server stops has this long. */
const STOP_MS = 10_000

export interface QueueHostOptions {
  readonly start: QueueStart
  readonly log: Log
  /** Connects each new thread; absent: nothing is sent. */
  readonly connect?: () => QueueLink
  /** For tests. */
  readonly restMs?: number
}

/** The thread is not there. */
class QueueGone extends Error {
  override readonly name = 'QueueGone'
  /** It was asked, and ended before it answered: it may have done it. */
  readonly asked: boolean

  constructor(message: string, asked = false) {
    super(message)
    this.asked = asked
  }
}

interface Waiter {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

interface Thread {
  readonly worker: Worker
  readonly ready: Promise<void>
  readonly ended: Promise<void>
  readonly waiting: Map<number, Waiter>
}

/** See the module. */
export class QueueHost implements QueueDesk {
  readonly #options: QueueHostOptions
  readonly #files: QueueFiles
  #thread: Thread | undefined
  /** Set while a thread ends as it should; the next one begins afterwards. */
  #ending: Promise<void> | undefined
  /** After a thread died. */
  #pause: NodeJS.Timeout | undefined
  #pauseMs = FIRST_PAUSE_MS
  #rest: NodeJS.Timeout | undefined
  /** Something was asked since the last look. */
  #asked = false
  /** It is being asked how much there is. */
  #looking = false
  /** There is a database. */
  #made = false
  /** As they are on disk. */
  #holds: readonly StandingHold[] = []
  #outcomes = NO_OUTCOMES
  #restarts = 0
  #lastId = 0
  #closing: Promise<void> | undefined

  constructor(options: QueueHostOptions) {
    this.#options = options
    this.#files = new QueueFiles(options.start.directory)
  }

  /** The folder `queue/`. */
  get directory(): string {
    return this.#options.start.directory
  }

  /** Starts the thread where mail waits, without waiting for it. @throws {NewerFormat} */
  start(): void {
    const glimpse = this.#peek()
    this.#made = glimpse !== undefined
    this.#holds = glimpse?.holds ?? []
    if (glimpse?.mail === true) this.#begin()
  }

  #peek(): QueueGlimpse | undefined {
    try {
      return peekQueue(this.directory)
    } catch (error) {
      if (error instanceof NewerFormat) throw error
      // People can still read their mail.
      this.#options.log.error({ error }, 'the queue cannot be opened: nothing goes to other servers')
      return { mail: true, holds: [] }
    }
  }

  /** Its thread runs; without one nothing waits. */
  get running(): boolean {
    return this.#thread !== undefined
  }

  /** The way into the queue for sessions of this thread. */
  outbox(): Outbox {
    return { stage: () => this.#files.stage(), enqueue: (messages) => this.enqueue(messages) }
  }

  /** Lets another thread enqueue, until the port closes. */
  serve(port: MessagePort): void {
    serveOutbox(this, port)
  }

  async enqueue(messages: readonly NewMessage[]): Promise<Result<void, EnqueueRefusal>> {
    try {
      return await this.ask('enqueue', messages)
    } catch (error) {
      if (!(error instanceof QueueGone)) throw error
      if (error.asked && (await this.#hasKept(messages))) return done(undefined)
      // Its bodies stay: a message may have come in that names them.
      return refused({ kind: 'unavailable' })
    }
  }

  /**
   * Asks the next thread for what the last one has left unanswered: all of it is in the queue, or nothing. Whoever heard
   * of a refusal would send again what is there already.
   */
  async #hasKept([first]: readonly NewMessage[]): Promise<boolean> {
    const until = performance.now() + DOUBT_MS
    while (first !== undefined && this.#closing === undefined && performance.now() < until) {
      try {
        return (await this.ask('history', first.id)) !== undefined
      } catch (error) {
        if (!(error instanceof QueueGone)) throw error
        await delay(FIRST_PAUSE_MS)
      }
    }
    return false
  }

  async ask<V extends QueueVerb>(
    ...question: Extract<QueueQuestion, readonly [V, ...(readonly unknown[])]>
  ): Promise<QueueAnswer<V>> {
    // Each verb has its answer; the port does not know which.
    const value = (await this.#ask(question)) as QueueAnswer<V>
    if (question[0] === 'setStandingHold') this.#holds = await this.ask('standingHolds')
    return value
  }

  async status(): Promise<QueueStatus> {
    // A thread is never started to say that there is nothing.
    const size = this.#thread === undefined ? { waiting: 0, held: 0, messages: 0, bytes: 0 } : await this.ask('size')
    return {
      ...size,
      holds: this.#holds,
      outcomes: this.#outcomes,
      failing: this.#pause !== undefined,
      restarts: this.#restarts,
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearTimeout(this.#pause)
    await this.#ending
    await this.#end()
  }

  async #ask(question: QueueQuestion): Promise<unknown> {
    // Who only looks how much there is does not keep it awake.
    this.#asked ||= question[0] !== 'size'
    const none = this.#made ? undefined : answerOfNone(question[0])
    if (none !== undefined) return none.value
    await this.#ending
    if (this.#pause !== undefined) throw new QueueGone('The thread of the queue is being started again')
    if (this.#thread === undefined && this.#closing !== undefined) throw new QueueGone('The server is stopping')
    const thread = this.#thread ?? this.#begin()
    await thread.ready
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve, reject) => {
      thread.waiting.set(id, { resolve, reject })
      const handed = question[0] === 'enqueue' ? buffersOf(question[1]) : []
      thread.worker.postMessage({ kind: 'ask', id, question } satisfies ToQueue, handed)
    })
  }

  #begin(): Thread {
    const { start, log } = this.#options
    this.#made = true
    const link = this.#options.connect?.()
    const workerData: QueueThreadStart = {
      ...start,
      link: link && { store: link.store, registry: link.registry, senderKey: link.senderKey },
    }
    const entry = new URL(`./queue-thread${path.extname(import.meta.filename)}`, import.meta.url)
    const worker = withOwnYoungGeneration(
      () =>
        new Worker(entry, {
          workerData,
          transferList: link === undefined ? [] : [link.registry, ...link.store.ports],
          name: 'queue',
          resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
        }),
    )
    const ready = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<void>()
    const thread: Thread = { worker, ready: ready.promise, ended: ended.promise, waiting: new Map() }
    this.#thread = thread
    // Who waits for it hears of it, too.
    thread.ready.catch(() => undefined)
    worker.on('message', (message: FromQueue) => {
      if (message.kind === 'ready') ready.resolve()
      else this.#heard(thread, message)
    })
    worker.on('error', (error) => log.error({ error }, 'the thread of the queue failed'))
    worker.on('exit', () => {
      link?.end()
      const gone = new QueueGone('The thread of the queue ended')
      ready.reject(gone)
      const unanswered = new QueueGone('The thread of the queue ended before it answered', true)
      for (const { reject } of thread.waiting.values()) reject(unanswered)
      this.#thread = undefined
      clearInterval(this.#rest)
      if (this.#ending === undefined && this.#closing === undefined) this.#beginAgain()
      ended.resolve()
    })
    this.#rest = setInterval(() => void this.#restIfEmpty(thread), this.#options.restMs ?? REST_MS).unref()
    return thread
  }

  #heard(thread: Thread, message: Exclude<FromQueue, { readonly kind: 'ready' }>): void {
    if (message.kind === 'outcomes') {
      const { delivered, deferred, failed } = message.counts
      const before = this.#outcomes
      this.#outcomes = {
        delivered: before.delivered + delivered,
        deferred: before.deferred + deferred,
        failed: before.failed + failed,
      }
      return
    }
    // One that works is no longer one that dies again and again.
    this.#pauseMs = FIRST_PAUSE_MS
    const waiter = thread.waiting.get(message.id)
    thread.waiting.delete(message.id)
    if (message.kind === 'answer') waiter?.resolve(message.value)
    else waiter?.reject(new Error(`The queue failed: ${message.message}`))
  }

  #beginAgain(): void {
    this.#restarts += 1
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      this.#begin()
    }, this.#pauseMs).unref()
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * this.#pauseMs)
  }

  async #restIfEmpty(thread: Thread): Promise<void> {
    if (this.#looking) return
    if (this.#asked) {
      this.#asked = false
      return
    }
    this.#looking = true
    try {
      const { messages } = await this.ask('size')
      // What is on its way into the queue is in no answer yet.
      if (messages > 0 || this.#asked || thread.waiting.size > 0 || this.#thread !== thread) return
    } catch (error) {
      if (error instanceof QueueGone) return
      throw error
    } finally {
      this.#looking = false
    }
    this.#ending = this.#end().finally(() => {
      this.#ending = undefined
    })
  }

  async #end(): Promise<void> {
    const thread = this.#thread
    if (thread === undefined) return
    const { worker, ended } = thread
    worker.postMessage({ kind: 'stop' } satisfies ToQueue)
    const late = setTimeout(() => {
      this.#options.log.warn({}, 'the thread of the queue did not end in time')
      void worker.terminate()
    }, STOP_MS)
    await ended
    clearTimeout(late)
  }
}
