/** What NOTIFY changes in what a view tells of its mailbox (RFC 5465 §5.1 to §5.3). @module */
import { normaliseUidSet, type UidSet, uidSetHas, uidSetOf } from '#mail/uid-set.ts'
import type { Snapshot } from '#services/snapshot.ts'
import { SnapshotWalk } from '#services/snapshot-walk.ts'
import type { FetchItem } from '#wire/imap/fetch-items.ts'
import type { Answered } from '../announcement.ts'
import type { Context } from '../command.ts'
import { answerFetch } from '../fetch/answer.ts'
import { planFetch } from '../fetch/plan.ts'

/**
 * FETCH of what came last, apart from what this client put there itself (§5.2). `\Seen` is not set: nobody asked for a
 * message by name.
 */
export async function announceAdded(
  context: Context,
  items: readonly FetchItem[],
  added: number,
  own: UidSet,
): Promise<void> {
  if (items.length === 0) return
  const { shown } = context.view
  const first = shown.uidAt(shown.size - added + 1)
  if (first === undefined) return
  const uids: number[] = []
  for (const walk = new SnapshotWalk(shown, [[first, shown.lastUid || first]]); walk.next(); )
    if (!uidSetHas(own, walk.uid)) uids.push(walk.uid)
  if (uids.length === 0) return
  const plan = planFetch(
    { items, changedSince: undefined, vanished: false, partial: undefined },
    !context.enabled.uidOnly,
    context.view.others,
  )
  await answerFetch(context, plan, uidSetOf(uids), [])
}

/** The mailbox as the client knows it, with what its own command did: flags it stored or was given, messages it expunged. */
export function ownChanges(shown: Snapshot, latest: Snapshot, answered: Answered | undefined, own: UidSet): Snapshot {
  const uids: number[] = []
  const flags: number[] = []
  const modseqs: number[] = []
  if (answered !== undefined) {
    const named = answered.kind === 'store' ? normaliseUidSet([...answered.uids, ...answered.modified]) : answered.uids
    for (const walk = new SnapshotWalk(latest, named); walk.next(); ) {
      if (!shown.has(walk.uid)) continue
      uids.push(walk.uid)
      flags.push(walk.flags)
      modseqs.push(walk.modseq)
    }
  }
  const gone: number[] = []
  // What a command made is among its own, too, and still there.
  for (const walk = new SnapshotWalk(shown, own); walk.next(); ) if (!latest.has(walk.uid)) gone.push(walk.uid)
  const page = { uids: Uint32Array.from(uids), flags: Uint32Array.from(flags), modseqs: Float64Array.from(modseqs) }
  return shown.apply(page, uidSetOf(gone), latest.modseq, latest.uidNext)
}
