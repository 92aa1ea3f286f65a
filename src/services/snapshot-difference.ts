import type { PackedFlags } from '#store/flags.ts'
import type { MessagePage } from '#store/types.ts'
import type { Snapshot } from './snapshot.ts'

/** What is different between two snapshots of a mailbox. */
export interface Difference {
  /** Messages that went, as they were, ascending; `numbers` in the earlier snapshot. */
  readonly gone: MessagePage & { readonly numbers: Uint32Array }
  /** UIDs of messages that are in both with another MODSEQ, ascending; and the flags they had. */
  readonly changed: { readonly uids: Uint32Array; readonly flagsBefore: Uint32Array }
  /** Messages that came; they are the last of the later snapshot. */
  readonly added: number
}

/**
 * Compares two snapshots of a mailbox; pages that they share cost nothing.
 * @throws {Error} when a message came below one that was there: no client could be told (RFC 9051 §2.3.1.1).
 */
export function difference(from: Snapshot, to: Snapshot): Difference {
  const gone = new Columns()
  const changed: number[] = []
  const flagsBefore: number[] = []
  let added = 0
  let pageA = 0
  let pageB = 0
  let atA = 0
  let atB = 0
  for (;;) {
    const a = from.pages[pageA]
    const b = to.pages[pageB]
    if (a === b) {
      if (a === undefined) break
      if (atA === 0 && atB === 0) {
        if (added > 0) throw misplaced(a.uids[0])
        pageA += 1
        pageB += 1
        continue
      }
    }
    if (a !== undefined && a.uids === b?.uids && atA === 0 && atB === 0) {
      // Flags alone.
      for (let at = 0; at < a.uids.length; at += 1) {
        if (a.modseqs[at] === b.modseqs[at]) continue
        changed.push(a.uids[at] ?? 0)
        flagsBefore.push(a.flags[at] ?? 0)
      }
      pageA += 1
      pageB += 1
      continue
    }
    const uidA = a?.uids[atA] ?? Number.POSITIVE_INFINITY
    const uidB = b?.uids[atB] ?? Number.POSITIVE_INFINITY
    if (uidA < uidB) {
      gone.add(uidA, a?.flags[atA] ?? 0, a?.modseqs[atA] ?? 0, from.before(pageA) + atA + 1)
    } else if (uidB < uidA) {
      if (uidA !== Number.POSITIVE_INFINITY) throw misplaced(uidB)
      added += 1
    } else if (a?.modseqs[atA] !== b?.modseqs[atB]) {
      changed.push(uidA)
      flagsBefore.push(a?.flags[atA] ?? 0)
    }
    if (uidA <= uidB && a !== undefined) {
      atA += 1
      if (atA === a.uids.length) {
        pageA += 1
        atA = 0
      }
    }
    if (uidB <= uidA && b !== undefined) {
      atB += 1
      if (atB === b.uids.length) {
        pageB += 1
        atB = 0
      }
    }
  }
  return {
    gone: gone.page(),
    changed: { uids: Uint32Array.from(changed), flagsBefore: Uint32Array.from(flagsBefore) },
    added,
  }
}

function misplaced(uid: number | undefined): Error {
  return new Error(`A message came below others that were there: UID ${uid}`)
}

class Columns {
  readonly #uids: number[] = []
  readonly #flags: number[] = []
  readonly #modseqs: number[] = []
  readonly #numbers: number[] = []

  add(uid: number, flags: PackedFlags | number, modseq: number, number: number): void {
    this.#uids.push(uid)
    this.#flags.push(flags)
    this.#modseqs.push(modseq)
    this.#numbers.push(number)
  }

  page(): Difference['gone'] {
    return {
      uids: Uint32Array.from(this.#uids),
      flags: Uint32Array.from(this.#flags),
      modseqs: Float64Array.from(this.#modseqs),
      numbers: Uint32Array.from(this.#numbers),
    }
  }
}
