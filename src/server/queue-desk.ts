/** Where the rest of the server asks about the queue, whoever has it open. @module */
import path from 'node:path'
import { peekQueue } from '#adapters/sqlite/queue-peek.ts'
import type { Config } from '#config/config.ts'
import type { QueueStore, StandingHold } from '#store/queue.ts'
import {
  answerQuestion,
  type OutcomeCounts,
  type QueueAnswer,
  type QueueQuestion,
  type QueueStart,
  type QueueVerb,
} from './queue-protocol.ts'

/** How the queue is. */
export interface QueueStatus {
  readonly waiting: number
  readonly held: number
  readonly messages: number
  readonly bytes: number
  /** When the oldest message came, in milliseconds since 1970. */
  readonly oldest?: number
  readonly holds: readonly StandingHold[]
  /** Since the server runs. */
  readonly outcomes: OutcomeCounts
  /** Its thread has died and is started again in a while: nothing is taken or sent, and nobody knows what waits. */
  readonly failing: boolean
  /** Threads of the queue that ended by themselves. */
  readonly restarts: number
}

/** See the module. */
export interface QueueDesk extends AsyncDisposable {
  ask<V extends QueueVerb>(
    ...question: Extract<QueueQuestion, readonly [V, ...(readonly unknown[])]>
  ): Promise<QueueAnswer<V>>
  status(): Promise<QueueStatus>
}

/** What the queue of an installation is opened with. @param authorities PEM of `queue.ca`, for sending. */
export function queueStart(config: Config, authorities?: string): QueueStart {
  const { data, hostname, queue, routes, dns, smtp, log } = config
  const sending = { data, hostname, queue, routes, dns, checked: smtp.checks !== undefined, authorities }
  return { directory: path.join(data, 'queue'), settings: queue, sending, logLevel: log.level }
}

export const NO_OUTCOMES: OutcomeCounts = { delivered: 0, deferred: 0, failed: 0 }

/** What a queue that nobody has made yet would answer; `undefined`: it must be made for that. */
export function answerOfNone(verb: QueueVerb): { readonly value: unknown } | undefined {
  switch (verb) {
    case 'enqueue':
    case 'setStandingHold':
      return undefined
    case 'list':
    case 'standingHolds':
      return { value: [] }
    case 'history':
      return { value: undefined }
    case 'count':
    case 'hold':
    case 'release':
    case 'retry':
    case 'drop':
      return { value: 0 }
    case 'size':
      return { value: { waiting: 0, held: 0, messages: 0, bytes: 0 } }
  }
}

/** The queue in this process, while no server runs: opened when it is asked for, and nothing is sent. */
export class LocalQueueDesk implements QueueDesk {
  readonly #start: QueueStart
  #store: Promise<QueueStore> | undefined

  constructor(start: QueueStart) {
    this.#start = start
  }

  async ask<V extends QueueVerb>(
    ...question: Extract<QueueQuestion, readonly [V, ...(readonly unknown[])]>
  ): Promise<QueueAnswer<V>> {
    const none = answerOfNone(question[0])
    // Each verb has its answer; the switches do not know which.
    if (this.#store === undefined && none !== undefined && peekQueue(this.#start.directory) === undefined)
      return none.value as QueueAnswer<V>
    this.#store ??= this.#open()
    return (await answerQuestion(await this.#store, question)) as QueueAnswer<V>
  }

  async #open(): Promise<QueueStore> {
    const { openQueue } = await import('#adapters/sqlite/queue.ts')
    const { directory, settings } = this.#start
    return openQueue({ directory, historyDays: settings.historyDays })
  }

  async status(): Promise<QueueStatus> {
    return {
      ...(await this.ask('size')),
      holds: await this.ask('standingHolds'),
      outcomes: NO_OUTCOMES,
      failing: false,
      restarts: 0,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#store)?.[Symbol.asyncDispose]()
  }
}
