import { LARGEST_UID, type Modseq, type Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import type { PackedFlags } from '#store/flags.ts'
import type { Page, Snapshot } from './snapshot.ts'

const ALL: UidSet = [[1 as Uid, LARGEST_UID]]

/**
 * Goes through the messages of a snapshot, ascending, those of a set or all; the fields tell about the one it is at.
 * @example for (const walk = new SnapshotWalk(snapshot, uids); walk.next(); ) out.text(`${walk.number} ${walk.uid}`)
 */
export class SnapshotWalk {
  number = 0
  uid: Uid = 0 as Uid
  flags: PackedFlags = 0 as PackedFlags
  modseq: Modseq = 0 as Modseq
  readonly #snapshot: Snapshot
  readonly #set: UidSet
  readonly #above: number
  #range = -1
  #last = 0
  #page: Page | undefined
  #pageIndex = 0
  #before = 0
  #at = 0

  /** @param above Only messages whose MODSEQ is larger; pages without such cost nothing. */
  constructor(snapshot: Snapshot, set: UidSet = ALL, above: Modseq | -1 = -1) {
    this.#snapshot = snapshot
    this.#set = set
    this.#above = above
  }

  /** Goes to the next message; `false` when there is none. */
  next(): boolean {
    for (;;) {
      const page = this.#page
      if (page !== undefined) {
        const at = this.#at
        const uid = page.uids[at]
        if (uid === undefined) {
          this.#enter(this.#pageIndex + 1, 0)
          continue
        }
        if (uid <= this.#last) {
          this.#at = at + 1
          if ((page.modseqs[at] ?? 0) <= this.#above) continue
          this.number = this.#before + at + 1
          this.uid = uid as Uid
          this.flags = (page.flags[at] ?? 0) as PackedFlags
          this.modseq = (page.modseqs[at] ?? 0) as Modseq
          return true
        }
      }
      this.#range += 1
      const range = this.#set[this.#range]
      if (range === undefined) return false
      this.#last = range[1]
      const place = this.#snapshot.seek(range[0])
      this.#enter(place.page, place.at)
      if (this.#page === undefined) return false
    }
  }

  /** Goes on to the message of that UID, which must not be before the one it is at; `false` when it is not there. */
  goTo(uid: number): boolean {
    while (this.uid < uid) if (!this.next()) return false
    return this.uid === uid
  }

  /** Goes to a place, or to the next page that has something for us. */
  #enter(index: number, at: number): void {
    const { pages } = this.#snapshot
    let here = index
    while ((pages[here]?.highest ?? Number.POSITIVE_INFINITY) <= this.#above) here += 1
    this.#pageIndex = here
    this.#page = pages[here]
    this.#before = this.#snapshot.before(here)
    this.#at = here === index ? at : 0
  }
}
