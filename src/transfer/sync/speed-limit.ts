/** A ceiling on octets a second, shared by everything that carries bodies. @module */
import { setTimeout as sleep } from 'node:timers/promises'

const SLICE_MS = 100

/** Time as a port: tests let it pass. */
export interface Pacing {
  /** Milliseconds from any beginning. */
  now(): number
  pause(ms: number, signal: AbortSignal | undefined): Promise<void>
}

const systemPacing: Pacing = {
  now: () => performance.now(),
  pause: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
}

/** See the module. At any time no more was let through than the ceiling allows for the time gone, and for a slice. */
export class SpeedLimit {
  readonly #perMs: number
  readonly #pacing: Pacing
  /** Until when what was carried so far takes. */
  #busyUntil = 0

  /** @param octetsPerSecond `undefined`: none */
  constructor(octetsPerSecond: number | undefined, pacing: Pacing = systemPacing) {
    this.#perMs = (octetsPerSecond ?? Infinity) / 1000
    this.#pacing = pacing
  }

  /** The same bytes, no faster than that. */
  async *slow(bytes: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of bytes) {
      await this.#carried(chunk.length, signal)
      yield chunk
    }
  }

  /** Resolves when so many octets more may have been carried. */
  async #carried(octets: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#perMs === Infinity) return
    const now = this.#pacing.now()
    this.#busyUntil = Math.max(now, this.#busyUntil) + octets / this.#perMs
    const wait = this.#busyUntil - now
    if (wait > SLICE_MS) await this.#pacing.pause(wait, signal)
  }
}
