import type { Uid } from '#mail/ids.ts'
import { type UidSet, uidSetHas } from '#mail/uid-set.ts'

/** The UIDs of a mailbox by message number; 0 where a message is only counted. */
export class UidList {
  readonly #uids: number[] = []
  #unknown = 0

  get length(): number {
    return this.#uids.length
  }

  /** Messages that are only counted. */
  get unknown(): number {
    return this.#unknown
  }

  /** So many messages there are now; new ones are at the end. */
  grow(length: number): void {
    while (this.#uids.length < length) {
      this.#uids.push(0)
      this.#unknown += 1
    }
  }

  /** All UIDs, in ascending order. */
  replace(uids: Iterable<number>): void {
    this.#uids.length = 0
    for (const uid of uids) this.#uids.push(uid)
    this.#unknown = 0
  }

  set(number: number, uid: Uid): void {
    const index = number - 1
    if (index >= this.#uids.length) return
    if (this.#uids[index] === 0) this.#unknown -= 1
    this.#uids[index] = uid
  }

  /** The UID of a message number. */
  uidOf(number: number): Uid | undefined {
    const uid = this.#uids[number - 1]
    return uid === undefined || uid === 0 ? undefined : (uid as Uid)
  }

  /** The message number of a UID. */
  numberOf(uid: number): number | undefined {
    if (this.#unknown > 0) {
      const index = this.#uids.indexOf(uid)
      return index < 0 ? undefined : index + 1
    }
    let low = 0
    let high = this.#uids.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const found = this.#uids[middle] ?? 0
      if (found === uid) return middle + 1
      if (found < uid) low = middle + 1
      else high = middle - 1
    }
    return undefined
  }

  /** Takes the message of a number away; its UID. */
  remove(number: number): Uid | undefined {
    const [uid] = this.#uids.splice(number - 1, 1)
    if (uid === 0) this.#unknown -= 1
    return uid === undefined || uid === 0 ? undefined : (uid as Uid)
  }

  /** Takes UIDs away; how many there were. */
  removeUids(set: UidSet): number {
    let kept = 0
    for (const uid of this.#uids) {
      if (uid !== 0 && uidSetHas(set, uid)) continue
      this.#uids[kept] = uid
      kept += 1
    }
    const removed = this.#uids.length - kept
    this.#uids.length = kept
    return removed
  }

  /** Those that are known, in the order of their numbers. */
  *known(): Generator<Uid, void, void> {
    for (const uid of this.#uids) if (uid !== 0) yield uid as Uid
  }

  /** Number of the first message that is only counted. */
  get firstUnknown(): number | undefined {
    if (this.#unknown === 0) return undefined
    return this.#uids.indexOf(0) + 1
  }
}
