/** The history of messages, written with what it tells of. @module */
import type { UidSet } from '#mail/uid-set.ts'
import { formatUidSet } from '#mail/uid-set.ts'
import { EVENT_KINDS, type EventKind, type MessageEvent } from '#store/gone.ts'
import { EVENTS_PER_MS } from '../schema/event.ts'
import type { Located, Transaction } from '../transaction.ts'

/** What some events say more. */
export interface RecordMore {
  /** Where the messages went, and the UID that the first of them has there. */
  readonly target?: number
  readonly first?: number
  readonly detail?: string
}

/** Notes what a request did to messages of a mailbox. */
export function record(
  tx: Transaction,
  by: string,
  kind: EventKind,
  { account, mailbox }: { readonly account: Located['account']; readonly mailbox: { readonly key: number } },
  uids: UidSet,
  { target, first, detail }: RecordMore = {},
): void {
  if (uids.length === 0) return
  const { slot } = account.row
  account.lastEvent ??= tx.sql.number('SELECT coalesce(max(sequence), 0) FROM event WHERE account = ?', slot)
  account.lastEvent = Math.max(account.lastEvent + 1, tx.now * EVENTS_PER_MS)
  tx.sql.run(
    `INSERT INTO event (account, sequence, kind, by, mailbox, uids, target, first, detail)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    slot,
    account.lastEvent,
    EVENT_KINDS.indexOf(kind),
    by,
    mailbox.key,
    formatUidSet(uids),
    target ?? null,
    first ?? null,
    detail ?? null,
  )
}

/** An event as it was told. */
export function insertEvent(tx: Transaction, slot: number, event: MessageEvent): void {
  const { sequence, kind, by, mailbox, uids, to, detail } = event
  tx.sql.run(
    `INSERT INTO event (account, sequence, kind, by, mailbox, uids, target, first, detail)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    slot,
    sequence,
    EVENT_KINDS.indexOf(kind),
    by,
    mailbox,
    formatUidSet(uids),
    to?.mailbox ?? null,
    to?.first ?? null,
    detail ?? null,
  )
}
