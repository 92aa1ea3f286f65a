/** TLS handshakes under way on the ports with implicit TLS: connections that nobody else counts yet. @module */
import type { Socket } from 'node:net'
import { addressGroup, type NetworkTest } from '#services/networks.ts'

export interface HandshakeLimits {
  /** Of one address. */
  readonly perAddress: number
  /** Of all. */
  readonly atOnce: number
  /** Networks that no limit by address counts. */
  readonly exempt: NetworkTest
}

/** Bounds them: too many of one address are refused, and of all, the oldest gives way. */
export class Handshakes {
  readonly #limits: HandshakeLimits
  /** Oldest first. */
  readonly #underWay = new Map<Socket, string>()
  readonly #byAddress = new Map<string, number>()

  constructor(limits: HandshakeLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#underWay.size
  }

  /** Counts one more until {@link end}; `false`: there are too many from there, and the socket is destroyed. */
  begin(socket: Socket): boolean {
    const address = socket.remoteAddress ?? ''
    const from = addressGroup(address)
    const fromThere = this.#byAddress.get(from) ?? 0
    if (fromThere >= this.#limits.perAddress && !this.#limits.exempt(address)) {
      socket.destroy()
      return false
    }
    if (this.#underWay.size >= this.#limits.atOnce) this.#dropOldest()
    this.#underWay.set(socket, from)
    this.#byAddress.set(from, fromThere + 1)
    return true
  }

  end(socket: Socket): void {
    const from = this.#underWay.get(socket)
    if (from === undefined) return
    this.#underWay.delete(socket)
    const left = (this.#byAddress.get(from) ?? 1) - 1
    if (left === 0) this.#byAddress.delete(from)
    else this.#byAddress.set(from, left)
  }

  #dropOldest(): void {
    const [oldest] = this.#underWay.keys()
    if (oldest === undefined) return
    this.end(oldest)
    oldest.destroy()
  }
}
