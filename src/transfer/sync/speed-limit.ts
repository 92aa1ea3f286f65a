/** A ceiling on octets a second, shared by everything that carries bodies. @module */
import { setTimeout as pause } from 'node:timers/promises'

const SLICE_MS = 100

/** See the module. */
export class SpeedLimit {
  readonly #perMs: number
  /** Until when what was carried so far takes, by `performance.now`. */
  #busyUntil = 0

  /** @param octetsPerSecond `undefined`: none */
  constructor(octetsPerSecond: number | undefined) {
    this.#perMs = (octetsPerSecond ?? Infinity) / 1000
  }

  /** Resolves when so many octets more may have been carried. */
  async carried(octets: number, signal?: AbortSignal): Promise<void> {
    if (this.#perMs === Infinity) return
    const now = performance.now()
    this.#busyUntil = Math.max(now, this.#busyUntil) + octets / this.#perMs
    const wait = this.#busyUntil - now
    if (wait > SLICE_MS) await pause(wait, undefined, signal === undefined ? {} : { signal })
  }

  /** The same bytes, no faster than that. */
  async *slow(bytes: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of bytes) {
      await this.carried(chunk.length, signal)
      yield chunk
    }
  }
}
