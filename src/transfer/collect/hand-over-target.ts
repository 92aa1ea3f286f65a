/**
 * A target that hands each message to somebody who answers yes or no: a mail server by LMTP, a command. Whether one
 * was taken before a run died cannot be asked afterwards: it is handed over again, and the report says so. @module
 */

import type { Listed } from './source.ts'
import { Spooled } from './spool.ts'
import type { CollectTarget, Fate, Placed, Placing, Staged } from './target.ts'

/** What was said: why it was not taken, or what is to be known of one that was. */
export type Answer =
  | { readonly refusal?: never; readonly note?: string }
  /** `left`: some have it, and these are still to get it. */
  | { readonly refusal: string; readonly left?: readonly string[] }

/** @param left Who did not get it before; `undefined`: nobody did. */
export type HandOver = (message: Spooled, left: readonly string[] | undefined) => Promise<Answer>

interface HandedOver extends Staged {
  readonly spooled: Spooled
}

const UNDER_WAY = 'handed over'

/** See the module. @param end Called when the run is over. */
export class HandOverTarget implements CollectTarget<HandedOver> {
  readonly name: string
  /** So that no more than one message is ever in doubt. */
  readonly most = 1
  readonly #handOver: HandOver
  readonly #end: () => void
  readonly #waiting = new Set<Spooled>()
  /** By message: who is still to get it. */
  readonly #left = new Map<string, readonly string[]>()

  constructor(name: string, handOver: HandOver, end: () => void = () => undefined) {
    this.name = name
    this.#handOver = handOver
    this.#end = end
  }

  async recover(placings: readonly Placing[]): Promise<ReadonlyMap<string, Fate>> {
    const fates = new Map<string, Fate>()
    for (const { id, mark } of placings) {
      if (mark !== UNDER_WAY) this.#left.set(id, JSON.parse(mark))
      fates.set(id, mark === UNDER_WAY ? 'unknown' : 'partly')
    }
    return fates
  }

  async stage(message: Listed, body: AsyncIterable<Uint8Array>): Promise<HandedOver> {
    const spooled = await Spooled.of(body)
    this.#waiting.add(spooled)
    return { message, octets: spooled.octets, spooled }
  }

  async prepare(staged: readonly HandedOver[]): Promise<readonly Placing[]> {
    return staged.map(({ message }) => ({ id: message.id, mark: UNDER_WAY }))
  }

  async place(staged: readonly HandedOver[]): Promise<readonly Placed[]> {
    const placed: Placed[] = []
    for (const { message, spooled } of staged) {
      const answer = await this.#handOver(spooled, this.#left.get(message.id))
      if (answer.refusal === undefined) placed.push({ message, ...answer })
      else {
        const { refusal, left } = answer
        placed.push({ message, refusal, ...(left === undefined ? {} : { partly: JSON.stringify(left) }) })
      }
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
