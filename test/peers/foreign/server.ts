/** Mail servers of other projects: started for a test on free ports of loopback, in a folder of their own. @module */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { selfMadeCertificate } from '#server/self-made-certificate.ts'
import { killGroup } from '../kill-group.ts'
import { answers, freePorts } from '../ports.ts'
import type { Security } from '../server.ts'

const START_MS = 30_000
const STOP_MS = 10_000
const TRIES = 3

/** What each of them listens on. */
export const FOREIGN_LISTENERS = ['imap', 'imaps', 'pop3', 'pop3s', 'lmtp'] as const
export type ForeignListener = (typeof FOREIGN_LISTENERS)[number]

/** Someone who may log in, over all protocols and all mechanisms of SASL that the server has. */
export interface ForeignAccount {
  readonly address: string
  readonly password: string
}

export interface ForeignOptions {
  readonly accounts: readonly ForeignAccount[]
  /** Lines of its own configuration, behind ours. */
  readonly more?: string
  /** Cyrus as it was before: `INBOX.Lists.ietf`, one's own mailboxes below INBOX and levels apart by `.`. */
  readonly dots?: boolean
}

/** The account that the daemons run as; `undefined` without root: ours. */
export interface RunAs {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** What is written for one start. */
export interface Place {
  readonly folder: string
  readonly ports: Readonly<Record<ForeignListener, number>>
  readonly ca: string
  readonly cert: string
  readonly key: string
  readonly accounts: readonly ForeignAccount[]
  readonly runAs: RunAs | undefined
  readonly more: string
  readonly dots: boolean
}

/** How a server is made ready and started. */
export interface Kind {
  readonly name: string
  readonly runAs: RunAs
  /** Writes configuration and passwords; gives what to spawn, which must stay in the foreground. */
  prepare(place: Place): Promise<Program>
  /** What it wrote about itself, for messages of tests. */
  log(place: Place): Promise<string>
}

export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Started by root, as this user. */
  readonly as: RunAs | undefined
}

/** A server of another project while it runs. `await using` stops it and removes its folder. */
export class ForeignServer implements AsyncDisposable {
  readonly name: string
  /** Name in the certificate. */
  readonly host = 'localhost'
  /** Certificate of the authority to trust: a file. */
  readonly ca: string
  readonly accounts: readonly ForeignAccount[]
  readonly #kind: Kind
  readonly #place: Place
  readonly #child: ChildProcess

  private constructor(kind: Kind, place: Place, child: ChildProcess) {
    this.name = kind.name
    this.ca = place.ca
    this.accounts = place.accounts
    this.#kind = kind
    this.#place = place
    this.#child = child
  }

  /** Starts one. A port that someone else takes in between costs another try. */
  static async start(kind: Kind, options: ForeignOptions): Promise<ForeignServer> {
    for (let left = TRIES; ; left -= 1) {
      try {
        return await ForeignServer.#try(kind, options)
      } catch (error) {
        if (left === 1 || !(error instanceof NotReady)) throw error
      }
    }
  }

  static async #try(kind: Kind, { accounts, more = '', dots = false }: ForeignOptions): Promise<ForeignServer> {
    const folder = await mkdtemp(path.join(tmpdir(), `malle-${kind.name}-`))
    const runAs = process.getuid?.() === 0 ? kind.runAs : undefined
    await chmod(folder, 0o755)
    const { ca, cert, key } = await selfMadeCertificate(path.join(folder, 'tls'), ['localhost'])
    for (const file of [ca, cert, key, path.dirname(ca)])
      if (runAs !== undefined) await chown(file, runAs.uid, runAs.gid)
    const [imap = 0, imaps = 0, pop3 = 0, pop3s = 0, lmtp = 0] = await freePorts(FOREIGN_LISTENERS.length)
    const ports = { imap, imaps, pop3, pop3s, lmtp }
    const place: Place = { folder, ports, ca, cert, key, accounts, runAs, more, dots }
    let child: ChildProcess | undefined
    try {
      const { command, args, env, as } = await kind.prepare(place)
      child = spawn(command, args, {
        cwd: folder,
        env: { ...env },
        stdio: 'ignore',
        // A group of its own: what it starts ends with it even where it does not end itself.
        detached: true,
        ...(as === undefined ? {} : { uid: as.uid, gid: as.gid }),
      })
      const { pid } = child
      process.on('exit', () => killGroup(pid))
      await Promise.race([answering(Object.values(place.ports)), ended(child)])
      return new ForeignServer(kind, place, child)
    } catch (error) {
      killGroup(child?.pid)
      const log = await kind.log(place).catch(() => '')
      await rm(folder, { recursive: true, force: true })
      throw error instanceof NotReady ? new NotReady(`${kind.name}: ${error.message}\n${log.slice(-3_000)}`) : error
    }
  }

  /** Port of a listener. */
  port(listener: ForeignListener): number {
    return this.#place.ports[listener]
  }

  /** Port of IMAP or POP3 for a kind of protection. */
  portOf(protocol: 'imap' | 'pop3', security: Security): number {
    return this.port(security === 'tls' ? `${protocol}s` : protocol)
  }

  /** What it wrote about itself; empty where it only speaks to syslog. */
  log(): Promise<string> {
    return this.#kind.log(this.#place)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exit = once(this.#child, 'exit')
      const deadline = setTimeout(() => killGroup(this.#child.pid), STOP_MS)
      this.#child.kill('SIGTERM')
      await exit
      clearTimeout(deadline)
    }
    killGroup(this.#child.pid)
    // its last processes may still be writing
    await rm(this.#place.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}

/** It did not come up: a port may have been taken, or its configuration is wrong. */
class NotReady extends Error {
  override readonly name = 'NotReady'
}

async function answering(ports: readonly number[]): Promise<void> {
  const end = performance.now() + START_MS
  for (const port of ports)
    while (!(await answers(port))) {
      if (performance.now() > end) throw new NotReady(`Nobody answers on port ${port}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
}

async function ended(child: ChildProcess): Promise<never> {
  const [code, signal] = await once(child, 'exit')
  throw new NotReady(`It ended with ${code ?? signal}`)
}
