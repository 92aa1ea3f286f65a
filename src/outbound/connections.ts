/** Connections to other servers: found, opened host by host, kept a moment for the next message. @module */
import { access, constants, readFile } from 'node:fs/promises'
import type { Result } from '#lib/result.ts'
import { MOST_ADDRESSES, type Timeouts, TRYING_MS } from './limits.ts'
import { type ConnectFailure, openConnection } from './open-connection.ts'
import { outcomeOf } from './reply.ts'
import type { RouteSetting, Routes } from './routes.ts'
import { type ConnectOptions, nameOf, type OutboundConnection } from './transport.ts'

/** Why no host of a domain could be spoken to. */
export interface NoConnection {
  readonly outcome: 'deferred' | 'failed'
  readonly words: string
  /** Whose words they are, where there was somebody. */
  readonly host: string | undefined
  /** What the recipient's domain asks of TLS kept us away from a host at least. */
  readonly isTls?: boolean
}

export interface ConnectionDeps {
  readonly routes: Routes
  readonly hostname: string
  readonly messagesPerConnection: number
  /** Open at once, idle ones included. */
  readonly most: number
  readonly timeouts?: Timeouts | undefined
  /** What became of each connection that was tried, for reports about TLS (RFC 8460). */
  readonly tried?: (options: ConnectOptions, domain: string, opened: Result<OutboundConnection, ConnectFailure>) => void
  /** Calls back after so many milliseconds, unless what it gives is called before. */
  readonly after: (ms: number, run: () => void) => () => void
}

/** How long an idle connection is kept: other servers have better use for it. */
const IDLE_MS = 4_000

interface Idle {
  readonly connection: OutboundConnection
  readonly forget: () => void
}

export class Connections {
  readonly #deps: ConnectionDeps
  readonly #idle = new Map<string, Idle[]>()
  readonly #open = new Set<OutboundConnection>()
  /** Not in there yet. */
  #opening = 0
  #closing = false

  constructor(deps: ConnectionDeps) {
    this.#deps = deps
  }

  /** Open connections, idle ones included. */
  get size(): number {
    return this.#open.size
  }

  /** How many nobody uses, for a key. */
  kept(key: string): number {
    return this.#idle.get(key)?.filter(({ connection }) => connection.lost === undefined).length ?? 0
  }

  /** One that nobody uses, for a key of {@link Routes.keyOf}. */
  idle(key: string): OutboundConnection | undefined {
    for (;;) {
      const last = this.#idle.get(key)?.pop()
      last?.forget()
      if (last === undefined || last.connection.lost === undefined) return last?.connection
    }
  }

  /**
   * Opens a new one: host after host, address after address (RFC 5321 §5.1).
   * @param tlsOptional Where TLS is not as the domain asks for it, it may be otherwise (RFC 8689 §4.2.2).
   */
  async open(domain: string, tlsOptional = false): Promise<OutboundConnection | NoConnection> {
    this.#opening += 1
    try {
      while (this.#open.size + this.#opening > this.#deps.most && (await this.#giveWay()));
      const tried = await this.#openTo(domain, false)
      return 'isTls' in tried && tried.isTls === true && tlsOptional ? await this.#openTo(domain, true) : tried
    } finally {
      this.#opening -= 1
    }
  }

  async #openTo(domain: string, lenient: boolean): Promise<OutboundConnection | NoConnection> {
    const { routes } = this.#deps
    const hosts = await routes.hosts(domain)
    if (!hosts.ok) return { ...hosts.error, host: undefined }
    const failures: NoConnection[] = []
    const end = performance.now() + TRYING_MS
    let left = MOST_ADDRESSES
    for (const host of hosts.value) {
      // hosts that are silent for as long as they may must not keep a place from others for hours
      if (left <= 0 || performance.now() > end) break
      const endpoint = await routes.endpoint(host, lenient)
      if (!endpoint.ok) {
        const { outcome, words, isUs, isTls = false } = endpoint.error
        failures.push({ outcome, words, host: undefined, isTls })
        if (isUs) break
        continue
      }
      const credentials = await credentialsOf(host.setting)
      if ('words' in credentials) return { outcome: 'deferred', words: credentials.words, host: undefined }
      for (const address of endpoint.value.addresses.slice(0, left)) {
        left -= 1
        const { port, tls, implicitTls } = endpoint.value
        const { hostname, timeouts } = this.#deps
        const sourceAddress = host.setting?.sourceAddress
        const options = {
          address,
          port,
          host: host.name,
          hostname,
          sourceAddress,
          tls,
          implicitTls,
          ...credentials,
          timeouts,
          lenient,
        }
        const opened = await openConnection(options)
        // how it went by what the domain asks for has been counted before
        if (!lenient) this.#deps.tried?.(options, domain, opened)
        if (opened.ok) return this.#opened(opened.value)
        const isTls = opened.error.kind === 'tls' && tls.source !== 'route'
        failures.push({ ...noConnection(opened.error, nameOf(options)), isTls })
        // the same server at another address has the same to say
        if (opened.error.kind === 'login') break
      }
    }
    return { ...mostTelling(failures), isTls: failures.some(({ isTls }) => isTls === true) }
  }

  /** The idle one that was used longest ago ends. @returns whether there was one. */
  async #giveWay(): Promise<boolean> {
    for (const [key, list] of this.#idle) {
      const oldest = list.shift()
      if (list.length === 0) this.#idle.delete(key)
      if (oldest === undefined) continue
      oldest.forget()
      await oldest.connection.quit()
      return true
    }
    return false
  }

  /** Takes back what {@link idle} or {@link open} gave. */
  release(key: string, connection: OutboundConnection): void {
    if (connection.lost !== undefined) return
    const { lenient } = connection.options
    if (this.#closing || lenient === true || connection.transactions >= this.#deps.messagesPerConnection) {
      void connection.quit()
      return
    }
    const list = this.#idle.get(key) ?? []
    this.#idle.set(key, list)
    const remove = (): void => {
      const at = list.findIndex((one) => one.connection === connection)
      if (at !== -1) list.splice(at, 1)
      if (list.length === 0) this.#idle.delete(key)
    }
    const forget = this.#deps.after(IDLE_MS, () => {
      remove()
      void connection.quit()
    })
    list.push({ connection, forget })
    connection.onLost(() => {
      forget()
      remove()
    })
  }

  /** Idle ones end; those in use do when they are released. */
  async close(): Promise<void> {
    this.#closing = true
    const idle = [...this.#idle.values()].flat()
    this.#idle.clear()
    for (const { forget } of idle) forget()
    await Promise.all(idle.map(({ connection }) => connection.quit()))
  }

  /** All of them, now. */
  destroy(): void {
    for (const connection of this.#open) connection.destroy('This server is stopping')
  }

  #opened(connection: OutboundConnection): OutboundConnection {
    this.#open.add(connection)
    connection.onLost(() => this.#open.delete(connection))
    return connection
  }
}

interface Credentials {
  readonly login?: { readonly user: string; readonly password: string }
  readonly ca?: string
}

/** What a route has in files. @returns what cannot be read, else. */
async function credentialsOf(setting: RouteSetting | undefined): Promise<Credentials | { readonly words: string }> {
  const { user, passwordFile, ca } = setting ?? {}
  const login = await loginOf(user, passwordFile)
  if (typeof login === 'string') return { words: login }
  if (ca !== undefined && !(await isReadable(ca))) {
    return { words: '4.3.5 The file of authorities of the route cannot be read' }
  }
  return { ...(login === undefined ? {} : { login }), ...(ca === undefined ? {} : { ca }) }
}

async function isReadable(file: string): Promise<boolean> {
  return access(file, constants.R_OK).then(
    () => true,
    () => false,
  )
}

async function loginOf(
  user: string | undefined,
  passwordFile: string | undefined,
): Promise<{ readonly user: string; readonly password: string } | undefined | string> {
  if (user === undefined || passwordFile === undefined) return undefined
  try {
    return { user, password: (await readFile(passwordFile, 'utf8')).replace(/\r?\n$/, '') }
  } catch {
    return '4.3.5 The password file of the route cannot be read'
  }
}

/** A password of ours that is refused is no fault of the message. */
function noConnection({ kind, words, reply }: ConnectFailure, host: string): NoConnection {
  const failed = kind === 'refused' && reply !== undefined && outcomeOf(reply) === 'failed'
  return { outcome: failed ? 'failed' : 'deferred', words, host }
}

/** As long as one of them may be otherwise later, it is tried again; what a server said tells more than its silence. */
function mostTelling(failures: readonly NoConnection[]): NoConnection {
  const deferred = failures.filter(({ outcome }) => outcome === 'deferred')
  const counted = deferred.length > 0 ? deferred : failures
  const telling = counted.findLast(({ words }) => !words.startsWith('4.4.')) ?? counted.at(-1)
  return telling ?? { outcome: 'deferred', words: '4.4.1 No host could be tried', host: undefined }
}
