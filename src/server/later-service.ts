/** A protocol whose code is loaded after the server has begun to listen. @module */
import type { Socket } from 'node:net'
import type { Log } from '#services/session-deps.ts'
import type { Acceptor } from './listeners.ts'

/** What speaks a protocol. */
export type Service = Acceptor & AsyncDisposable

/**
 * Stands in for a service until it is loaded: by the first client, who waits that long, or by whoever has time for it.
 * One that nobody listens for is never loaded.
 */
export class LaterService implements Acceptor, AsyncDisposable {
  readonly #make: () => Promise<Service>
  readonly #log: Log
  #loading: Promise<Service> | undefined
  #service: Service | undefined
  #stopped = false

  constructor(make: () => Promise<Service>, log: Log) {
    this.#make = make
    this.#log = log
  }

  /** Owns the socket from now on. Never throws. */
  accept(socket: Socket, how: { readonly secure: boolean }): void {
    if (this.#service === undefined) void this.#hold(socket, how)
    else this.#service.accept(socket, how)
  }

  /** Loads it, unless it is. */
  async load(): Promise<Service> {
    this.#loading ??= this.#make()
    this.#service = await this.#loading
    return this.#service
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    const service = await this.#loading?.catch(() => undefined)
    await service?.[Symbol.asyncDispose]()
  }

  /** What the client says meanwhile waits in the socket. */
  async #hold(socket: Socket, how: { readonly secure: boolean }): Promise<void> {
    const gone = (): void => void socket.destroy()
    socket.once('error', gone)
    try {
      const service = await this.load()
      if (this.#stopped) socket.destroy()
      else if (!socket.destroyed) service.accept(socket, how)
    } catch (error) {
      this.#log.error({ error }, 'a protocol cannot be loaded')
      socket.destroy()
    } finally {
      socket.off('error', gone)
    }
  }
}
