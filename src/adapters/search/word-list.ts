/**
 * The words of an account one behind the other, in one buffer: a line each. A word is known by the offset of its line, so
 * the list only ever grows. To find what a needle is part of is to look for octets in a buffer.
 * @module
 */

const LINE = 10
/** Needles that are remembered, those that were looked for last: a person searches one mailbox after the other. */
const KNOWN = 16
/** Of those that are in fewer words than this. */
const KNOWN_OFFSETS = 1_000

/** How a needle lies in a word. */
export type Lies = 'within' | 'first' | 'last' | 'whole'

/** See the module. */
export class WordList {
  /** Begins with the end of a line, so that every word lies between two. */
  #bytes: Buffer<ArrayBuffer> = Buffer.alloc(4_096, LINE)
  #size = 1
  /** Which words have a needle, and how large the list was then. */
  readonly #known = new Map<string, { readonly size: number; readonly offsets: readonly number[] }>()

  /** Octets; where the next word will be. */
  get size(): number {
    return this.#size
  }

  /** The octet at an offset. */
  at(offset: number): number {
    return this.#bytes[offset] ?? LINE
  }

  /** Octets from an offset on, to be kept. */
  from(offset: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#bytes.subarray(offset, this.#size))
  }

  /** Adds whole lines. */
  append(lines: Uint8Array): void {
    this.#reserve(lines.length)
    this.#bytes.set(lines, this.#size)
    this.#size += lines.length
  }

  /** Adds one word. @returns its offset. */
  add(word: string): number {
    this.#reserve(word.length * 3 + 1)
    const offset = this.#size
    this.#size += this.#bytes.write(word, offset)
    this.#bytes[this.#size] = LINE
    this.#size += 1
    return offset
  }

  #reserve(octets: number): void {
    if (this.#size + octets <= this.#bytes.length) return
    const larger = Buffer.alloc(Math.max(this.#size + octets, this.#bytes.length * 2), LINE)
    this.#bytes.copy(larger, 0, 0, this.#size)
    this.#bytes = larger
  }

  /** Offsets of the words of which a needle is a part, in their order; `most` of them where there are more. */
  find(needle: string, lies: Lies, most: number): readonly number[] {
    const before = lies === 'first' || lies === 'whole'
    const wanted = `${before ? '\n' : ''}${needle}${lies === 'last' || lies === 'whole' ? '\n' : ''}`
    const known = this.#known.get(wanted)
    this.#known.delete(wanted)
    const octets = Buffer.from(wanted)
    const lines = this.#bytes.subarray(0, this.#size)
    const found = known?.offsets.slice(0, most) ?? []
    // from the end of the last word that was looked at
    for (let at = lines.indexOf(octets, (known?.size ?? 1) - 1); at >= 0 && found.length < most; ) {
      const start = before ? at + 1 : lines.lastIndexOf(LINE, at) + 1
      found.push(start)
      const end = lines.indexOf(LINE, start)
      at = end < 0 ? -1 : lines.indexOf(octets, end)
    }
    if (found.length < Math.min(most, KNOWN_OFFSETS)) this.#remember(wanted, found)
    return found
  }

  #remember(wanted: string, offsets: readonly number[]): void {
    this.#known.set(wanted, { size: this.#size, offsets })
    const [oldest] = this.#known.keys()
    if (this.#known.size > KNOWN && oldest !== undefined) this.#known.delete(oldest)
  }
}
