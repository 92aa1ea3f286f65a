/** One message that is due, to its destination: over a kept connection or a new one, or into mailboxes here. @module */
import type { Clock } from '#lib/clock.ts'
import type { Log } from '#services/session-deps.ts'
import type { DueMessage, NewMessage, QueuedMessage, QueuedRecipient, QueueStore } from '#store/queue.ts'
import type { NoConnection } from './connections.ts'
import {
  type HandedOver,
  type HandingOverDeps,
  handOver,
  nobodyReached,
  recipientsOf,
  wasClosed,
} from './handing-over.ts'
import { jobKey, type Lane } from './lanes.ts'
import type { Recorder, SendingState } from './recorder.ts'
import type { Routes } from './routes.ts'
import { OutboundConnection } from './transport.ts'

/** Mail for our own people: reports, mostly. */
export interface LocalDelivery {
  /** Whether mail for this domain stays here. */
  isLocal(domain: string): Promise<boolean>
  /** Into the mailbox, on disk; where the address leads to other servers, what goes there. */
  deliver(
    message: QueuedMessage,
    recipient: QueuedRecipient,
    body: AsyncIterable<Uint8Array>,
  ): Promise<{
    readonly outcome: 'delivered' | 'deferred' | 'failed'
    readonly words: string
    readonly onward?: readonly NewMessage[]
  }>
}

export interface AgentDeps extends HandingOverDeps {
  readonly store: Pick<QueueStore, 'body'>
  readonly routes: Routes
  readonly local?: LocalDelivery | undefined
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
}

/** One of those who work for a lane. */
export interface Hands {
  /** It has had a connection. */
  connected: boolean
  /** It gives its place back, and is no longer counted. */
  left: boolean
}

/** Of whoever shares out the work. */
interface Turns {
  /** Due there, and in nobody's hands. */
  waitingFor(lane: Lane): Promise<readonly DueMessage[]>
  /** One of those, in our hands while it is worked at; nothing where it is in others'. */
  hold(lane: Lane, job: DueMessage, work: () => Promise<void>): Promise<void>
  /** Something may be due that was not. */
  poke(): void
}

/** How often, while a destination is found not to answer. */
const MOST_RUNS = 1_000

/** Does what the scheduler gives it; any number at once. */
export class DeliveryAgent {
  readonly #deps: AgentDeps
  readonly #state: Readonly<SendingState>
  readonly #recorder: Recorder
  readonly #turns: Turns

  constructor(deps: AgentDeps, state: Readonly<SendingState>, recorder: Recorder, turns: Turns) {
    this.#deps = deps
    this.#state = state
    this.#recorder = recorder
    this.#turns = turns
  }

  /** What became of it is on disk when this settles. */
  async deliver(lane: Lane, job: DueMessage, hands: Hands): Promise<void> {
    if (lane.local) await this.#deliverHere(job)
    else await this.#send(lane, job, hands)
  }

  async #send(lane: Lane, job: DueMessage, hands: Hands): Promise<void> {
    const { connections } = this.#deps
    const kept = connections.idle(lane.key)
    if (kept !== undefined) {
      const handed = await this.#over(lane, job, kept, hands)
      if (!wasClosed(kept, handed)) return this.#recorder.record(job, handed)
      if (this.#state.stopping) return
    }
    const changes = this.#state.changes
    const opened = await connections
      .open(domainOf(job), job.message.tlsOptional)
      .catch((error: unknown) => this.#ownFault(job, error))
    const isOpen = opened instanceof OutboundConnection
    if (isOpen && lane.answered()) this.#turns.poke()
    // it may have been held or dropped; and when we stop, it might be taken when nothing can be recorded any more
    if (this.#state.changes !== changes || (isOpen && this.#state.stopping)) {
      if (isOpen) connections.release(lane.key, opened)
      return
    }
    if (!isOpen) return this.#reachedNobody(lane, job, opened, hands)
    await this.#recorder.record(job, await this.#over(lane, job, opened, hands))
  }

  async #over(
    lane: Lane,
    job: DueMessage,
    connection: OutboundConnection,
    hands: Hands,
  ): Promise<readonly HandedOver[]> {
    if (!hands.connected) lane.connected += 1
    hands.connected = true
    try {
      return await handOver(job, connection, this.#deps)
    } catch (error) {
      connection.destroy('The message could not be sent')
      return this.#unreadable(job, error)
    } finally {
      this.#deps.connections.release(lane.key, connection)
    }
  }

  /** All that is due there has the same outcome, without another try. */
  async #reachedNobody(lane: Lane, job: DueMessage, reason: NoConnection, hands: Hands): Promise<void> {
    const { routes, connections, clock, random, log } = this.#deps
    if (this.#state.aborted) return
    const others = lane.connected - (hands.connected ? 1 : 0) + connections.kept(lane.key)
    if (others > 0) {
      // they are served, or were a moment ago: it takes no more of us at once
      lane.limit = others
      return
    }
    // what is wrong with a smarthost is no fault of the mail
    const isSmarthost = routes.settingFor(domainOf(job))?.host !== undefined
    const none = isSmarthost ? { ...reason, outcome: 'deferred' as const } : reason
    // two found out at once: the first tells all
    const known = lane.blockedUntil > clock.now()
    if (!known) {
      lane.silent(clock.now(), random())
      log.info({ destination: lane.key, result: none.outcome, reply: none.words }, 'nobody could be reached')
    }
    await this.#recorder.record(job, nobodyReached(job, none))
    if (known) return
    await lane.refilling
    lane.ready = []
    const tried = new Set([jobKey(job)])
    for (let run = 0; run < MOST_RUNS; run += 1) {
      const waiting = this.#state.stopping ? [] : await this.#turns.waitingFor(lane)
      const rest = waiting.filter((one) => !tried.has(jobKey(one)))
      if (rest.length === 0) return
      const optional = none.isTls === true ? rest.find(({ message }) => message.tlsOptional === true) : undefined
      if (optional !== undefined) {
        tried.add(jobKey(optional))
        await this.#turns.hold(lane, optional, () => this.#send(lane, optional, hands))
        continue
      }
      await this.#recorder.recordAll(
        rest.map((one) => ({ job: one, handed: nobodyReached(one, { ...none, host: undefined }) })),
      )
    }
  }

  async #deliverHere(job: DueMessage): Promise<void> {
    const { local, store } = this.#deps
    if (local === undefined) return
    const handed: HandedOver[] = []
    const onward: NewMessage[] = []
    try {
      for (const recipient of recipientsOf(job)) {
        const body = await store.body(job.message)
        const { onward: more = [], ...result } = await local.deliver(job.message, recipient, body)
        onward.push(...more)
        handed.push({ recipient, result, host: undefined, tls: undefined, reports: true })
      }
    } catch (error) {
      const done = new Set(handed.map(({ recipient }) => recipient))
      handed.push(...this.#unreadable(job, error).filter(({ recipient }) => !done.has(recipient)))
    }
    await this.#recorder.recordAll([{ job, handed }], onward)
  }

  /** A fault about one message does not keep the others. */
  #unreadable(job: DueMessage, error: unknown): readonly HandedOver[] {
    return nobodyReached(job, this.#ownFault(job, error))
  }

  #ownFault({ message }: DueMessage, error: unknown): NoConnection {
    this.#deps.log.error({ message: message.id, error }, 'a message could not be sent')
    return { outcome: 'deferred', words: '4.3.0 A fault of this server', host: undefined }
  }
}

/** Lower case, as the routes have it. */
function domainOf(job: DueMessage): string {
  const address = recipientsOf(job)[0]?.address ?? ''
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase()
}
