/** A real `malle serve` in a process of its own, with its own data directory; for suites and benches. @module */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { EmbeddedTuning } from '#adapters/embedded/options.ts'
import { loadConfig } from '#config/load.ts'
import { openAdministration } from '#server/open-administration.ts'
import { DIED, type ProbeOrders } from './probe.ts'

/** Where a listener is. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

export type Protocol = 'imap' | 'imaps' | 'pop3' | 'pop3s' | 'lmtp' | 'smtp' | 'submission' | 'http'

/** What may differ from a server for a test. */
export interface InstallationOptions {
  /** Protocol threads; default 1. */
  readonly workers?: number
  /** Default 1. */
  readonly shards?: number
  readonly durability?: 'full' | 'relaxed'
  readonly retentionDays?: number
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error'
  /** More of the configuration, behind ours. */
  readonly more?: string
}

const LAUNCHER = path.join(import.meta.dirname, '..', '..', 'bin', 'malle.cjs')
const TUNED = path.join(import.meta.dirname, 'tuned-server.ts')
/** Where the launcher keeps compiled code, too: a start takes a third of the time. */
const CACHE = path.join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'malle')
const run = promisify(execFile)
const running = new Set<ServerProcess>()
process.on('exit', () => {
  for (const server of running) server.abandon()
})

/** A configuration and its data, served or not. */
export class Installation {
  readonly folder: string
  readonly config: string
  readonly data: string

  private constructor(folder: string) {
    this.folder = folder
    this.config = path.join(folder, 'malle.toml')
    this.data = path.join(folder, 'data')
  }

  /** Writes a configuration for loopback: no TLS needed, free ports, nothing throttled. */
  static async make(folder: string, options: InstallationOptions = {}): Promise<Installation> {
    await mkdir(folder, { recursive: true })
    const installation = new Installation(folder)
    const listen = ['imap', 'pop3', 'lmtp', 'smtp', 'submission', 'http'].map((name) => `${name} = ["127.0.0.1:0"]`)
    const lines = [
      'hostname = "mail.example.org"',
      'data = "data"',
      '[listen]',
      ...listen,
      '[auth]\nallow_plaintext = true',
      '[limits]\nconnections_per_user = 10000\nexempt = ["127.0.0.0/8"]',
      `[store]\ndurability = "${options.durability ?? 'full'}"\nshards = ${options.shards ?? 1}\nretention_days = ${options.retentionDays ?? 30}`,
      `[workers]\ncount = ${options.workers ?? 1}`,
      `[log]\nlevel = "${options.logLevel ?? 'error'}"`,
      options.more ?? '',
    ]
    await writeFile(installation.config, `${lines.join('\n')}\n`)
    return installation
  }

  /** Runs a verb; @returns what it printed. @throws when it exits with anything but 0. */
  async verb(...words: readonly string[]): Promise<string> {
    const { stdout } = await run(process.execPath, [LAUNCHER, ...words, '--config', this.config], {
      maxBuffer: 64 * 1024 * 1024,
    })
    return stdout
  }

  /**
   * Adds `example.org` and accounts in it, while the server is stopped.
   * @returns an app password for each: logging in with one costs the server nothing.
   */
  async addAccounts(names: readonly string[]): Promise<readonly Login[]> {
    const config = await loadConfig(this.config)
    if (!config.ok) throw new Error(`The configuration is wrong: ${JSON.stringify(config.error)}`)
    await using administration = await openAdministration(config.value)
    await administration.ask('domain.add', { name: 'example.org' })
    const logins: Login[] = []
    for (const name of names) {
      const address = `${name}@example.org`
      await administration.ask('account.add', { address, password: null })
      const { password } = await administration.ask('app-password.add', { address, name: 'test' })
      logins.push({ address, password })
    }
    return logins
  }

  /** What `malle check` found; an empty list is a store without damage. */
  async check(): Promise<readonly { readonly kind: string; readonly message: string }[]> {
    try {
      return JSON.parse(await this.verb('check', '--json')) as { kind: string; message: string }[]
    } catch (error) {
      const { stdout } = error as { readonly stdout?: string }
      if (stdout === undefined || !stdout.startsWith('[')) throw error
      return JSON.parse(stdout) as { kind: string; message: string }[]
    }
  }

  /** Starts the server; resolves when it is ready. */
  async serve(how: ServeOptions = {}): Promise<ServerProcess> {
    const server = this.launch(how)
    await server.ready
    return server
  }

  /** Starts the server without waiting. */
  launch({ nodeArguments = [], wrapper = [], tuning }: ServeOptions = {}): ServerProcess {
    const program =
      tuning === undefined
        ? [LAUNCHER, 'serve', '--json', '--config', this.config]
        : [TUNED, this.config, JSON.stringify(tuning)]
    const [command = process.execPath, ...rest] = [...wrapper, process.execPath, ...nodeArguments, ...program]
    const env = { ...process.env, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? CACHE }
    return new ServerProcess(spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], env }))
  }
}

export interface Login {
  readonly address: string
  readonly password: string
}

export interface ServeOptions {
  readonly nodeArguments?: readonly string[]
  /** A program and its arguments that run the server, such as `strace`. */
  readonly wrapper?: readonly string[]
  /** Not `malle serve` but the same server with a store of other sizes and times. */
  readonly tuning?: Tuning
}

/** Sizes and times of the store. */
export interface Tuning extends Partial<EmbeddedTuning> {
  /** How long deleted mail is kept, where the configuration says a day. */
  readonly keptMs?: number
  /** Points to die at, promises to break. */
  readonly probe?: ProbeOrders
}

interface Ready {
  readonly pid: number
  readonly endpoints: Readonly<Record<string, readonly Endpoint[]>>
}

/** What clients need of a server. */
export interface Served {
  endpoint(protocol: Protocol): Endpoint
}

/** A running server. */
export class ServerProcess implements Served {
  /** Settles when the server accepts connections, or rejects with what it said instead. */
  readonly ready: Promise<void>
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #log: string[] = []
  #ready: Ready | undefined

  constructor(child: ChildProcess) {
    this.#child = child
    running.add(this)
    this.#ended = once(child, 'exit')
    child.once('exit', () => running.delete(this))
    if (child.stderr === null || child.stdout === null) throw new Error('The server has no pipes')
    createInterface(child.stderr).on('line', (line) => {
      this.#log.push(line)
      if (this.#log.length > 200) this.#log.shift()
    })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.ready = promise
    promise.catch(() => undefined)
    createInterface(child.stdout).on('line', (line) => {
      this.#ready ??= JSON.parse(line) as Ready
      resolve()
    })
    child.once('exit', (code, signal) =>
      reject(new Error(`The server ended with ${signal ?? code}:\n${this.#log.join('\n')}`)),
    )
  }

  /** Of the server itself, also under a wrapper. */
  get pid(): number {
    const pid = this.#ready?.pid ?? this.#child.pid
    if (pid === undefined) throw new Error('The server could not be started')
    return pid
  }

  /** The last lines it logged. */
  get log(): readonly string[] {
    return this.#log
  }

  /** Where a protocol is spoken. */
  endpoint(protocol: Protocol): Endpoint {
    const endpoint = this.#ready?.endpoints[protocol]?.[0]
    if (endpoint === undefined) throw new Error(`The server does not listen for ${protocol}`)
    return endpoint
  }

  /** Settles when the process has ended, for whatever reason. */
  get ended(): Promise<unknown> {
    return this.#ended
  }

  /** From now on the points of its probe count. */
  arm(): void {
    this.#signal('SIGUSR2')
  }

  /** Whether it ended itself at the point that its probe was told. */
  get diedAsOrdered(): boolean {
    return this.#log.includes(DIED)
  }

  /** SIGKILL: no time for anything. */
  async kill(): Promise<void> {
    this.#signal('SIGKILL')
    await this.#ended
  }

  /** SIGTERM. @throws when it does not exit with 0. */
  async stop(): Promise<void> {
    this.#signal('SIGTERM')
    await this.#ended
    const { exitCode, signalCode } = this.#child
    if (exitCode !== 0) throw new Error(`The server stopped with ${signalCode ?? exitCode}:\n${this.#log.join('\n')}`)
  }

  /** Kills it, and what runs it, when nobody is left to wait for it. */
  abandon(): void {
    this.#signal('SIGKILL')
    this.#child.kill('SIGKILL')
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    process.kill(this.pid, signal)
  }

  /** Resident memory now and at its highest, in octets (Linux). */
  async memory(): Promise<{ readonly now: number; readonly peak: number }> {
    const text = await readFile(`/proc/${this.pid}/status`, 'utf8')
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) * 1024
    return { now: field('VmRSS'), peak: field('VmHWM') }
  }

  /** Makes the highest resident memory count from now on (Linux). */
  async resetPeak(): Promise<void> {
    await writeFile(`/proc/${this.pid}/clear_refs`, '5')
  }

  /** The value of a metric without labels, or with the first ones. */
  async metric(name: string): Promise<number> {
    const [value] = await this.metrics([name])
    return value ?? Number.NaN
  }

  /** The same of several at one time: those of the event loop begin anew each time they are read. */
  async metrics(names: readonly string[]): Promise<readonly number[]> {
    const { host, port } = this.endpoint('http')
    const text = await (await fetch(`http://${host}:${port}/metrics`)).text()
    return names.map((name) => {
      const value = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]
      if (value === undefined) throw new Error(`There is no metric ${name}`)
      return Number(value)
    })
  }
}
