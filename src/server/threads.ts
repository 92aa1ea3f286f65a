/** The main thread's side of protocol threads: one in this thread, or several workers that are restarted when they end. @module */
import { once } from 'node:events'
import path from 'node:path'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { EmbeddedHost } from '#adapters/embedded/host.ts'
import { serveSearchIndex } from '#adapters/search/remote.ts'
import type { Config } from '#config/config.ts'
import { formatNetwork } from '#lib/network.ts'
import { type AskChecks, serveChecks } from '#services/gated-checks.ts'
import { oauthOffer } from '#services/oauth-tokens.ts'
import type { Registry } from '#services/registry.ts'
import { serveRegistry } from '#services/remote-registry.ts'
import type { Log } from '#services/session-deps.ts'
import type { SearchIndex } from '#store/search-index.ts'
import { type ChecksHost, checksGate } from './checks-host.ts'
import { probe } from './listeners.ts'
import { type MailEndpoints, ProtocolThread, type ThreadServices, type ThreadSetup } from './protocol-thread.ts'
import type { QueueHost } from './queue-host.ts'
import type { TlsMaterial } from './tls.ts'

/** What the main thread says to a worker. */
export type ToThread =
  | { readonly kind: 'tls'; readonly material: TlsMaterial }
  | { readonly kind: 'metrics'; readonly id: number }
  | { readonly kind: 'stop' }

/** What a worker says to the main thread. */
export type FromThread =
  | { readonly kind: 'listening'; readonly endpoints: MailEndpoints }
  | { readonly kind: 'metrics'; readonly id: number; readonly metrics: object[] }
  | { readonly kind: 'stopped' }

/** How a worker is started. */
export interface WorkerStart {
  readonly setup: ThreadSetup
  readonly registry: MessagePort
  readonly search: MessagePort
  readonly queue: { readonly port: MessagePort; readonly directory: string }
  /** Absent: nothing is checked. */
  readonly checks: MessagePort | undefined
  readonly logLevel: Config['log']['level']
}

/** All protocol threads together. */
export interface ProtocolThreads extends AsyncDisposable {
  readonly count: number
  /** Where they listen, each kind in the order of the configuration. */
  readonly endpoints: MailEndpoints
  /** Threads that ended unexpectedly and were started again. */
  readonly restarts: number
  replaceTls(material: TlsMaterial): void
  /** prom-client's JSON, one list a thread. */
  metrics(): Promise<readonly object[][]>
}

export interface ThreadsOptions {
  readonly config: Config
  readonly tls: TlsMaterial
  /** See {@link ThreadSetup.senderKey}. */
  readonly sender: Uint8Array
  readonly registry: Registry
  readonly host: EmbeddedHost
  readonly search: SearchIndex
  readonly queue: QueueHost
  /** `undefined`: nothing is checked. */
  readonly checks: ChecksHost | undefined
  readonly log: Log
}

/** The largest heap of a protocol thread: a full one ends that thread and its connections, not the process. */
const THREAD_HEAP_MB = 2_048
const RESTART_PAUSE_MS = 500

/** Starts as many protocol threads as the configuration says; resolves when every listener accepts. */
export async function startThreads(options: ThreadsOptions): Promise<ProtocolThreads> {
  return options.config.workers.count === 1 ? startHere(options) : startWorkers(options)
}

function setupOf({ config, tls, sender, host }: ThreadsOptions, number: number, endpoints: MailEndpoints): ThreadSetup {
  const { hostname, limits, auth, proxyFrom, smtp, submission, pop3, workers } = config
  return {
    number,
    threads: workers.count,
    hostname,
    endpoints,
    tls,
    senderKey: sender,
    limits: { messageBytes: limits.messageBytes, lineBytes: limits.lineBytes, idleMs: limits.idleMs },
    allowPlaintext: auth.allowPlaintext,
    scramForPasswords: auth.scramForPasswords,
    unauthenticate: auth.unauthenticate,
    oauth: auth.oauth && oauthOffer(auth.oauth),
    proxyFrom: proxyFrom.map(formatNetwork),
    perAddress: limits.connectionsPerAddress,
    exempt: limits.exempt.map(formatNetwork),
    bareNewline: smtp.bareNewline,
    submission,
    checks: checksGate(smtp),
    pop3: { markSeen: pop3.markSeen, language: pop3.language },
    store: host.connect(),
  }
}

function wanted({ config }: ThreadsOptions): MailEndpoints {
  const { imap, imaps, pop3, pop3s, lmtp, smtp, submission, submissions } = config.listen
  return { imap, imaps, pop3, pop3s, lmtp, smtp, submission, submissions }
}

async function startHere(options: ThreadsOptions): Promise<ProtocolThreads> {
  const { registry, search, queue, checks, log } = options
  const ask: AskChecks | undefined = checks && ((question) => checks.ask(question))
  const services: ThreadServices = { registry, search, outbox: queue.outbox(), checks: ask }
  const thread = new ProtocolThread(setupOf(options, 0, wanted(options)), services, log)
  let endpoints: MailEndpoints
  try {
    endpoints = await thread.listen(wanted(options), false, log)
  } catch (error) {
    await thread[Symbol.asyncDispose]()
    throw error
  }
  return {
    count: 1,
    endpoints,
    restarts: 0,
    replaceTls: (material) => thread.replaceTls(material),
    metrics: async () => [await thread.meter.json()],
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  }
}

async function startWorkers(options: ThreadsOptions): Promise<ProtocolThreads> {
  // Without reusePort first: with it, a second server would silently take half of the connections.
  for (const list of Object.values(wanted(options))) for (const endpoint of list) await probe(endpoint)
  const threads = new WorkerThreads(options)
  try {
    await threads.start()
  } catch (error) {
    await threads[Symbol.asyncDispose]()
    throw error
  }
  return threads
}

interface RunningWorker {
  readonly worker: Worker
  readonly endServing: () => void
}

class WorkerThreads implements ProtocolThreads {
  readonly #options: ThreadsOptions
  readonly #workers = new Map<number, RunningWorker>()
  readonly #metrics = new Map<number, (metrics: object[]) => void>()
  #endpoints: MailEndpoints
  #tls: TlsMaterial
  #stopping = false
  #restarts = 0
  #lastId = 0

  constructor(options: ThreadsOptions) {
    this.#options = options
    this.#tls = options.tls
    this.#endpoints = wanted(options)
  }

  get count(): number {
    return this.#options.config.workers.count
  }

  get endpoints(): MailEndpoints {
    return this.#endpoints
  }

  get restarts(): number {
    return this.#restarts
  }

  /** The first thread's free ports are given to the others. */
  async start(): Promise<void> {
    this.#endpoints = await this.#run(0)
    for (let number = 1; number < this.count; number += 1) await this.#run(number)
  }

  replaceTls(material: TlsMaterial): void {
    this.#tls = material
    for (const { worker } of this.#workers.values()) worker.postMessage({ kind: 'tls', material } satisfies ToThread)
  }

  async metrics(): Promise<readonly object[][]> {
    return Promise.all(
      Array.from(this.#workers.values(), ({ worker }) => {
        this.#lastId += 1
        const id = this.#lastId
        const { promise, resolve } = Promise.withResolvers<object[]>()
        this.#metrics.set(id, resolve)
        worker.once('exit', () => resolve([]))
        worker.postMessage({ kind: 'metrics', id } satisfies ToThread)
        return promise.finally(() => this.#metrics.delete(id))
      }),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true
    await Promise.all(
      Array.from(this.#workers.values(), async ({ worker }) => {
        const gone = once(worker, 'exit')
        worker.postMessage({ kind: 'stop' } satisfies ToThread)
        await gone
      }),
    )
  }

  async #run(number: number): Promise<MailEndpoints> {
    const { registry, search, queue, checks, config, log } = this.#options
    const { port1, port2 } = new MessageChannel()
    const searches = new MessageChannel()
    const sending = new MessageChannel()
    const checking = checks && new MessageChannel()
    const setup = { ...setupOf(this.#options, number, this.#endpoints), tls: this.#tls }
    const start: WorkerStart = {
      setup,
      registry: port2,
      search: searches.port2,
      queue: { port: sending.port2, directory: queue.directory },
      checks: checking?.port2,
      logLevel: config.log.level,
    }
    const worker = new Worker(new URL(`./worker-thread${path.extname(import.meta.filename)}`, import.meta.url), {
      workerData: start,
      transferList: [
        port2,
        searches.port2,
        sending.port2,
        ...(checking === undefined ? [] : [checking.port2]),
        ...setup.store.ports,
      ],
      resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB },
      name: `protocol-${number}`,
    })
    const endServing = serveRegistry(registry, port1)
    serveSearchIndex(search, searches.port1)
    queue.serve(sending.port1)
    if (checks !== undefined && checking !== undefined) serveChecks((question) => checks.ask(question), checking.port1)
    this.#workers.set(number, { worker, endServing })
    const listening = Promise.withResolvers<MailEndpoints>()
    worker.on('message', (message: FromThread) => {
      if (message.kind === 'listening') listening.resolve(message.endpoints)
      else if (message.kind === 'metrics') this.#metrics.get(message.id)?.(message.metrics)
    })
    worker.on('error', (error) => {
      listening.reject(error)
      log.error({ error, thread: number }, 'protocol thread failed')
    })
    worker.on('exit', (code) => {
      listening.reject(new Error(`Protocol thread ${number} ended with ${code}`))
      endServing()
      port1.close()
      searches.port1.close()
      sending.port1.close()
      checking?.port1.close()
      this.#workers.delete(number)
      if (!this.#stopping) this.#restart(number)
    })
    return listening.promise
  }

  #restart(number: number): void {
    this.#restarts += 1
    setTimeout(() => {
      if (this.#stopping) return
      this.#run(number).catch((error: unknown) =>
        this.#options.log.error({ error, thread: number }, 'protocol thread does not start'),
      )
    }, RESTART_PAUSE_MS)
  }
}
