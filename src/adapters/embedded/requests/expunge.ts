import { done, type Result } from '#lib/result.ts'
import type { Modseq } from '#mail/ids.ts'
import type { Cause } from '#store/gone.ts'
import type { Writes } from '#store/writes.ts'
import { announce, type Located, locate, type Transaction } from '../transaction.ts'
import { uidsUpTo } from '../uid-lists.ts'
import { allUids, bury, joinedUids, leavingIn } from './bury.ts'
import { record } from './record.ts'

type Answer = Result<Writes['expunge']['value'], Writes['expunge']['refusal']>

/** EXPUNGE, UID EXPUNGE, and QUIT of POP3, in slices: a crash in between leaves whole messages. */
export function* expunge(
  tx: Transaction,
  request: Writes['expunge']['request'],
  cause: Cause = 'expunge',
): Generator<undefined, Answer, void> {
  const found = locate(tx, request.account.id, request.mailbox)
  if (!found.ok) return found
  let place: Located = found.value
  const onlyDeleted = request.which === 'deleted'
  const gone: (readonly number[])[] = []
  /** How many of them are in the history. */
  let told = 0
  const tell = (): void => {
    record(tx, request.by, 'expunged', place, joinedUids(gone.slice(told)))
    told = gone.length
  }
  // Nothing has \Deleted: no need to read the whole mailbox to find that out.
  const nothing = onlyDeleted && place.mailbox.deleted === 0
  let room = tx.tuning.sliceMessages
  const asked = nothing ? [] : uidsUpTo(request.uids ?? allUids(place), place.mailbox.uidNext - 1)
  let modseq: number | undefined
  for (const [first, last] of asked) {
    let from: number = first
    while (from <= last) {
      if (room <= 0) {
        tell()
        yield
        const again = locate(tx, request.account.id, request.mailbox)
        if (!again.ok) return again
        place = again.value
        room = tx.tuning.sliceMessages
        modseq = undefined
      }
      const leaving = leavingIn(tx, place, from, last, onlyDeleted, room)
      if (leaving.uids.length > 0) {
        if (modseq === undefined) {
          modseq = tx.ledger.bump(place.account, place.mailbox)
          announce(tx, place.account, place.mailbox, request.by)
        }
        bury(tx, place, leaving, { cause, onlyDeleted })
        gone.push(leaving.uids)
      }
      room -= Math.max(1, leaving.uids.length)
      from = leaving.next
    }
  }
  tell()
  return done({ modseq: place.account.row.modseq as Modseq, expunged: joinedUids(gone) })
}
