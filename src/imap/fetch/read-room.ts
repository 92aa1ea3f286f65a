import type { Output } from '../output.ts'

/** Bodies up to a megabyte fit in, with what stands before them in the store. */
const ROOM_BYTES = 1_114_112
/** Kept for the next FETCH of the thread. */
const MOST_SPARE = 4
const spare: Uint8Array[] = []

/**
 * Memory that a FETCH of many messages reads their bodies into, used again once the system has taken what was in it:
 * a buffer of its own for each body costs the collector more time than it takes to read it.
 */
export class ReadRoom implements Disposable {
  readonly #out: Output
  #bytes: Uint8Array | undefined
  #used = 0

  constructor(out: Output) {
    this.#out = out
  }

  /** So many octets, valid until the output has gone out. */
  readonly take = (octets: number): Uint8Array => {
    if (octets > ROOM_BYTES) return Buffer.allocUnsafeSlow(octets)
    if (this.#bytes === undefined || this.#used + octets > ROOM_BYTES) {
      // What is in the other still waits to go out.
      this.#bytes = spare.pop() ?? Buffer.allocUnsafeSlow(ROOM_BYTES)
      this.#used = 0
    }
    const start = this.#used
    this.#used += octets
    return this.#bytes.subarray(start, this.#used)
  }

  /** To be called after a flush: begins anew when nothing is left of what was written. */
  turnOver(): void {
    if (this.#out.allOut) this.#used = 0
  }

  [Symbol.dispose](): void {
    if (this.#bytes !== undefined && this.#out.allOut && spare.length < MOST_SPARE) spare.push(this.#bytes)
    this.#bytes = undefined
  }
}
