import type { Uid } from './ids.ts'
import type { UidSet } from './uid-set.ts'

/** A {@link UidSet} as numbers in one array: a hundred thousand ranges are not as many objects. */
export class UidRanges {
  /** First and last of each range. */
  readonly bounds: Uint32Array
  #set: UidSet | undefined

  constructor(bounds: Uint32Array) {
    this.bounds = bounds
  }

  static of(set: UidSet): UidRanges {
    const bounds = new Uint32Array(2 * set.length)
    let at = 0
    for (const [first, last] of set) {
      bounds[at] = first
      bounds[at + 1] = last
      at += 2
    }
    const ranges = new UidRanges(bounds)
    ranges.#set = set
    return ranges
  }

  /** How many UIDs. */
  get size(): number {
    let size = 0
    for (let at = 0; at < this.bounds.length; at += 2) size += (this.bounds[at + 1] ?? 0) - (this.bounds[at] ?? 0) + 1
    return size
  }

  /** Made when it is asked for. */
  get set(): UidSet {
    if (this.#set === undefined) {
      const set: [Uid, Uid][] = []
      for (let at = 0; at < this.bounds.length; at += 2) set.push([this.bounds[at] as Uid, this.bounds[at + 1] as Uid])
      this.#set = set
    }
    return this.#set
  }
}

const FIRST_BOUNDS = 64

/** Collects numbers; those that follow one another become a range. */
export class RangeCollector {
  #bounds = new Uint32Array(FIRST_BOUNDS)
  #length = 0
  /** What would belong to the last range. */
  #next = 0

  add(uid: number): void {
    if (uid === this.#next && this.#length > 0) this.#bounds[this.#length - 1] = uid
    else this.#begin(uid)
    this.#next = uid + 1
  }

  #begin(uid: number): void {
    if (this.#length === this.#bounds.length) {
      const wider = new Uint32Array(2 * this.#length)
      wider.set(this.#bounds)
      this.#bounds = wider
    }
    this.#bounds[this.#length] = uid
    this.#bounds[this.#length + 1] = uid
    this.#length += 2
  }

  get ranges(): UidRanges {
    return new UidRanges(this.#bounds.subarray(0, this.#length))
  }
}
