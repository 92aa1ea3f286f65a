/** Malle as a contestant: `malle serve` from this checkout, every acknowledged change on disk. @module */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Endpoint } from '../raw.ts'
import type { Certificate } from './certificate.ts'
import { type Cast, type Contestant, DOMAIN, type Listener, type Variant } from './contestant.ts'
import { onServerCores } from './cores.ts'
import { DriverImap } from './imap-driver.ts'

const LAUNCHER = path.join(import.meta.dirname, '..', '..', 'bin', 'malle.cjs')

/** Messages for which Malle brings no index up to date. */
const FEW = 50

interface Ready {
  readonly pid: number
  readonly endpoints: Readonly<Record<string, readonly Endpoint[]>>
}

/** Makes the accounts and starts. @param profile a folder for CPU profiles of the server, one a thread and start. */
export async function startMalle(
  folder: string,
  cast: Cast,
  certificate: Certificate,
  profile?: string,
): Promise<Contestant> {
  await mkdir(folder, { recursive: true })
  const malle = new Malle(folder, certificate, profile)
  await malle.addAccounts(cast)
  await malle.start({})
  return malle
}

class Malle implements Contestant {
  readonly name = 'malle'
  readonly mail: string
  readonly #folder: string
  readonly #config: string
  readonly #certificate: Certificate
  readonly #profile: readonly string[]
  #child: ChildProcess | undefined
  #ready: Ready | undefined

  constructor(folder: string, certificate: Certificate, profile: string | undefined) {
    // with the size given, the launcher does not begin again, which a running profile does not survive
    const young = '--max-semi-space-size=16'
    this.#profile = profile === undefined ? [] : [young, '--cpu-prof', `--cpu-prof-dir=${path.resolve(profile)}`]
    this.#folder = folder
    this.#config = path.join(folder, 'malle.toml')
    this.#certificate = certificate
    this.mail = path.join(folder, 'data')
    process.once('exit', () => this.#child?.kill('SIGKILL'))
  }

  get pid(): number {
    const pid = this.#ready?.pid
    if (pid === undefined) throw new Error('Malle does not run')
    return pid
  }

  endpoint(listener: Listener | 'http'): Endpoint {
    const endpoint = this.#ready?.endpoints[listener]?.[0]
    if (endpoint === undefined) throw new Error(`Malle does not listen for ${listener}`)
    return endpoint
  }

  async addAccounts({ names, password }: Cast): Promise<void> {
    await this.#configure({})
    const file = path.join(this.#folder, 'accounts.csv')
    const rows = names.map((address) => `${address},{PLAIN}${password}`)
    await writeFile(file, `address,hash\n${rows.join('\n')}\n`)
    await this.verb('domain', 'add', DOMAIN)
    await this.verb('account', 'add', '--from', file)
  }

  async start(variant: Variant): Promise<void> {
    await this.#configure(variant)
    const [command = '', ...words] = onServerCores(
      [variant.atEase, variant.allCores, (variant.workers ?? 1) > 1].includes(true),
    )
    const program = [process.execPath, ...this.#profile, LAUNCHER, 'serve', '--json', '--config', this.#config]
    const cold = variant.coldCode === true ? { NODE_COMPILE_CACHE: await this.#emptyFolder() } : {}
    const child = spawn(command, [...words, ...program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...cold },
    })
    this.#child = child
    const line = await Promise.race([
      once(createInterface(child.stdout), 'line').then(([text]) => text as string),
      once(child, 'exit').then(([code, signal]) => {
        throw new Error(`Malle ended with ${signal ?? code}`)
      }),
    ])
    this.#ready = JSON.parse(line) as Ready
  }

  async restart(variant: Variant = {}, meanwhile?: () => Promise<void>): Promise<void> {
    await this.#stop()
    await meanwhile?.()
    await this.start(variant)
  }

  async importMbox(address: string, file: string): Promise<void> {
    await this.verb('import', address, file)
  }

  fresh(folder: string, cast: Cast): Promise<Contestant> {
    return startMalle(folder, cast, this.#certificate)
  }

  async compact(): Promise<void> {
    await this.restart({}, async () => void (await this.verb('compact')))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop()
  }

  async #stop(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null) return
    const exit = once(child, 'exit')
    process.kill(this.pid, 'SIGTERM')
    await exit
  }

  async #configure({ workers = 1, atEase = false }: Variant): Promise<void> {
    const { cert, key } = this.#certificate
    const listeners: readonly Listener[] = ['imap', 'imaps', 'pop3', 'pop3s', 'lmtp', 'http']
    await writeFile(
      this.#config,
      [
        'hostname = "mail.example.org"\ndata = "data"',
        '[listen]',
        ...listeners.map((listener) => `${listener} = ["127.0.0.1:0"]`),
        `[tls]\ncert = "${cert}"\nkey = "${key}"`,
        '[auth]\nallow_plaintext = true',
        '[limits]\nconnections = 20000\nconnections_per_user = 20000\nexempt = ["127.0.0.0/8"]',
        `[store]\ndurability = "${atEase ? 'relaxed' : 'full'}"`,
        `[workers]\ncount = ${workers}`,
        '[log]\nlevel = "error"\n',
      ].join('\n'),
    )
  }

  #emptyFolder(): Promise<string> {
    return mkdtemp(path.join(this.#folder, 'code-'))
  }

  async settled(): Promise<void> {
    const { host, port } = this.endpoint('http')
    for (;;) {
      // what came a moment ago is only looked at a second later
      await pause(1_500)
      const metrics = await (await fetch(`http://${host}:${port}/metrics`)).text()
      // a few messages wait for others
      if (Number(/^malle_search_index_backlog (\d+)$/m.exec(metrics)?.[1]) < FEW) return
    }
  }

  removeIndexes(): Promise<void> {
    return this.restart({}, () => rm(path.join(this.mail, 'search'), { recursive: true, force: true }))
  }

  async index(address: string): Promise<void> {
    await this.removeIndexes()
    // an account that is large enough is indexed when something happens in it
    const imap = await DriverImap.login(this, address)
    await imap.ok('SELECT INBOX')
    await imap.ok('UID STORE 1 +FLAGS (indexed)')
    imap.close()
    await this.settled()
  }

  async verb(...words: readonly string[]): Promise<string> {
    const [command = '', ...pinned] = onServerCores(false)
    const program = [process.execPath, LAUNCHER, ...words, '--config', this.#config]
    const { stdout } = await promisify(execFile)(command, [...pinned, ...program])
    return stdout
  }
}
