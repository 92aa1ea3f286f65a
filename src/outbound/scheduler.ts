/**
 * Sends what is due: by destination, so many connections to each and in all, one try where a destination does not answer,
 * each outcome on disk before the next message.
 *
 * Invariants: a recipient is in one pair of hands at most; what a server has taken is recorded before anything else is
 * done with that message; after {@link Scheduler.stop} nothing touches the store.
 * @module
 */
import type { Clock } from '#lib/clock.ts'
import type { Log } from '#services/session-deps.ts'
import type { DueMessage, NewMessage, QueuedMessage, QueuedRecipient, QueueStage, QueueStore } from '#store/queue.ts'
import type { Connections, NoConnection } from './connections.ts'
import { type HandedOver, handOver, nobodyReached, recipientsOf, wasClosed } from './handing-over.ts'
import { inTurn, jobKey, Lane } from './lanes.ts'
import { type Settled, settle } from './outcomes.ts'
import { Places } from './places.ts'
import { reportsOf } from './reports.ts'
import type { Routes } from './routes.ts'
import type { Patience } from './schedule.ts'
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

export interface SchedulerSettings extends Patience {
  readonly connections: number
  readonly connectionsPerDestination: number
  /** 0: no limit. */
  readonly messagesPerMinute: number
}

export interface SchedulerDeps {
  readonly store: QueueStore
  readonly stage: () => QueueStage
  readonly routes: Routes
  readonly connections: Connections
  readonly local?: LocalDelivery | undefined
  readonly sign: (message: QueuedMessage) => Promise<Uint8Array>
  readonly settings: SchedulerSettings
  readonly hostname: string
  readonly clock: Clock
  /** Calls back after so many milliseconds, unless what it gives is called before. */
  readonly after: (ms: number, run: () => void) => () => void
  readonly random: () => number
  readonly log: Log
  /** Destinations looked at in one turn, beside those that did not answer; suites say fewer. */
  readonly mostDestinations?: number
}

/** One of those who work for a lane. */
interface Hands {
  /** It has had a connection. */
  connected: boolean
  /** It gives its place back, and is no longer counted. */
  left: boolean
}

/** Destinations looked at in one turn, as many that did not answer beside them, and messages of one fetched together. */
const MOST_DESTINATIONS = 1_000
const MOST_SILENT = 10_000
const FETCHED = 100
/** How often, while a destination is found not to answer. */
const MOST_RUNS = 1_000
/** Messages after which somebody else may have the place, when others wait for one. */
const SHARE = 10
/** Between two turns; a turn that took long is not followed by another soon. */
const PAUSE_MS = 5
const PAUSE_FACTOR = 4
/** After a fault of ours. */
const FAULT_MS = 60_000
const RECORD_AGAIN_MS = 2_000
const STOP_MS = 9_000
/** How long is known which domains are ours. */
const LOCAL_MS = 30_000

export class Scheduler {
  readonly #deps: SchedulerDeps
  readonly #lanes = new Map<string, Lane>()
  readonly #inHands = new Set<string>()
  readonly #workers = new Set<Promise<void>>()
  readonly #localDomains = new Map<string, { readonly local: boolean; readonly until: number }>()
  /** Somebody waits for a place. */
  #hungry = false
  #turning: Promise<void> | undefined
  #again = false
  #cancelTurn: (() => void) | undefined
  #cancelWake: (() => void) | undefined
  /** Counted, so that who has waited for a connection meanwhile looks again. */
  #changes = 0
  #stopping = false
  #aborted = false

  constructor(deps: SchedulerDeps) {
    this.#deps = deps
  }

  /** Something may be due that was not. */
  poke(): void {
    if (this.#stopping) return
    if (this.#turning !== undefined) this.#again = true
    else this.#soon(PAUSE_MS)
  }

  /** What waits is to be tried now, also where nobody answered a moment ago. */
  retry(): void {
    for (const lane of this.#lanes.values()) if (lane.failures > 0) lane.blockedUntil = 0
    this.poke()
  }

  /** Somebody changed what waits: nothing that was fetched before counts. */
  changed(): void {
    this.#changes += 1
    for (const lane of this.#lanes.values()) lane.ready = []
    this.poke()
  }

  /** No new messages; what is in flight ends, or stays in the queue. Within ten seconds. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#cancelTurn?.()
    this.#cancelWake?.()
    await this.#turning
    const { connections, after } = this.#deps
    const idle = connections.close()
    let cancel = (): void => undefined
    const late = new Promise<void>((resolve) => {
      cancel = after(STOP_MS, () => {
        this.#aborted = true
        connections.destroy()
        resolve()
      })
    })
    await Promise.race([Promise.all([idle, ...this.#workers]), late])
    cancel()
    this.#aborted = true
    connections.destroy()
  }

  #soon(ms: number): void {
    if (this.#cancelTurn !== undefined) return
    this.#cancelTurn = this.#deps.after(ms, () => {
      this.#cancelTurn = undefined
      const begun = performance.now()
      this.#turning = this.#turn()
        .catch((error: unknown) => this.#fault(error, 'the queue could not be looked through'))
        .finally(() => {
          this.#turning = undefined
          if (!this.#again || this.#stopping) return
          this.#again = false
          this.#soon(Math.max(PAUSE_MS, PAUSE_FACTOR * (performance.now() - begun)))
        })
    })
  }

  #fault(error: unknown, message: string): void {
    this.#deps.log.error({ error }, message)
    if (!this.#stopping) this.#soon(FAULT_MS)
  }

  /** Looks what is due and gives it to as many as there is room for. */
  async #turn(): Promise<void> {
    const { store, clock, settings } = this.#deps
    const lanes = await this.#lookThrough()
    const now = clock.now()
    this.#hungry = false
    const open = lanes.filter((lane) => lane.blockedUntil <= now)
    const places = new Places(this.#lanes.values(), settings.connections)
    // one for each before a second for anybody
    for (let round = 0; round < settings.connectionsPerDestination; round += 1) {
      for (const lane of open) {
        if (lane.active > round || lane.room(settings.connectionsPerDestination) === 0) continue
        const answer = places.take(lane)
        if (answer === 'taken') this.#start(lane)
        else if (answer === 'full') this.#hungry = true
      }
    }
    const blocked = lanes.flatMap(({ blockedUntil }) => (blockedUntil > now ? [blockedUntil] : []))
    const next = Math.min((await store.nextDue(now)) ?? Number.POSITIVE_INFINITY, ...blocked)
    this.#cancelWake?.()
    this.#cancelWake = undefined
    if (this.#stopping || !Number.isFinite(next)) return
    // a timer has no more than 24 days
    this.#cancelWake = this.#deps.after(Math.min(Math.max(next - clock.now(), 0), 86_400_000), () => this.poke())
  }

  /** Lanes with mail that is due, those first where some has been for longest. */
  async #lookThrough(): Promise<readonly Lane[]> {
    const { store, clock, settings, mostDestinations = MOST_DESTINATIONS } = this.#deps
    const found = new Map<Lane, { domains: string[]; messages: number }>()
    // those in hands are still due
    const most = 2 * settings.connectionsPerDestination
    // those that nobody answers at must not hide others
    const silent = [...this.#lanes.values()].filter(({ failures }) => failures > 0).length
    const limit = mostDestinations + Math.min(silent, MOST_SILENT)
    for (const { domain, messages } of await store.destinations(clock.now(), limit, most)) {
      const lane = await this.#laneOf(domain)
      const one = found.get(lane) ?? { domains: [], messages: 0 }
      found.set(lane, one)
      one.domains.push(domain)
      one.messages += messages
    }
    for (const [key, lane] of this.#lanes) {
      const one = found.get(lane)
      lane.domains = one?.domains ?? []
      lane.messages = one?.messages ?? 0
      if (lane.isOver(clock.now())) this.#lanes.delete(key)
    }
    return [...found.keys()]
  }

  async #laneOf(domain: string): Promise<Lane> {
    const { local, routes } = this.#deps
    const isLocal = local !== undefined && (await this.#isLocal(local, domain))
    const key = isLocal ? '' : routes.keyOf(domain)
    const lane = this.#lanes.get(key) ?? new Lane(key, isLocal)
    this.#lanes.set(key, lane)
    return lane
  }

  async #isLocal(local: LocalDelivery, domain: string): Promise<boolean> {
    const now = this.#deps.clock.now()
    const known = this.#localDomains.get(domain)
    if (known !== undefined && known.until > now) return known.local
    if (this.#localDomains.size > 10_000) this.#localDomains.clear()
    const answer = await local.isLocal(domain)
    this.#localDomains.set(domain, { local: answer, until: now + LOCAL_MS })
    return answer
  }

  #start(lane: Lane): void {
    lane.active += 1
    const hands: Hands = { connected: false, left: false }
    const work = this.#serve(lane, hands)
      .catch((error: unknown) => {
        lane.blockedUntil = this.#deps.clock.now() + FAULT_MS
        this.#deps.log.error({ destination: lane.key, error }, 'mail could not be sent')
      })
      .finally(() => {
        if (!hands.left) lane.active -= 1
        if (lane.active === 0) lane.limit = Number.POSITIVE_INFINITY
        this.#workers.delete(work)
        this.poke()
      })
    this.#workers.add(work)
  }

  async #serve(lane: Lane, hands: Hands): Promise<void> {
    try {
      await this.#work(lane, hands)
    } finally {
      if (hands.connected) lane.connected -= 1
    }
  }

  async #work(lane: Lane, hands: Hands): Promise<void> {
    const { clock, settings } = this.#deps
    for (let sent = 0; !this.#stopping && (sent < SHARE || !this.#hungry); sent += 1) {
      if (lane.blockedUntil > clock.now()) return
      if (lane.active > lane.limit) {
        // at once, so that those who ask next stay
        hands.left = true
        lane.active -= 1
        return
      }
      const job = await this.#take(lane)
      if (job === undefined || this.#stopping) return
      if (lane.suspects(job) && !new Places(this.#lanes.values(), settings.connections).holds(lane)) {
        // as before this server was started: it gets a place when it is the turn of such as it
        lane.ready = []
        return
      }
      if (!lane.local && !lane.mayServe(clock.now(), settings.messagesPerMinute)) return
      const key = jobKey(job)
      this.#inHands.add(key)
      lane.inFlight += 1
      try {
        if (lane.local) await this.#deliverHere(job)
        else await this.#send(lane, job, hands)
      } finally {
        this.#inHands.delete(key)
        lane.inFlight -= 1
      }
    }
  }

  async #take(lane: Lane): Promise<DueMessage | undefined> {
    if (lane.ready.length === 0) {
      lane.refilling ??= this.#refill(lane).finally(() => {
        lane.refilling = undefined
      })
      await lane.refilling
    }
    return lane.ready.shift()
  }

  async #refill(lane: Lane): Promise<void> {
    if (lane.asked.length > 0) lane.ready = inTurn(await this.#waitingFor(lane))
  }

  /** Due, and in nobody's hands. */
  async #waitingFor(lane: Lane): Promise<readonly DueMessage[]> {
    const { store, clock } = this.#deps
    const due = await store.due(clock.now(), FETCHED + lane.inFlight, lane.asked)
    return due.filter((one) => !this.#inHands.has(jobKey(one)))
  }

  async #send(lane: Lane, job: DueMessage, hands: Hands): Promise<void> {
    const { connections } = this.#deps
    const kept = connections.idle(lane.key)
    if (kept !== undefined) {
      const handed = await this.#over(lane, job, kept, hands)
      if (!wasClosed(kept, handed)) return this.#record(job, handed)
      if (this.#stopping) return
    }
    const changes = this.#changes
    const opened = await connections.open(domainOf(job)).catch((error: unknown) => this.#ownFault(job, error))
    const isOpen = opened instanceof OutboundConnection
    if (isOpen && lane.answered()) this.poke()
    // it may have been held or dropped; and when we stop, it might be taken when nothing can be recorded any more
    if (this.#changes !== changes || (isOpen && this.#stopping)) {
      if (isOpen) connections.release(lane.key, opened)
      return
    }
    if (!isOpen) return this.#reachedNobody(lane, job, opened, hands)
    await this.#record(job, await this.#over(lane, job, opened, hands))
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
    if (this.#aborted) return
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
    await this.#record(job, nobodyReached(job, none))
    if (known) return
    for (let run = 0; run < MOST_RUNS; run += 1) {
      const rest = this.#stopping ? [] : (await this.#waitingFor(lane)).filter((one) => one !== job)
      if (rest.length === 0) return
      await this.#recordAll(rest.map((one) => ({ job: one, handed: nobodyReached(one, { ...none, host: undefined }) })))
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
    await this.#recordAll([{ job, handed }], onward)
  }

  /** A fault about one message does not keep the others. */
  #unreadable(job: DueMessage, error: unknown): readonly HandedOver[] {
    return nobodyReached(job, this.#ownFault(job, error))
  }

  #ownFault({ message }: DueMessage, error: unknown): NoConnection {
    this.#deps.log.error({ message: message.id, error }, 'a message could not be sent')
    return { outcome: 'deferred', words: '4.3.0 A fault of this server', host: undefined }
  }

  #record(job: DueMessage, handed: readonly HandedOver[]): Promise<void> {
    return this.#recordAll([{ job, handed }])
  }

  /** Outcomes and the reports they lead to, in one commit. */
  async #recordAll(
    all: readonly { readonly job: DueMessage; readonly handed: readonly HandedOver[] }[],
    onward: readonly NewMessage[] = [],
  ): Promise<void> {
    const { store, clock, settings, random } = this.#deps
    // what we broke off ourselves stays as it is
    if (this.#aborted) return
    const now = clock.now()
    const settled = all.map(({ job, handed }) => ({
      job,
      results: handed.map((one) => ({ handed: one, ...settle(job.message, one, now, settings, random()) })),
    }))
    const outcomes = settled.flatMap(({ results }) => results.map(({ outcome }) => outcome))
    if (outcomes.length === 0) return
    const reports = [...onward]
    for (const { job, results } of settled) {
      this.#log(job, results)
      const told = results.flatMap((one) => one.told ?? [])
      if (told.length === 0) continue
      const deps = { ...this.#deps, giveUpMs: settings.giveUpMs }
      reports.push(...((await this.#surely(() => reportsOf(job.message, told, deps))) ?? []))
    }
    await this.#surely(() => store.record(outcomes, reports))
    if (reports.length > 0) this.poke()
  }

  /** Again and again, where the disk is full: to send anew what has been taken would be worse than to wait. */
  async #surely<T>(work: () => Promise<T>): Promise<T | undefined> {
    while (!this.#aborted) {
      try {
        return await work()
      } catch (error) {
        this.#deps.log.error({ error }, 'what became of mail could not be recorded')
        await new Promise<void>((resolve) => this.#deps.after(RECORD_AGAIN_MS, resolve))
      }
    }
    return undefined
  }

  #log({ message }: DueMessage, results: readonly (Settled & { readonly handed: HandedOver })[]): void {
    for (const { handed, outcome } of results) {
      const { recipient, result, host, tls } = handed
      const uncertain = result.uncertain === true
      const fields = {
        message: message.id,
        recipient: recipient.address,
        host,
        tls,
        // the one case in which it may arrive twice
        result: uncertain ? 'uncertain' : outcome.attempt.outcome,
        reply: outcome.attempt.reply,
        attempt: recipient.attempts + 1,
      }
      this.#deps.log[uncertain ? 'warn' : 'info'](fields, 'message out')
    }
  }
}

/** Lower case, as the routes have it. */
function domainOf(job: DueMessage): string {
  const address = recipientsOf(job)[0]?.address ?? ''
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase()
}
