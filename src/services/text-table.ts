import type { Turns } from '#lib/turns.ts'
import { sortedIndexes } from './index-sort.ts'

/** What a text takes beside its letters: the string, its place in the map and in the list. */
const ENTRY_OCTETS = 72

/** Texts as numbers: the same text has the same number, the empty one has 0. Nothing is ever forgotten. */
export class TextTable {
  readonly #numbers = new Map<string, number>([['', 0]])
  readonly #texts: string[] = ['']
  #ranks = new Uint32Array(1)
  /** About how much memory it takes. */
  octets = 0

  get size(): number {
    return this.#texts.length
  }

  numberOf(text: string): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    const number = this.#texts.length
    this.#numbers.set(text, number)
    this.#texts.push(text)
    this.octets += ENTRY_OCTETS + text.length
    return number
  }

  /** Places of the texts in their order (`<`), by their numbers; kept until another text comes. */
  async ranks(turns: Turns, signal: AbortSignal): Promise<Uint32Array> {
    const texts = this.#texts
    if (this.#ranks.length === texts.length) return this.#ranks
    const compare = (a: number, b: number): number => {
      const [left, right] = [texts[a] ?? '', texts[b] ?? '']
      return left < right ? -1 : left > right ? 1 : 0
    }
    const order = await sortedIndexes(texts.length, compare, turns, signal)
    const ranks = new Uint32Array(order.length)
    for (let rank = 0; rank < order.length; rank += 1) ranks[order[rank] ?? 0] = rank
    this.#ranks = ranks
    return ranks
  }
}
