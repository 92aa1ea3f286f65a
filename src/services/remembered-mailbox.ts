import { LARGEST_UID, type Modseq, type Uid } from '#mail/ids.ts'
import { type UidSet, uidSetSize, uidsOf } from '#mail/uid-set.ts'
import { cut, Snapshot } from './snapshot.ts'
import { uidsWithin } from './snapshot-sets.ts'

/** Flags that no message has. */
const UNKNOWN_FLAGS = 0xffff_ffff

/**
 * What a client knows of a mailbox, without its flags: a few octets for each gap in the UIDs. Enough to say later what is
 * different, since whatever changes gets a higher MODSEQ.
 */
export class RememberedMailbox {
  readonly #uids: UidSet
  /** Of the snapshot. */
  readonly modseq: Modseq

  constructor(snapshot: Snapshot) {
    this.#uids = uidsWithin(snapshot, [[1 as Uid, LARGEST_UID]])
    this.modseq = snapshot.modseq
  }

  /**
   * The remembered snapshot as far as it can be told from a later one: messages that went or changed have flags that none
   * can have, so that they are found to be different.
   */
  recall(latest: Snapshot): Snapshot {
    const uids = new Uint32Array(uidSetSize(this.#uids))
    const flags = new Uint32Array(uids.length).fill(UNKNOWN_FLAGS)
    const modseqs = new Float64Array(uids.length)
    let at = 0
    for (const uid of uidsOf(this.#uids)) uids[at++] = uid
    at = 0
    for (const page of latest.pages)
      for (const [index, uid] of page.uids.entries()) {
        while ((uids[at] ?? Number.POSITIVE_INFINITY) < uid) at += 1
        const modseq = page.modseqs[index] ?? 0
        if (uids[at] !== uid || modseq > this.modseq) continue
        flags[at] = page.flags[index] ?? 0
        modseqs[at] = modseq
      }
    return Snapshot.of(cut({ uids, flags, modseqs }), this.modseq, latest.uidNext)
  }
}
