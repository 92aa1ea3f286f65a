/** A real `malle serve` for the programs of other people, with data, certificate and accounts of its own. @module */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { Autoconfig, type MailProtocol, type Security, type ServerPlace } from './autoconfig.ts'
import { type Ran, run, runWell, said } from './run.ts'

const LAUNCHER = path.join(import.meta.dirname, '..', '..', 'bin', 'malle.cjs')
const START_MS = 120_000
const STOP_MS = 60_000
const ACCOUNTS_AT_ONCE = 5

/** Listeners of the configuration. */
const LISTENERS = ['imap', 'imaps', 'pop3', 'pop3s', 'lmtp', 'smtp', 'submission', 'submissions', 'http'] as const
type Listener = (typeof LISTENERS)[number]

export type { Security } from './autoconfig.ts'

/** Each way a program may connect. */
export const SECURITIES: readonly Security[] = ['plain', 'starttls', 'tls']

/** An account nobody else uses, with a home directory for the program under test. */
export interface PeerAccount {
  readonly address: string
  readonly password: string
  /** What a program logs in as, by the autoconfig file. */
  readonly login: string
  readonly home: string
}

export interface PeerServerOptions {
  /** Lists SCRAM, which then works with ordinary passwords as with app passwords. */
  readonly scramForPasswords?: boolean
  /** Protocol threads. */
  readonly workers?: number
  /** What stands in `[submission]`. */
  readonly submission?: string
  /** More sections of the configuration. */
  readonly sections?: string
}

/** Anybody's mail as it came: what goes in is what comes out. */
const ANY_SUBMISSION = 'check_sender = "off"\nheader = "keep"\n'

/** A connection as the administrator sees it. */
interface ListedSession {
  readonly address?: string
  readonly protocol: string
  readonly secure: boolean
  readonly compressed?: boolean
  readonly client?: string
  readonly mailbox?: string
}

export class PeerServer {
  /** Name in the certificate. */
  readonly host = 'localhost'
  /** Certificate of the authority to trust. */
  readonly ca: string
  readonly #folder: string
  readonly #config: string
  readonly #child: ChildProcess
  readonly #ports: ReadonlyMap<string, number>
  readonly #log: string[]
  #autoconfig: Autoconfig | undefined
  #spare: string[] = []
  #made = 0

  private constructor(folder: string, child: ChildProcess, ports: ReadonlyMap<string, number>, log: string[]) {
    this.#folder = folder
    this.#config = path.join(folder, 'malle.toml')
    this.ca = path.join(folder, 'data', 'tls', 'ca.pem')
    this.#child = child
    this.#ports = ports
    this.#log = log
  }

  /** Starts it on free ports of loopback, with the domain example.org. Passwords are taken in the clear, too. */
  static async start({
    scramForPasswords = false,
    workers = 1,
    submission = ANY_SUBMISSION,
    sections = '',
  }: PeerServerOptions = {}): Promise<PeerServer> {
    const folder = await mkdtemp(path.join(tmpdir(), 'malle-peers-'))
    const listen = LISTENERS.map((name) => `${name} = ["127.0.0.1:0"]\n`).join('')
    await writeFile(
      path.join(folder, 'malle.toml'),
      `hostname = "localhost"\ndata = "data"\n[listen]\n${listen}[auth]\nallow_plaintext = true\n` +
        `scram_for_passwords = ${scramForPasswords}\n` +
        `[workers]\ncount = ${workers}\n` +
        `[submission]\n${submission}` +
        `[limits]\nexempt = ["127.0.0.0/8"]\n${sections}`,
    )
    const args = [LAUNCHER, 'serve', '--json', '--config', path.join(folder, 'malle.toml')]
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    process.on('exit', () => child.kill('SIGKILL'))
    const log: string[] = []
    createInterface({ input: child.stderr }).on('line', (line) => log.push(line))
    try {
      const server = new PeerServer(folder, child, await ready(child, log), log)
      await server.malle('domain', 'add', 'example.org')
      server.#autoconfig = await Autoconfig.fetch(server.port('http'), 'example.org')
      return server
    } catch (error) {
      child.kill('SIGKILL')
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }

  /** Port of a listener. */
  port(listener: Listener): number {
    const port = this.#ports.get(listener)
    assert.ok(port !== undefined, `${listener} is not listening`)
    return port
  }

  /** Where mail programs connect to: by the autoconfig file that this server gives them. */
  place(protocol: MailProtocol, security: Security): ServerPlace {
    return this.#settings.place(protocol, security)
  }

  get #settings(): Autoconfig {
    assert.ok(this.#autoconfig !== undefined)
    return this.#autoconfig
  }

  /** Runs a verb of the command line, which must succeed. */
  malle(...args: readonly string[]): Promise<Ran> {
    return runWell(process.execPath, [LAUNCHER, ...args, '--config', this.#config], { home: this.#folder })
  }

  /** Makes an account by `malle account add --password-stdin`. */
  async add(address: string, password: string): Promise<PeerAccount> {
    const args = [LAUNCHER, 'account', 'add', address, '--password-stdin', '--config', this.#config]
    await runWell(process.execPath, args, { home: this.#folder, input: password })
    return this.#accountOf(address, password)
  }

  /** An account for one test. They are made several at a time, which is what takes long in a suite otherwise. */
  async account(): Promise<PeerAccount> {
    if (this.#spare.length === 0) {
      const names = Array.from({ length: ACCOUNTS_AT_ONCE }, (_, index) => `user${this.#made + index}@example.org`)
      this.#made += names.length
      const file = path.join(this.#folder, 'accounts.csv')
      await writeFile(file, ['address,password', ...names.map((name) => `${name},${passwordOf(name)}`)].join('\n'))
      await this.malle('account', 'add', '--from', file)
      this.#spare = names
    }
    const address = this.#spare.shift()
    assert.ok(address !== undefined)
    return this.#accountOf(address, passwordOf(address))
  }

  async #accountOf(address: string, password: string): Promise<PeerAccount> {
    const home = await mkdtemp(path.join(this.#folder, 'home-'))
    return { address, password, login: this.#settings.login(address), home }
  }

  /** An app password of an account, for SCRAM. */
  async appPassword(address: string): Promise<string> {
    const made = await this.malle('app-password', 'add', address, 'peer')
    return made.stdout.toString('utf8').trim()
  }

  /** What `malle session list` shows of an account. */
  async sessions(address: string): Promise<readonly ListedSession[]> {
    const { stdout } = await this.malle('session', 'list', '--json')
    const sessions = JSON.parse(stdout.toString('utf8')) as readonly ListedSession[]
    return sessions.filter((one) => one.address === address)
  }

  /** Stops it as an administrator does: it must end with 0, its log without errors, and the store must be sound. */
  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit')
    const deadline = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS)
    this.#child.kill('SIGTERM')
    const [code] = await exit
    clearTimeout(deadline)
    const faults = this.#log.filter(isFault)
    const checked = await run(process.execPath, [LAUNCHER, 'check', '--config', this.#config], { home: this.#folder })
    await rm(this.#folder, { recursive: true, force: true })
    assert.deepEqual(faults, [], 'the server logged errors')
    assert.equal(code, 0, 'the server did not stop in time or as it should')
    assert.equal(checked.code, 0, `malle check found faults\n${said(checked)}`)
  }
}

/** A password with what configuration files could trip over left to tests of that. */
function passwordOf(address: string): string {
  return `secret-of-${address.slice(0, address.indexOf('@'))}`
}

/** Waits for the line with the bound addresses. */
async function ready(child: ChildProcess, log: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const deadline = setTimeout(() => child.kill('SIGKILL'), START_MS)
  try {
    assert.ok(child.stdout !== null)
    for await (const line of createInterface({ input: child.stdout })) {
      const { endpoints } = JSON.parse(line) as { endpoints: Record<string, readonly { port: number }[]> }
      const ports = Object.entries(endpoints).flatMap(([name, bound]) =>
        bound.slice(0, 1).map(({ port }) => [name, port]),
      )
      return new Map(ports as [string, number][])
    }
    throw new Error(`malle serve ended before it was ready\n${log.join('\n')}`)
  } finally {
    clearTimeout(deadline)
  }
}

/** Whether a line of the log is of level error, or no line of the log at all. */
function isFault(line: string): boolean {
  try {
    const { level } = JSON.parse(line) as { level?: unknown }
    return level !== 'debug' && level !== 'info' && level !== 'warn'
  } catch {
    return true
  }
}
