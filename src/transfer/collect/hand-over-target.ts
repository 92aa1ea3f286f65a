/**
 * A target that hands each message to somebody who answers yes or no: a mail server by LMTP, a command. Whether one
 * was taken before a run died cannot be asked afterwards: it is handed over again, and the report says so. @module
 */

import type { Listed } from './source.ts'
import { Spooled } from './spool.ts'
import type { CollectTarget, Fate, Placed, Placing, Staged } from './target.ts'

/** @returns Why it was not taken; `undefined` when it was. */
export type HandOver = (message: Spooled) => Promise<string | undefined>

interface HandedOver extends Staged {
  readonly spooled: Spooled
}

/** See the module. @param end Called when the run is over. */
export class HandOverTarget implements CollectTarget<HandedOver> {
  /** So that no more than one message is ever in doubt. */
  readonly most = 1
  readonly #handOver: HandOver
  readonly #end: () => void
  readonly #waiting = new Set<Spooled>()

  constructor(handOver: HandOver, end: () => void = () => undefined) {
    this.#handOver = handOver
    this.#end = end
  }

  async recover(placings: readonly Placing[]): Promise<ReadonlyMap<string, Fate>> {
    return new Map(placings.map(({ id }) => [id, 'unknown']))
  }

  async stage(message: Listed, body: AsyncIterable<Uint8Array>): Promise<HandedOver> {
    const spooled = await Spooled.of(body)
    this.#waiting.add(spooled)
    return { message, octets: spooled.octets, spooled }
  }

  async prepare(staged: readonly HandedOver[]): Promise<readonly Placing[]> {
    return staged.map(({ message }) => ({ id: message.id, mark: 'handed over' }))
  }

  async place(staged: readonly HandedOver[]): Promise<readonly Placed[]> {
    const placed: Placed[] = []
    for (const { message, spooled } of staged) {
      const refusal = await this.#handOver(spooled)
      placed.push(refusal === undefined ? { message } : { message, refusal })
      this.#waiting.delete(spooled)
      await spooled[Symbol.asyncDispose]()
    }
    return placed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const spooled of this.#waiting) await spooled[Symbol.asyncDispose]()
    this.#end()
  }
}
