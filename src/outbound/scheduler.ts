/**
 * Sends what is due: by destination, so many connections to each and in all, one try where a destination does not answer,
 * each outcome on disk before the next message.
 *
 * Invariants: a recipient is in one pair of hands at most; what a server has taken is recorded before anything else is
 * done with that message; after {@link Scheduler.stop} nothing touches the store.
 * @module
 */
import type { DueMessage, QueueStore } from '#store/queue.ts'
import type { Connections } from './connections.ts'
import { type AgentDeps, DeliveryAgent, type Hands, type LocalDelivery } from './delivery-agent.ts'
import { inTurn, jobKey, Lane } from './lanes.ts'
import { Places } from './places.ts'
import { Recorder, type RecorderDeps, type SendingState } from './recorder.ts'
import type { Patience } from './schedule.ts'

export interface SchedulerSettings extends Patience {
  readonly connections: number
  readonly connectionsPerDestination: number
  /** 0: no limit. */
  readonly messagesPerMinute: number
}

export interface SchedulerDeps extends AgentDeps, RecorderDeps {
  readonly store: QueueStore
  readonly connections: Connections
  readonly settings: SchedulerSettings
  /** Calls back after so many milliseconds, unless what it gives is called before. */
  readonly after: (ms: number, run: () => void) => () => void
  /** Destinations looked at in one turn, beside those that did not answer; suites say fewer. */
  readonly mostDestinations?: number
}

/** Destinations looked at in one turn, as many that did not answer beside them, and messages of one fetched together. */
const MOST_DESTINATIONS = 1_000
const MOST_SILENT = 10_000
const FETCHED = 100
/** Messages after which somebody else may have the place, when others wait for one. */
const SHARE = 10
/** Between two turns; a turn that took long is not followed by another soon. */
const PAUSE_MS = 5
const PAUSE_FACTOR = 4
/** After a fault of ours. */
const FAULT_MS = 60_000
const STOP_MS = 9_000
/** How long is known which domains are ours. */
const LOCAL_MS = 30_000

export class Scheduler {
  readonly #deps: SchedulerDeps
  readonly #state: SendingState = { stopping: false, aborted: false, changes: 0 }
  readonly #agent: DeliveryAgent
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

  constructor(deps: SchedulerDeps) {
    this.#deps = deps
    const recorder = new Recorder(deps, this.#state, () => this.poke())
    this.#agent = new DeliveryAgent(deps, this.#state, recorder, {
      waitingFor: (lane) => this.#waitingFor(lane),
      hold: (lane, job, work) => this.#hold(lane, job, work),
      poke: () => this.poke(),
    })
  }

  /** Something may be due that was not. */
  poke(): void {
    if (this.#state.stopping) return
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
    this.#state.changes += 1
    for (const lane of this.#lanes.values()) lane.ready = []
    this.poke()
  }

  /** No new messages; what is in flight ends, or stays in the queue. Within ten seconds. */
  async stop(): Promise<void> {
    this.#state.stopping = true
    this.#cancelTurn?.()
    this.#cancelWake?.()
    await this.#turning
    const { connections, after } = this.#deps
    const idle = connections.close()
    let cancel = (): void => undefined
    const late = new Promise<void>((resolve) => {
      cancel = after(STOP_MS, () => {
        this.#state.aborted = true
        connections.destroy()
        resolve()
      })
    })
    await Promise.race([Promise.all([idle, ...this.#workers]), late])
    cancel()
    this.#state.aborted = true
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
          if (!this.#again || this.#state.stopping) return
          this.#again = false
          this.#soon(Math.max(PAUSE_MS, PAUSE_FACTOR * (performance.now() - begun)))
        })
    })
  }

  #fault(error: unknown, message: string): void {
    this.#deps.log.error({ error }, message)
    if (!this.#state.stopping) this.#soon(FAULT_MS)
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
    if (this.#state.stopping || !Number.isFinite(next)) return
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
    for (let sent = 0; !this.#state.stopping && (sent < SHARE || !this.#hungry); sent += 1) {
      if (lane.blockedUntil > clock.now()) return
      if (lane.active > lane.limit) {
        // at once, so that those who ask next stay
        hands.left = true
        lane.active -= 1
        return
      }
      const job = await this.#take(lane)
      if (job === undefined || this.#state.stopping) return
      if (lane.suspects(job) && !new Places(this.#lanes.values(), settings.connections).holds(lane)) {
        // as before this server was started: it gets a place when it is the turn of such as it
        lane.ready = []
        return
      }
      if (!lane.local && !lane.mayServe(clock.now(), settings.messagesPerMinute)) return
      await this.#hold(lane, job, () => this.#agent.deliver(lane, job, hands))
    }
  }

  /** It is in one pair of hands: who comes second leaves it. */
  async #hold(lane: Lane, job: DueMessage, work: () => Promise<void>): Promise<void> {
    const key = jobKey(job)
    if (this.#inHands.has(key)) return
    this.#inHands.add(key)
    lane.inFlight += 1
    try {
      await work()
    } finally {
      this.#inHands.delete(key)
      lane.inFlight -= 1
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
}
