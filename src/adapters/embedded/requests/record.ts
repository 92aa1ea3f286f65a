/** The history of messages, written with what it tells of. @module */
import type { UidSet } from '#mail/uid-set.ts'
import type { EventKind } from '#store/gone.ts'
import { addEvent, type PendingEvent } from '../pending-event.ts'
import type { Located, Transaction } from '../transaction.ts'

/** Notes what a request did to messages of a mailbox. */
export function record(
  tx: Transaction,
  by: string,
  kind: EventKind,
  { account, mailbox }: { readonly account: Located['account']; readonly mailbox: { readonly key: number } },
  uids: UidSet,
  { to, detail }: Partial<Pick<PendingEvent, 'to' | 'detail'>> = {},
): void {
  if (uids.length === 0) return
  addEvent(account, { at: tx.now, kind, by, mailbox: mailbox.key, uids: [uids], to, detail })
  tx.ledger.touch(account)
}
