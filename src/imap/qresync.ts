/** SELECT … (QRESYNC …): what happened since the client was here last (RFC 7162 §3.2.5). @module */
import { LARGEST_UID, type Uid } from '#mail/ids.ts'
import { formatUidSet, type UidSet, uidSetHas, uidsOf } from '#mail/uid-set.ts'
import { intersectUidSets, subtractUidSets } from '#mail/uid-set-arithmetic.ts'
import type { ChangesCursor, MailboxChanges } from '#store/types.ts'
import type { QresyncParams } from '#wire/imap/select-params.ts'
import type { Context } from './command.ts'
import type { SelectedView } from './selected.ts'

/** Writes VANISHED (EARLIER) for what went and FETCH for what is new or different. */
export async function writeSince(context: Context, view: SelectedView, params: QresyncParams): Promise<void> {
  const { out } = context
  const known: UidSet = params.knownUids ?? [[1 as Uid, LARGEST_UID]]
  const vanished = await vanishedSince(context, view, params, known)
  if (vanished.length > 0) out.text(`* VANISHED (EARLIER) ${formatUidSet(vanished)}\r\n`)
  await view.writeChangedSince(out, params.modseq, (uid) => uidSetHas(known, uid))
}

/** UIDs among `known` that went after a MODSEQ, or all that are not there where nobody remembers (RFC 7162 §3.2.6). */
export async function vanishedSince(
  { store }: Context,
  view: SelectedView,
  params: Pick<QresyncParams, 'modseq' | 'match'>,
  known: UidSet,
): Promise<UidSet> {
  const { vanished, complete } = await lastSlice((cursor) =>
    store.changes(view.account, view.mailbox, params.modseq, cursor),
  )
  // What has gone since the view was made is told by the view, in its order.
  const without = (gone: UidSet): UidSet => subtractUidSets(gone, view.present(gone))
  if (complete) return without(intersectUidSets(vanished, known))
  // Our memory does not reach back so far: every UID that is not there has gone, as far as the client has no proof
  // that it knows (RFC 7162 §3.2.5.2, §5.3).
  if (view.uidNext <= 1) return []
  return without(intersectUidSets([[(provenUid(view, params) + 1) as Uid, (view.uidNext - 1) as Uid]], known))
}

async function lastSlice(
  read: (cursor: ChangesCursor | undefined) => Promise<MailboxChanges>,
): Promise<MailboxChanges> {
  let slice = await read(undefined)
  while (slice.next !== undefined) slice = await read(slice.next)
  return slice
}

/** The last UID up to which the client's numbers are ours, so that it has heard of everything that went below; 0 for none. */
function provenUid(view: SelectedView, { match }: Pick<QresyncParams, 'match'>): number {
  if (match === undefined) return 0
  const uids = uidsOf(match.uids)
  let proven = 0
  for (const number of uidsOf(match.numbers)) {
    const uid = uids.next().value
    // Pairs ascend, so this ends at the size of the mailbox, whatever the client wrote.
    if (uid === undefined || number > view.messages || view.numberOf(uid) !== Number(number)) return proven
    proven = uid
  }
  return proven
}
