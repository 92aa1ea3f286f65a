/** The main thread's side of the embedded store: starts the writers, connects threads, keeps house. @module */
import path from 'node:path'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { MAX_FOR_ANYONE } from '#store/limits.ts'
import { NewerFormat } from '#store/newer-format.ts'
import type { CheckFinding, CheckOptions } from './check.ts'
import { CommitCounts } from './commit-counts.ts'
import { Interest } from './interest.ts'
import type {
  Compacted,
  EmbeddedConnection,
  EmbeddedOptions,
  EmbeddedTuning,
  Hears,
  Keeping,
  ShardStatus,
} from './options.ts'
import type { CannotOpen, PortMessage, WriterOrder, WriterReply, WriterSettings } from './protocol.ts'

/** Owns the writer threads of a data directory. One per process. */
export interface EmbeddedHost extends AsyncDisposable {
  /**
   * A connection for one more thread (or for this one), to be opened with `openEmbeddedStore`.
   * @param hears what its watchers are told; default `at-once`. A thread that is told is woken.
   */
  connect(hears?: Hears): EmbeddedConnection
  status(): Promise<readonly ShardStatus[]>
  /**
   * Drops deleted mail that is past its retention, then compacts what is sparse, while everything goes on.
   * @param atOnce the old files go without the grace time: nobody but the caller reads.
   */
  compact(atOnce?: boolean): Promise<Compacted>
  /** Drops deleted mail that is past its retention. @returns how many messages. */
  purge(): Promise<number>
  /** Looks for damage; with `repair`, rebuilds what can be derived. */
  check(options: CheckOptions): AsyncIterable<CheckFinding>
  /** Refuses new requests, finishes those that wait, syncs and closes. */
  [Symbol.asyncDispose](): Promise<void>
}

const DEFAULTS: EmbeddedTuning = {
  segmentBytes: 268_435_456,
  reserveBytes: 67_108_864,
  batchRequests: 512,
  batchBytes: 16_777_216,
  batchMs: 40,
  sliceMessages: 2_000,
  checkpointBytes: 16_777_216,
  walLimitBytes: 268_435_456,
  tombstoneRanges: 10_000,
  graceMs: 900_000,
  compactBelow: 0.5,
  upkeepMs: 60_000,
  purgeMs: 3_600_000,
}

const KEEPING: Keeping = { days: 30, bytes: undefined, historyDays: 90 }

/**
 * Opens or makes the store, recovers what a crash left, and starts a writer thread per shard.
 * @throws {NewerFormat}
 * @throws {Error} when a shard cannot be opened.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedHost> {
  if (!Number.isInteger(options.shards) || options.shards < 1) throw new RangeError('A store has at least one shard')
  const host = new Host(options)
  try {
    await host.start()
  } catch (error) {
    await host[Symbol.asyncDispose]()
    throw error
  }
  return host
}

/** A thread file beside this one, whether stripped or not. */
function threadFile(name: string): URL {
  return new URL(`./${name}${path.extname(import.meta.filename)}`, import.meta.url)
}

type OrderWithId = Extract<WriterOrder, { readonly id: number }>
type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never

/** A writer's thread and what waits for it. */
class WriterThread {
  readonly shard: number
  readonly #settings: () => WriterSettings
  readonly #host: Host
  #worker: Worker | undefined
  #ready: Promise<void> = Promise.resolve()
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  #lastId = 0
  #stopping = false
  restarts = 0

  constructor(host: Host, shard: number, settings: () => WriterSettings) {
    this.#host = host
    this.shard = shard
    this.#settings = settings
  }

  start(): Promise<void> {
    const worker = new Worker(threadFile('writer-thread'), { workerData: this.#settings() })
    this.#worker = worker
    let started = false
    this.#ready = new Promise((resolve, reject) => {
      worker.on('message', (reply: WriterReply) => {
        if (reply.said === 'ready') {
          started = true
          resolve()
        } else this.#heard(reply)
      })
      worker.on('error', (error: Error) => {
        const newer = (error.cause as Partial<CannotOpen> | undefined)?.newer
        reject(newer === undefined ? error : new NewerFormat(newer))
        // Who starts the first one is told by the rejection.
        if (started || this.restarts > 0)
          this.#host.log('error', this.shard, `The writer died: ${error.stack ?? error.message}`)
      })
      worker.on('exit', () => {
        reject(new Error('The writer ended'))
        this.#ended()
      })
    })
    return this.#ready
  }

  #heard(reply: WriterReply): void {
    if (reply.said === 'log') this.#host.log(reply.entry.level, this.shard, reply.entry.message)
    else if (reply.said === 'wal') this.#host.checkpoint(this.shard)
    else if (reply.said === 'answer') {
      this.#waiting.get(reply.id)?.resolve(reply.value)
      this.#waiting.delete(reply.id)
    }
  }

  #ended(): void {
    this.#worker = undefined
    for (const { reject } of this.#waiting.values()) reject(new Error(`The writer of shard ${this.shard} ended`))
    this.#waiting.clear()
    if (!this.#stopping) void this.#restart()
  }

  async #restart(): Promise<void> {
    this.restarts += 1
    // A writer that dies at once must not keep a core busy.
    await new Promise((resolve) => {
      setTimeout(resolve, Math.min(1_000, 10 * 2 ** this.restarts)).unref()
    })
    if (this.#stopping) return
    try {
      await this.start()
      this.#host.reconnect(this.shard)
    } catch {
      // Logged where it happened; its exit has begun the next attempt.
    }
  }

  get alive(): boolean {
    return this.#worker !== undefined
  }

  connect(port: MessagePort, hears: Hears, interest: SharedArrayBuffer): void {
    const order: WriterOrder = { do: 'connect', port, hears, interest }
    if (this.#worker === undefined) port.close()
    else this.#worker.postMessage(order, [port])
  }

  tell(order: Extract<WriterOrder, { readonly do: 'upkeep' }>): void {
    this.#worker?.postMessage(order)
  }

  ask(order: WithoutId<OrderWithId>): Promise<unknown> {
    const worker = this.#worker
    if (worker === undefined) return Promise.reject(new Error(`The writer of shard ${this.shard} is not running`))
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      worker.postMessage({ ...order, id })
    })
  }

  async stop(): Promise<void> {
    this.#stopping = true
    const worker = this.#worker
    if (worker === undefined) return
    const ended = new Promise<void>((resolve) => {
      worker.once('exit', () => resolve())
    })
    try {
      await this.#ready
      await this.ask({ do: 'close' })
    } catch {
      // It has ended, or never began.
    }
    await ended
  }
}

class Host implements EmbeddedHost {
  readonly #options: EmbeddedOptions
  readonly #tuning: EmbeddedTuning
  readonly #commits = new CommitCounts()
  readonly #writers: WriterThread[]
  #checkpointer: Worker | undefined
  #lines: { readonly port: MessagePort; readonly hears: Hears; readonly interest: SharedArrayBuffer }[] = []
  #timer: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined

  constructor(options: EmbeddedOptions) {
    this.#options = options
    this.#tuning = { ...DEFAULTS, ...options.tuning }
    this.#writers = Array.from({ length: options.shards }, (_, shard) => {
      const settings = (): WriterSettings => ({
        directory: options.directory,
        shard,
        durability: options.durability,
        keeping: { ...KEEPING, ...options.keeping },
        mostForAnyone: options.mostForAnyone ?? MAX_FOR_ANYONE,
        tuning: this.#tuning,
        now: options.clock.now(),
        commits: this.#commits.memory,
        probe: options.probe,
      })
      return new WriterThread(this, shard, settings)
    })
  }

  async start(): Promise<void> {
    await Promise.all(this.#writers.map((writer) => writer.start()))
    if (this.#tuning.upkeepMs > 0) {
      this.#timer = setInterval(() => {
        for (const writer of this.#writers) writer.tell({ do: 'upkeep', now: this.#options.clock.now() })
      }, this.#tuning.upkeepMs)
      this.#timer.unref()
    }
  }

  log(level: 'info' | 'warn' | 'error', shard: number | undefined, message: string): void {
    this.#options.log({ level, shard, message })
  }

  checkpoint(shard: number): void {
    if (this.#closing !== undefined) return
    this.#checkpointer ??= this.#startCheckpointer()
    this.#checkpointer.postMessage({ shard })
  }

  /** A server that has just begun does not wait for it. */
  #startCheckpointer(): Worker {
    const { directory, durability, probe } = this.#options
    const worker = new Worker(threadFile('checkpointer-thread'), { workerData: { directory, durability, probe } })
    worker.on('message', ({ shard, message }: { readonly shard: number; readonly message: string }) =>
      this.log('error', shard, `A checkpoint failed: ${message}`),
    )
    worker.on('error', (error: Error) => this.log('error', undefined, `The checkpointer died: ${error.message}`))
    // the next checkpoint starts another
    worker.on('exit', () => {
      if (this.#checkpointer === worker) this.#checkpointer = undefined
    })
    return worker
  }

  connect(hears: Hears = 'at-once'): EmbeddedConnection {
    if (this.#closing !== undefined) throw new Error('The store is closing')
    const ports: MessagePort[] = []
    const interest = new Interest().memory
    for (const writer of this.#writers) {
      const { port1, port2 } = new MessageChannel()
      writer.connect(port1, hears, interest)
      ports.push(port2)
    }
    const { port1, port2 } = new MessageChannel()
    this.#lines.push({ port: port1, hears, interest })
    port1.on('close', () => {
      this.#lines = this.#lines.filter(({ port }) => port !== port1)
    })
    port1.unref()
    ports.push(port2)
    const { directory, durability, shards } = this.#options
    return { directory, shards, durability, commits: this.#commits.memory, interest, ports }
  }

  /** Gives every thread a port to a writer that was started again. */
  reconnect(shard: number): void {
    for (const { port, hears, interest } of this.#lines) {
      const { port1, port2 } = new MessageChannel()
      this.#writers[shard]?.connect(port1, hears, interest)
      const message: PortMessage = { shard, port: port2 }
      port.postMessage(message, [port2])
    }
  }

  status(): Promise<readonly ShardStatus[]> {
    return Promise.all(
      this.#writers.map(async (writer) => {
        try {
          const status = (await writer.ask({ do: 'status' })) as ShardStatus
          return { ...status, restarts: writer.restarts }
        } catch {
          return { ...NO_STATUS, shard: writer.shard, restarts: writer.restarts }
        }
      }),
    )
  }

  async compact(atOnce = false): Promise<Compacted> {
    const now = this.#options.clock.now()
    const all = await Promise.all(
      this.#writers.map(async (writer) => (await writer.ask({ do: 'compact', now, atOnce })) as Compacted),
    )
    return {
      messages: all.reduce((sum, { messages }) => sum + messages, 0),
      bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
      inMs: Math.max(...all.map(({ inMs }) => inMs)),
    }
  }

  async purge(): Promise<number> {
    const now = this.#options.clock.now()
    const dropped = await Promise.all(this.#writers.map((writer) => writer.ask({ do: 'purge', now })))
    return dropped.reduce<number>((sum, each) => sum + (each as number), 0)
  }

  async *check(options: CheckOptions): AsyncGenerator<CheckFinding, void, void> {
    for (const writer of this.#writers) {
      if (options.shard !== undefined && writer.shard !== options.shard) continue
      const found = await this.#look(writer.shard, options)
      if (!options.repair || found.length === 0) {
        yield* found
        continue
      }
      yield* (await writer.ask({ do: 'repair' })) as readonly CheckFinding[]
      // What a second look does not find has been repaired.
      const left = await this.#look(writer.shard, options)
      const still = new Set(left.map(({ message }) => message))
      yield* found.filter(({ message }) => !still.has(message)).map((finding) => ({ ...finding, repaired: true }))
      yield* left
    }
  }

  #look(shard: number, options: CheckOptions): Promise<readonly CheckFinding[]> {
    const { directory } = this.#options
    const worker = new Worker(threadFile('check-thread'), { workerData: { directory, shard, options } })
    const findings: CheckFinding[] = []
    worker.on('message', (finding: CheckFinding) => findings.push(finding))
    return new Promise((resolve, reject) => {
      worker.on('error', reject)
      worker.on('exit', () => resolve(findings))
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer)
    const checkpointer = this.#checkpointer
    if (checkpointer !== undefined) {
      const ended = new Promise((resolve) => {
        checkpointer.once('exit', resolve)
      })
      checkpointer.postMessage('close')
      await ended
    }
    await Promise.all(this.#writers.map((writer) => writer.stop()))
    for (const { port } of this.#lines) port.close()
  }
}

const NO_STATUS: Omit<ShardStatus, 'shard' | 'restarts'> = {
  state: 'failed',
  walBytes: 0,
  segments: 0,
  segmentBytes: 0,
  liveBytes: 0,
  batches: 0,
  requests: 0,
  syncs: 0,
  queued: 0,
}
