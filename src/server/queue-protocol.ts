/** What the main thread asks the queue thread, and what it hears from it. @module */
import type { Config } from '#config/config.ts'
import type { Attempt, QueueStore } from '#store/queue.ts'
import type { SendingLink, SendingSettings } from './queue-sender.ts'

/** What others may ask of the queue; the rest of it belongs to the thread that sends. */
export type QueueVerb =
  | 'enqueue'
  | 'list'
  | 'count'
  | 'history'
  | 'hold'
  | 'release'
  | 'retry'
  | 'drop'
  | 'standingHolds'
  | 'setStandingHold'
  | 'size'

export type QueueAnswer<V extends QueueVerb> = Awaited<ReturnType<QueueStore[V]>>

/** A verb with its arguments. */
export type QueueQuestion = { [V in QueueVerb]: readonly [verb: V, ...args: Parameters<QueueStore[V]>] }[QueueVerb]

/** How often something came of a try. */
export type OutcomeCounts = Readonly<Record<Attempt['outcome'], number>>

/** How the thread is started; cloneable. */
export interface QueueStart {
  /** The folder `queue/`. */
  readonly directory: string
  readonly settings: Config['queue']
  readonly sending: SendingSettings
  readonly logLevel: Config['log']['level']
}

/** What a thread is started with; without a link it keeps the queue and sends nothing. */
export interface QueueThreadStart extends QueueStart {
  readonly link: SendingLink | undefined
}

export type ToQueue =
  | { readonly kind: 'ask'; readonly id: number; readonly question: QueueQuestion }
  /** Finishes what is in flight, then ends the thread. */
  | { readonly kind: 'stop' }

export type FromQueue =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'fault'; readonly id: number; readonly message: string }
  /** Since it last said so. */
  | { readonly kind: 'outcomes'; readonly counts: OutcomeCounts }

/** Asks a store what was asked of its thread. */
export function answerQuestion(store: Pick<QueueStore, QueueVerb>, question: QueueQuestion): Promise<unknown> {
  switch (question[0]) {
    case 'enqueue':
      return store.enqueue(question[1])
    case 'list':
      return store.list(question[1], question[2], question[3])
    case 'count':
      return store.count(question[1])
    case 'history':
      return store.history(question[1])
    case 'hold':
      return store.hold(question[1], question[2])
    case 'release':
      return store.release(question[1])
    case 'retry':
      return store.retry(question[1], question[2])
    case 'drop':
      return store.drop(question[1], question[2])
    case 'standingHolds':
      return store.standingHolds()
    case 'setStandingHold':
      return store.setStandingHold(question[1], question[2])
    case 'size':
      return store.size()
  }
}
