import type { Socket } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'
import { STOPPING } from '#lib/peer-endings.ts'
import type { SessionDeps } from '#services/session-deps.ts'
import { STOP_MS, TICK_MS } from './limits.ts'
import { DEFAULT_OPTIONS, type Pop3Options } from './options.ts'
import { Session } from './session.ts'

export type { Pop3Options }

/** Speaks POP3 on sockets that someone else accepted (RFC 1939, RFC 2449, RFC 2595 §4, RFC 5034, RFC 3206, RFC 6856). */
export class Pop3Service implements AsyncDisposable {
  readonly #deps: SessionDeps
  readonly #options: Pop3Options
  /** Until their sockets are gone. */
  readonly #sessions = new Set<Session>()
  /** Until they have let go of everything else. */
  readonly #running = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined

  constructor(deps: SessionDeps, options: Pop3Options = DEFAULT_OPTIONS) {
    this.#deps = deps
    this.#options = options
  }

  /**
   * Owns the socket from now on. Never throws.
   * @param secure `true` for a `TLSSocket` whose handshake is done (pop3s).
   */
  accept(socket: Socket, { secure }: { readonly secure: boolean }): void {
    const session: Session = new Session(socket, secure, this.#deps, this.#options, () => {
      this.#sessions.delete(session)
      if (this.#sessions.size === 0) this.#stopTimer()
    })
    this.#sessions.add(session)
    this.#timer ??= setInterval(() => this.tick(), TICK_MS).unref()
    const running = session.run()
    this.#running.add(running)
    void running.finally(() => this.#running.delete(running))
  }

  /** Looks at every session's deadlines; the service's own timer does so each second. */
  tick(): void {
    const now = this.#deps.clock.now()
    for (const session of this.#sessions) session.tick(now)
  }

  /** Ends every session after the command it is at, at most 10 s later; deletions not confirmed by QUIT are dropped. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session.connection.interrupt()
    const patience = new AbortController()
    const late = after(STOP_MS, undefined, { signal: patience.signal }).catch(() => undefined)
    await Promise.race([Promise.all(this.#running), late])
    patience.abort()
    for (const session of this.#sessions) session.connection.destroy(STOPPING)
    await Promise.all(this.#running)
    this.#stopTimer()
  }

  #stopTimer(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
