/** Events of a batch, until they are written with it. @module */
import { formatUidSet, normaliseUidSet, type UidSet } from '#mail/uid-set.ts'
import { EVENT_KINDS, type EventKind, type MessageEvent } from '#store/gone.ts'
import type { LoadedAccount } from './ledger.ts'
import { EVENTS_PER_MS } from './schema/event.ts'
import type { Sql } from './sql.ts'

/** What one request did, or several of one session that did the same in one batch. */
export interface PendingEvent {
  readonly at: number
  readonly kind: EventKind
  readonly by: string
  readonly mailbox: number
  readonly uids: UidSet[]
  readonly to: { readonly mailbox: number; readonly first: number } | undefined
  readonly detail: string | undefined
}

/** Adds an event; what goes on as the last one began becomes one with it. */
export function addEvent(account: LoadedAccount, event: PendingEvent): void {
  const last = account.events.at(-1)
  const same =
    last !== undefined &&
    last.to === undefined &&
    event.to === undefined &&
    last.kind === event.kind &&
    last.mailbox === event.mailbox &&
    last.detail === event.detail &&
    last.by === event.by
  if (same) last.uids.push(...event.uids)
  else account.events.push(event)
}

/** Writes what has been added, behind all that the account has. */
export function writeEvent(sql: Sql, account: LoadedAccount, { at, uids, ...event }: PendingEvent): void {
  const { slot } = account.row
  account.lastEvent ??= sql.number('SELECT coalesce(max(sequence), 0) FROM event WHERE account = ?', slot)
  account.lastEvent = Math.max(account.lastEvent + 1, at * EVENTS_PER_MS)
  const [only] = uids
  const set = uids.length === 1 && only !== undefined ? only : normaliseUidSet(uids.flat())
  insertEvent(sql, slot, { ...event, sequence: account.lastEvent, uids: set })
}

/** An event as it was told. */
export function insertEvent(
  sql: Sql,
  slot: number,
  event: Omit<PendingEvent, 'at' | 'uids'> & Pick<MessageEvent, 'sequence' | 'uids'>,
): void {
  const { sequence, kind, by, mailbox, uids, to, detail } = event
  sql.run(
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
