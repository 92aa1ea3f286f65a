/** A queue on disk with all that sends from it, over time that passes when a test says so, to servers on loopback. @module */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { openQueue } from '#adapters/sqlite/queue.ts'
import { QueueFiles } from '#adapters/sqlite/queue-files.ts'
import { done } from '#lib/result.ts'
import { type ConnectionDeps, Connections } from '#outbound/connections.ts'
import type { LocalDelivery } from '#outbound/delivery-agent.ts'
import { TIMEOUTS, type Timeouts } from '#outbound/limits.ts'
import { type RouteDeps, type RouteSetting, Routes } from '#outbound/routes.ts'
import { Scheduler, type SchedulerSettings } from '#outbound/scheduler.ts'
import { opportunistic, type TlsPolicies } from '#outbound/tls-policy.ts'
import type { Attempt, NewMessage, NewRecipient, QueuedMessage, QueueStore } from '#store/queue.ts'
import { ListLog } from './list-log.ts'

/** 2023-11-14; a round one. */
export const START = 1_700_000_000_000
const MINUTE = 60_000
/** What is shorter passes by itself: sockets take real time. */
const REAL_MS = 1_000

export interface OutboundOptions {
  /** Addresses of the servers of each domain; `unknown`: there is no such domain. */
  readonly domains: Readonly<Record<string, readonly string[] | 'unknown' | 'fails' | 'null'>>
  readonly port: number
  readonly routes?: readonly RouteSetting[]
  readonly settings?: Partial<SchedulerSettings>
  readonly local?: LocalDelivery
  readonly timeouts?: Partial<Timeouts>
  readonly messagesPerConnection?: number
  readonly mostDestinations?: number
  /** In place of what `domains` says. */
  readonly resolver?: RouteDeps['resolver']
  /** Absent: TLS where it is offered. */
  readonly policies?: TlsPolicies
  readonly tried?: ConnectionDeps['tried']
  /** Absent: no address is this server's. */
  readonly isOurs?: RouteDeps['isOurs']
}

/** A queue whose mail goes out. */
export class TestOutbound implements AsyncDisposable {
  readonly log: ListLog = new ListLog()
  now: number = START
  readonly store: QueueStore
  readonly scheduler: Scheduler
  readonly connections: Connections
  readonly #files: QueueFiles
  readonly #folder: string
  readonly #timers = new Map<() => void, number>()
  #stopped = false

  private constructor(folder: string, store: QueueStore, files: QueueFiles, options: OutboundOptions) {
    this.#folder = folder
    this.store = store
    this.#files = files
    const { domains, port } = options
    const routes = new Routes({
      resolver: options.resolver ?? {
        mx: async (name) => {
          const known = domains[name] ?? 'unknown'
          if (known === 'fails') return { ok: false, error: { kind: 'temporary', reason: 'SERVFAIL' } }
          if (known === 'unknown')
            return { ok: false, error: { kind: 'none', nameExists: false, authenticated: false } }
          const records =
            known === 'null'
              ? [{ preference: 0, exchange: '' }]
              : known.map((address, index) => ({
                  preference: index,
                  exchange: `mx-${address.replaceAll('.', '-')}.test`,
                }))
          return { ok: true, records, authenticated: false, ttl: 60 }
        },
        a: async (name) => ({
          ok: true,
          records: [name.replace(/^mx-|\.test$/g, '').replaceAll('-', '.')],
          authenticated: false,
          ttl: 60,
        }),
        aaaa: async () => ({ ok: false, error: { kind: 'none', nameExists: true, authenticated: false } }),
      },
      policies: options.policies ?? { policyFor: async (_domain, host) => done(opportunistic(host)) },
      settings: options.routes ?? [],
      hostname: 'mail.example.org',
      port,
      isOurs: options.isOurs ?? (() => false),
      random: () => 0.5,
    })
    const after = (ms: number, run: () => void): (() => void) => this.#after(ms, run)
    this.connections = new Connections({
      routes,
      hostname: 'mail.example.org',
      messagesPerConnection: options.messagesPerConnection ?? 100,
      most: options.settings?.connections ?? 20,
      timeouts: { ...TIMEOUTS, ...options.timeouts },
      after,
      ...(options.tried === undefined ? {} : { tried: options.tried }),
    })
    let ids = 0
    this.scheduler = new Scheduler({
      store,
      stage: () => files.stage(),
      routes,
      connections: this.connections,
      local: options.local,
      ...(options.mostDestinations === undefined ? {} : { mostDestinations: options.mostDestinations }),
      sign: async () => Buffer.from('X-Signed: yes\r\n'),
      settings: {
        connections: 20,
        connectionsPerDestination: 5,
        messagesPerMinute: 0,
        retryMs: [5, 15, 30, 60, 120, 240].map((minutes) => minutes * MINUTE),
        warnMs: 240 * MINUTE,
        giveUpMs: 5 * 1_440 * MINUTE,
        ...options.settings,
      },
      hostname: 'mail.example.org',
      clock: { now: () => this.now },
      after,
      // half, and never the same: no jitter
      random: () => {
        ids += 1
        return 0.5 + ids * 1e-6
      },
      log: this.log,
    })
  }

  static async start(options: OutboundOptions): Promise<TestOutbound> {
    const folder = await mkdtemp(path.join(tmpdir(), 'malle-outbound-'))
    let now = (): number => START
    const store = await openQueue({ directory: folder, historyDays: 30, clock: { now: () => now() } })
    const outbound = new TestOutbound(folder, store, new QueueFiles(folder), options)
    now = () => outbound.now
    return outbound
  }

  /** Puts a message into the queue, and says so. */
  async send(
    id: string,
    to: readonly (string | NewRecipient)[],
    more: Partial<NewMessage> & { readonly text?: string } = {},
  ): Promise<void> {
    await this.sendMany([{ id, to }], more)
  }

  /** Several with the same bytes, in one commit. */
  async sendMany(
    list: readonly { readonly id: string; readonly to: readonly (string | NewRecipient)[] }[],
    more: Partial<NewMessage> & { readonly text?: string } = {},
  ): Promise<void> {
    const subject = list[0]?.id ?? ''
    const { text = `Subject: ${subject}\r\nFrom: ann@example.org\r\n\r\nHello\r\n`, ...rest } = more
    const stage = this.#files.stage()
    await stage.write(Buffer.from(text))
    const body = await stage.finish()
    const enqueued = await this.store.enqueue(
      list.map(({ id, to }) => ({
        id,
        sender: 'ann@example.org',
        account: 'ann@example.org',
        body,
        smtpUtf8: false,
        eightBit: false,
        priority: 0,
        at: this.now,
        language: 'en',
        recipients: to.map((one) => (typeof one === 'string' ? { address: one } : one)),
        ...rest,
      })),
    )
    if (!enqueued.ok) throw new Error(enqueued.error.kind)
    this.scheduler.poke()
  }

  /** What waits. */
  waiting(): Promise<readonly QueuedMessage[]> {
    return this.store.list({}, 10_000)
  }

  /** `outcome reply` of each attempt at a message. */
  async attempts(id: string): Promise<readonly string[]> {
    const history = await this.store.history(id)
    return history?.attempts.map(({ outcome, reply }: Attempt) => `${outcome} ${reply}`) ?? []
  }

  async text(message: QueuedMessage): Promise<string> {
    const chunks: Uint8Array[] = []
    for await (const chunk of await this.store.body(message)) chunks.push(chunk)
    return Buffer.concat(chunks).toString('utf8')
  }

  /** Waits for something that takes real time. */
  async until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    const end = performance.now() + 20_000
    while (!(await holds())) {
      if (performance.now() > end) throw new Error(`Waited in vain: ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
  }

  /** Nothing is due that could be sent now. */
  async quiet(): Promise<void> {
    await this.until(
      'everything that is due is sent',
      async () => (await this.store.destinations(this.now)).length === 0,
    )
  }

  /** Lets time pass, timers in their order. */
  pass(ms: number): void {
    const end = this.now + ms
    for (;;) {
      const next = [...this.#timers].sort((one, other) => one[1] - other[1])[0]
      if (next === undefined || next[1] > end) break
      this.now = Math.max(this.now, next[1])
      this.#timers.delete(next[0])
      next[0]()
    }
    this.now = end
    this.scheduler.poke()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.scheduler.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#stopped) await this.stop()
    await this.store[Symbol.asyncDispose]()
    await rm(this.#folder, { recursive: true })
  }

  #after(ms: number, run: () => void): () => void {
    if (ms <= REAL_MS) {
      const timer = setTimeout(run, ms)
      return () => clearTimeout(timer)
    }
    const call = (): void => run()
    this.#timers.set(call, this.now + ms)
    return () => this.#timers.delete(call)
  }
}
