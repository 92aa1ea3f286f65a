/** The main thread's side of the checks: their thread, which is started when there is something to check. @module */
import { once } from 'node:events'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import type { CheckSettings, Config } from '#config/config.ts'
import { formatNetwork } from '#lib/network.ts'
import { type ChecksAnswer, type ChecksGate, type ChecksQuestion, memoryOf } from '#services/gated-checks.ts'
import type { Log } from '#services/session-deps.ts'

/** How the thread is started. */
export interface ChecksSetup {
  readonly hostname: string
  readonly settings: CheckSettings
  readonly dns: Config['dns']
  /** The data directory. */
  readonly data: string
}

/** What the main thread says to it. */
export type ToChecks = { readonly id: number; readonly question: ChecksQuestion } | 'stop'

/** What it says. */
export type FromChecks =
  | { readonly id: number; readonly answer: ChecksAnswer }
  | {
      readonly level: 'info' | 'warn'
      readonly message: string
      /** Where that is another now: lists in the DNS that are left out. */
      readonly silentLists?: readonly string[]
    }

/** Starting takes a while, and a message is read before its time begins. */
const GRACE_MS = 10_000
/** A thread that ended by itself is started again no sooner. */
const RESTART_MS = 1_000
/** Without a question for so long, its memory is given back. */
const IDLE_MS = 300_000
/** Questions under way, and octets in them: whoever comes beyond is asked to come again. */
const MOST_QUESTIONS = 1_000
const MOST_BYTES = 128 * 1024 * 1024
const HEAP_MB = 512

/** What suites change; no configuration does. */
export interface ChecksTuning {
  /** Module of the thread. */
  readonly entry: URL
  readonly graceMs: number
}

interface Pending {
  readonly resolve: (answer: ChecksAnswer | undefined) => void
  readonly timer: NodeJS.Timeout
  readonly bytes: number
}

/** What threads must know before they ask; `undefined`: nothing is checked. */
export function checksGate({ checks }: Config['smtp']): ChecksGate | undefined {
  if (checks === undefined) return undefined
  return {
    exempt: checks.exempt.map(formatNetwork),
    asksAtRecipient: checks.dnsbl.length > 0 || checks.greylistMs !== undefined,
  }
}

/** What checks mail on port 25, where that is wanted; nothing runs before the first message. */
export function checksOf({ hostname, data, dns, smtp, listen }: Config, log: Log): ChecksHost | undefined {
  if (smtp.checks === undefined || listen.smtp.length === 0) return undefined
  return new ChecksHost({ hostname, settings: smtp.checks, dns, data }, log)
}

/** See the module. One per process. */
export class ChecksHost implements AsyncDisposable {
  readonly #setup: ChecksSetup
  readonly #log: Log
  readonly #tuning: ChecksTuning
  readonly #pending = new Map<number, Pending>()
  #worker: Worker | undefined
  #restarts = 0
  #silentLists: readonly string[] = []
  #notBefore = 0
  #idle: NodeJS.Timeout | undefined
  #lastId = 0
  #bytes = 0
  #closed = false

  constructor(setup: ChecksSetup, log: Log, tuned: Partial<ChecksTuning> = {}) {
    this.#setup = setup
    this.#log = log
    const entry = new URL(`./checks-thread${path.extname(import.meta.filename)}`, import.meta.url)
    this.#tuning = { entry, graceMs: GRACE_MS, ...tuned }
  }

  /** Threads that ended by themselves, or were ended because they did not answer. */
  get restarts(): number {
    return this.#restarts
  }

  /** Lists in the DNS that are left out, as they do not answer. */
  get silentLists(): readonly string[] {
    return this.#silentLists
  }

  /** The thread that runs now; for suites. */
  get worker(): Worker | undefined {
    return this.#worker
  }

  /** See `AskChecks`: nobody waits for ever. */
  ask(question: ChecksQuestion): Promise<ChecksAnswer | undefined> {
    const memory = memoryOf(question)
    const bytes = memory.reduce((sum, each) => sum + each.byteLength, 0)
    const worker = this.#running()
    if (worker === undefined || this.#pending.size >= MOST_QUESTIONS || this.#bytes + bytes > MOST_BYTES)
      return Promise.resolve(undefined)
    this.#lastId += 1
    const id = this.#lastId
    const { promise, resolve } = Promise.withResolvers<ChecksAnswer | undefined>()
    const timer = setTimeout(() => this.#stuck(worker), this.#setup.settings.timeoutMs + this.#tuning.graceMs)
    this.#pending.set(id, { resolve, timer, bytes })
    this.#bytes += bytes
    worker.postMessage({ id, question } satisfies ToChecks, memory)
    return promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#stop()
    this.#forget()
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#idle)
    const worker = this.#worker
    this.#worker = undefined
    this.#silentLists = []
    if (worker === undefined) return
    const gone = once(worker, 'exit')
    worker.postMessage('stop' satisfies ToChecks)
    await gone
  }

  #running(): Worker | undefined {
    if (this.#closed) return undefined
    if (this.#worker === undefined && performance.now() < this.#notBefore) return undefined
    this.#worker ??= this.#start()
    clearTimeout(this.#idle)
    this.#idle = undefined
    return this.#worker
  }

  #start(): Worker {
    const worker = new Worker(this.#tuning.entry, {
      workerData: this.#setup,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
      name: 'checks',
    })
    worker.on('message', (said: FromChecks) => {
      if ('level' in said) {
        this.#log[said.level]({}, said.message)
        if (this.#worker === worker) this.#silentLists = said.silentLists ?? this.#silentLists
      } else this.#answer(said.id, said.answer)
    })
    worker.on('error', (error) => this.#log.error({ error }, 'the checks thread failed'))
    worker.on('exit', () => {
      if (this.#worker !== worker) return
      this.#worker = undefined
      this.#silentLists = []
      this.#restarts += 1
      this.#notBefore = performance.now() + RESTART_MS
      this.#forget()
    })
    return worker
  }

  #answer(id: number, answer: ChecksAnswer | undefined): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    this.#pending.delete(id)
    this.#bytes -= pending.bytes
    clearTimeout(pending.timer)
    pending.resolve(answer)
    if (this.#pending.size === 0 && !this.#closed) this.#idle = setTimeout(() => void this.#stop(), IDLE_MS).unref()
  }

  /** Those who wait are asked to come again. */
  #forget(): void {
    for (const id of this.#pending.keys()) this.#answer(id, undefined)
  }

  #stuck(worker: Worker): void {
    if (this.#worker !== worker) return
    this.#log.error({}, 'the checks thread does not answer: it is started again')
    void worker.terminate()
  }
}
