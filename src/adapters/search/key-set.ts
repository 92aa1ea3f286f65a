/** Keys of emails, one bit each. @module */

/** See the module; holds keys up to a largest one. */
export class KeySet {
  readonly #bits: Uint32Array
  #count = 0

  constructor(largest: number) {
    this.#bits = new Uint32Array((largest >>> 5) + 1)
  }

  get count(): number {
    return this.#count
  }

  add(key: number): void {
    const at = key >>> 5
    const bit = 1 << (key & 31)
    const before = this.#bits[at] ?? 0
    if ((before & bit) !== 0 || at >= this.#bits.length) return
    this.#bits[at] = before | bit
    this.#count += 1
  }

  /** Drops what the other does not hold. */
  intersect(other: KeySet): void {
    this.#count = 0
    for (let at = 0; at < this.#bits.length; at += 1) {
      const both = (this.#bits[at] ?? 0) & (other.#bits[at] ?? 0)
      this.#bits[at] = both
      this.#count += ones(both)
    }
  }

  /** Adds what the other holds. */
  unite(other: KeySet): void {
    if (other.#count === 0) return
    this.#count = 0
    for (let at = 0; at < this.#bits.length; at += 1) {
      const any = (this.#bits[at] ?? 0) | (other.#bits[at] ?? 0)
      this.#bits[at] = any
      this.#count += ones(any)
    }
  }

  /** Ascending. */
  keys(): Uint32Array<ArrayBuffer> {
    const keys = new Uint32Array(this.#count)
    let next = 0
    for (let at = 0; next < keys.length; at += 1) {
      for (let bits = this.#bits[at] ?? 0; bits !== 0; bits &= bits - 1) {
        keys[next] = at * 32 + 31 - Math.clz32(bits & -bits)
        next += 1
      }
    }
    return keys
  }
}

function ones(bits: number): number {
  let count = 0
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1
  return count
}
