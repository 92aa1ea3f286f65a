/** TLS handshakes under way on the ports with implicit TLS: connections that nobody else counts yet. @module */
import type { Socket } from 'node:net'
import { AddressTally } from '#services/address-tally.ts'
import type { NetworkTest } from '#services/networks.ts'

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
  readonly #atOnce: number
  readonly #byAddress: AddressTally
  /** Oldest first. */
  readonly #underWay = new Map<Socket, string>()

  constructor({ perAddress, atOnce, exempt }: HandshakeLimits) {
    this.#atOnce = atOnce
    this.#byAddress = new AddressTally(perAddress, exempt)
  }

  get size(): number {
    return this.#underWay.size
  }

  /** Counts one more until {@link end}; `false`: there are too many from there, and the socket is destroyed. */
  begin(socket: Socket): boolean {
    const address = socket.remoteAddress ?? ''
    if (this.#byAddress.full(address)) {
      socket.destroy()
      return false
    }
    if (this.#underWay.size >= this.#atOnce) this.#dropOldest()
    // kept, as a destroyed socket knows its address no more
    this.#underWay.set(socket, address)
    this.#byAddress.add(address)
    return true
  }

  end(socket: Socket): void {
    const address = this.#underWay.get(socket)
    if (address === undefined) return
    this.#underWay.delete(socket)
    this.#byAddress.remove(address)
  }

  #dropOldest(): void {
    const [oldest] = this.#underWay.keys()
    if (oldest === undefined) return
    this.end(oldest)
    oldest.destroy()
  }
}
