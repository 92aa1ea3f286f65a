/** A word list that finds whole words by hash, for whoever adds to it. @module */
import { WordList } from './word-list.ts'

const LINE = 10
const EMPTY = 0

/** See the module. Exact: two words never share an offset, whatever their hashes. */
export class Vocabulary {
  readonly #list = new WordList()
  /** Offsets by hash, open addressing; 0 is nowhere. */
  #slots: Uint32Array = new Uint32Array(1_024)
  #count = 0
  #kept = 1

  /** Takes what was kept before. */
  load(lines: Uint8Array): void {
    let offset = this.#list.size
    this.#list.append(lines)
    this.#kept = this.#list.size
    while (offset < this.#list.size) {
      let hash = START
      let end = offset
      for (let octet = this.#list.at(end); octet !== LINE; octet = this.#list.at(end)) {
        hash = mix(hash, octet)
        end += 1
      }
      this.#insert(hash, offset)
      offset = end + 1
    }
  }

  /** Lines that came since {@link load} or the last call, and where they begin; `undefined` when there are none. */
  takeNew(): { readonly offset: number; readonly lines: Uint8Array } | undefined {
    const offset = this.#kept
    if (offset === this.#list.size) return undefined
    this.#kept = this.#list.size
    return { offset, lines: this.#list.from(offset) }
  }

  /** The offset of a word that is part of a text; added when it is not there. */
  offsetOf(text: string, start: number, end: number): number {
    let hash = START
    for (let at = start; at < end; at += 1) {
      const code = text.charCodeAt(at)
      if (code > 127) return this.#offsetOfOctets(text.slice(start, end))
      hash = mix(hash, code)
    }
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const offset = this.#slots[slot] ?? EMPTY
      if (offset === EMPTY) return this.#add(text.slice(start, end), hash)
      let at = 0
      while (start + at < end && this.#list.at(offset + at) === text.charCodeAt(start + at)) at += 1
      if (start + at === end && this.#list.at(offset + at) === LINE) return offset
    }
  }

  #offsetOfOctets(word: string): number {
    const octets = Buffer.from(word)
    let hash = START
    for (const octet of octets) hash = mix(hash, octet)
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const offset = this.#slots[slot] ?? EMPTY
      if (offset === EMPTY) return this.#add(word, hash)
      let at = 0
      while (at < octets.length && this.#list.at(offset + at) === octets[at]) at += 1
      if (at === octets.length && this.#list.at(offset + at) === LINE) return offset
    }
  }

  #add(word: string, hash: number): number {
    const offset = this.#list.add(word)
    this.#insert(hash, offset)
    return offset
  }

  #insert(hash: number, offset: number): void {
    if ((this.#count + 1) * 2 > this.#slots.length) this.#grow()
    put(this.#slots, hash, offset)
    this.#count += 1
  }

  #grow(): void {
    const larger = new Uint32Array(this.#slots.length * 2)
    for (const offset of this.#slots) {
      if (offset === EMPTY) continue
      let hash = START
      for (let at = offset; this.#list.at(at) !== LINE; at += 1) hash = mix(hash, this.#list.at(at))
      put(larger, hash, offset)
    }
    this.#slots = larger
  }
}

/** FNV-1a. */
const START = 0x811c9dc5 | 0
function mix(hash: number, octet: number): number {
  return Math.imul(hash ^ octet, 0x01000193)
}

function put(slots: Uint32Array, hash: number, offset: number): void {
  const mask = slots.length - 1
  let slot = hash & mask
  while (slots[slot] !== EMPTY) slot = (slot + 1) & mask
  slots[slot] = offset
}
