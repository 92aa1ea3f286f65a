/** The command line as people run it: real processes of the launcher, each test with folders of its own. @module */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'

export const ROOT: string = path.join(import.meta.dirname, '..', '..')
export const LAUNCHER: string = path.join(ROOT, 'bin', 'malle.cjs')
/** A test that hangs is broken; no test measures by this. */
const PATIENCE_MS = 120_000

const alive = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** How a command ended. */
export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** On standard input, which is closed behind it. */
  readonly input?: string
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** For Node itself. */
  readonly nodeArguments?: readonly string[]
}

/** Our own environment without what would change the language or the launcher. */
const PLAIN: NodeJS.ProcessEnv = { ...process.env, LC_ALL: 'C', MALLE_NODE: '' }
delete PLAIN.NODE_OPTIONS
delete PLAIN.NODE_TEST_CONTEXT

function launch(args: readonly string[], options: RunOptions): ChildProcess {
  const child = spawn(process.execPath, [...(options.nodeArguments ?? []), LAUNCHER, ...args], {
    cwd: options.cwd ?? ROOT,
    env: { ...PLAIN, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  alive.add(child)
  child.once('exit', () => alive.delete(child))
  return child
}

/** Runs a command to its end. */
export async function malle(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const child = launch(args, options)
  const deadline = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  const out = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => (out[name] += text))
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(options.input ?? '')
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(deadline)
  return { code, ...out }
}

/** A command that stays: `serve`, `demo`. */
export class Running {
  readonly child: ChildProcess
  readonly stdout: string[] = []
  readonly stderr: string[] = []
  readonly #ended: Promise<unknown>
  #wake: (() => void) | undefined

  constructor(args: readonly string[], options: RunOptions = {}) {
    this.child = launch(args, options)
    this.#ended = once(this.child, 'close')
    for (const name of ['stdout', 'stderr'] as const) {
      const stream = this.child[name]
      assert.ok(stream)
      createInterface({ input: stream }).on('line', (line) => {
        this[name].push(line)
        this.#wake?.()
      })
    }
    void this.#ended.then(() => this.#wake?.())
  }

  /** The first line on stdout that `found` takes. */
  async line(found: (line: string) => boolean = () => true): Promise<string> {
    return this.#wait(() => this.stdout.find(found))
  }

  /** The first line of the log that has the text. */
  async logged(text: string): Promise<string> {
    return this.#wait(() => this.stderr.find((line) => line.includes(text)))
  }

  async #wait(look: () => string | undefined): Promise<string> {
    const deadline = setTimeout(() => this.child.kill('SIGKILL'), PATIENCE_MS)
    try {
      for (;;) {
        const line = look()
        if (line !== undefined) return line
        if (this.child.exitCode !== null || this.child.signalCode !== null)
          throw new Error(`It ended with ${this.child.exitCode ?? this.child.signalCode}:\n${this.stderr.join('\n')}`)
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      clearTimeout(deadline)
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** The exit code; 'SIGKILL' and the like when a signal ended it. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    const deadline = setTimeout(() => this.child.kill('SIGKILL'), PATIENCE_MS)
    await this.#ended
    clearTimeout(deadline)
    return this.child.exitCode ?? this.child.signalCode
  }
}

/** What `serve --json` prints. */
export interface Ready {
  readonly ready: true
  readonly pid: number
  readonly endpoints: Readonly<Record<string, readonly { readonly host: string; readonly port: number }[]>>
}

/** A folder with a configuration and its data; gone when disposed. */
export class Place implements AsyncDisposable {
  readonly folder: string
  readonly config: string
  readonly data: string
  readonly #running: Running[] = []

  private constructor(folder: string) {
    this.folder = folder
    this.config = path.join(folder, 'malle.toml')
    this.data = path.join(folder, 'data')
  }

  /** Listens on free ports of loopback; `more` is put behind, `top` before the first section. */
  static async make(more = '', top = ''): Promise<Place> {
    const place = new Place(await mkdtemp(path.join(tmpdir(), 'malle-cli-')))
    const listen = ['imap', 'imaps', 'pop3', 'lmtp'].map((name) => `${name} = ["127.0.0.1:0"]`).join('\n')
    await writeFile(
      place.config,
      `hostname = "localhost"\ndata = "data"\n${top}\n[listen]\n${listen}\n` +
        `[auth]\nallow_plaintext = true\n[limits]\nexempt = ["127.0.0.0/8"]\n${more}\n`,
    )
    return place
  }

  /** Runs an administrative command on this configuration. */
  malle(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return malle([...args, '--config', this.config], { cwd: this.folder, ...options })
  }

  /** The same; it must succeed, and its output is JSON when it was asked for. */
  async ok(args: readonly string[], input = ''): Promise<unknown> {
    const { code, stdout, stderr } = await this.malle(args, { input })
    assert.equal(code, 0, `malle ${args.join(' ')}: ${stderr}`)
    return args.includes('--json') ? JSON.parse(stdout) : stdout
  }

  /** Starts the server and waits for its line. */
  async serve(options: RunOptions = {}): Promise<Running & { readonly ready: Ready }> {
    const server = new Running(['serve', '--json', '--config', this.config], { cwd: this.folder, ...options })
    this.#running.push(server)
    return Object.assign(server, { ready: JSON.parse(await server.line()) as Ready })
  }

  async file(name: string, text: string | Uint8Array): Promise<string> {
    const file = path.join(this.folder, name)
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, text)
    return file
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#running) {
      server.signal('SIGKILL')
      await server.ended()
    }
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** Port of a listener of a running server. */
export function portOf({ endpoints }: Ready, listener: string): number {
  const port = endpoints[listener]?.[0]?.port
  assert.ok(port !== undefined, `${listener} is not listening`)
  return port
}
