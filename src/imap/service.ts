import type { Transport } from '#lib/peer-connection.ts'
import { STOPPING } from '#lib/peer-endings.ts'
import type { SessionDeps } from '#services/session-deps.ts'
import type { Connection } from './connection.ts'
import { STOP_MS, TICK_MS } from './limits.ts'
import { Session } from './session.ts'

/** Speaks IMAP on sockets that someone else accepted. */
export class ImapService implements AsyncDisposable {
  readonly #deps: SessionDeps
  readonly #sessions = new Set<Session>()
  #timer: NodeJS.Timeout | undefined
  #stopping: { readonly done: () => void } | undefined

  constructor(deps: SessionDeps) {
    this.#deps = deps
  }

  /** Connections that are open. */
  get size(): number {
    return this.#sessions.size
  }

  /** Their connections, for measuring. */
  *connections(): Generator<Connection, void, void> {
    for (const { connection } of this.#sessions) yield connection
  }

  /**
   * Owns the socket from now on. Never throws.
   * @param socket A `TLSSocket` whose handshake is done (imaps), or a socket in the clear.
   */
  accept(socket: Transport, _options: { readonly secure: boolean }): void {
    if (this.#stopping !== undefined) {
      socket.destroy()
      return
    }
    const session: Session = new Session(this.#deps, socket, () => this.#forget(session))
    this.#sessions.add(session)
    // One timer looks at the deadlines of all sessions: they need none of their own.
    this.#timer ??= setInterval(() => this.tick(), TICK_MS).unref()
    void session.run({
      address: unmapped(socket.remoteAddress ?? ''),
      port: socket.remotePort ?? 0,
      localPort: socket.localPort ?? 0,
    })
  }

  /** Looks at every deadline: autologout, slow readers, keep-alives. Tests that own the clock call it themselves. */
  tick(): void {
    const now = this.#deps.clock.now()
    for (const session of this.#sessions) session.tick(now)
  }

  /** Ends every session after the command it is at, with BYE, at most 10 s later. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#stopping = { done: resolve }
    if (this.#sessions.size === 0) return
    const timer = setTimeout(() => {
      for (const { connection } of this.#sessions) connection.destroy(STOPPING)
    }, STOP_MS)
    for (const session of this.#sessions) session.stop(STOPPING)
    await promise
    clearTimeout(timer)
  }

  #forget(session: Session): void {
    this.#sessions.delete(session)
    if (this.#sessions.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#stopping?.done()
  }
}

/** `::ffff:192.0.2.1` is an IPv4 address. */
function unmapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
