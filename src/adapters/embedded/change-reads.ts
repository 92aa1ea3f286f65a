/** What changed in a mailbox since a MODSEQ, a slice at a time, ascending by UID. @module */
import type { AccountId, MailboxKey, Modseq, Uid } from '#mail/ids.ts'
import { normaliseUidSet } from '#mail/uid-set.ts'
import type { ChangesCursor, MailboxChanges, MessagePage } from '#store/types.ts'
import { GUEST_CHANGES, guestChanges } from './guest-reads.ts'
import { LISTS, NO_PAGE, pageOf, pageOfLists } from './message-page.ts'
import { SPAN, spanOf } from './schema/modseq-span.ts'
import type { Sql } from './sql.ts'

/** Spans of one slice, in which something changed. */
const SPANS = 64
const LARGEST = 4_294_967_295
/** No account has it. */
const NO_SLOT = -1
/** No message is in it. */
const NO_SPAN = -1

/** Where a slice reads. */
export interface ChangesRange {
  readonly slot: number
  readonly mailbox: number
  /** Changes of an account above this MODSEQ. */
  readonly since: number
  /** UIDs, inclusive. */
  readonly first: number
  readonly last: number
  /** The first and the last span in which something changed; both {@link NO_SPAN} where there is none. */
  readonly spans: readonly [number, number]
}

/** One slice; call it inside a snapshot. */
export function changesOf(
  sql: Sql,
  account: AccountId,
  mailbox: MailboxKey,
  since: number,
  cursor: ChangesCursor | undefined,
  guest: AccountId | undefined,
): MailboxChanges {
  const box = sql.get(
    `SELECT m.uidnext, m.vanished_floor, m.messages, a.slot, a.modseq FROM account a
     LEFT JOIN mailbox m ON m.account = a.slot AND m.key = ? WHERE a.id = ?`,
    mailbox,
    account,
  )
  const slot = (box?.[3] ?? NO_SLOT) as number
  const now = (box?.[4] ?? since) as Modseq
  if (box === undefined || box[0] === null) return noChanges(now)
  const first = (cursor?.uid ?? 0) + 1
  const found = sql.all(
    'SELECT span FROM modseq_span WHERE account = ? AND mailbox = ? AND span >= ? AND modseq > ? ORDER BY span LIMIT +?',
    slot,
    mailbox,
    spanOf(first),
    since,
    SPANS + 1,
  )
  const spans = found.slice(0, SPANS).map(([span]) => span as number)
  const [from, to] = [spans[0] ?? NO_SPAN, spans.at(-1) ?? NO_SPAN]
  const end = found.length > SPANS ? (to + 1) * SPAN - 1 : undefined
  const range: ChangesRange = { slot, mailbox, since, first, last: end ?? LARGEST, spans: [from, to] }
  const changed = guest === undefined ? ownChanges(sql, range) : pageOf(guestChanges(sql, guest, range))
  // A guest's that is full ends with its last row, others with the spans that were looked at.
  const full = guest !== undefined && changed.uids.length === GUEST_CHANGES
  const through = full ? changed.uids.at(-1) : end
  const whole = {
    changed,
    complete: since >= (box[1] as number),
    uidNext: box[0] as Uid,
    messages: box[2] as number,
  }
  // What happens between the slices to messages that were passed is for the next round: all of them are as of the first.
  const asOf = cursor?.modseq ?? now
  // What went is told at the end: until then nothing after `since` is whole.
  if (through !== undefined)
    return { ...whole, vanished: [], modseq: since as Modseq, next: { modseq: asOf, uid: through as Uid } }
  const gone = sql.all(
    'SELECT first, last FROM tombstone WHERE account = ? AND mailbox = ? AND modseq > ?',
    slot,
    mailbox,
    since,
  )
  const vanished = normaliseUidSet(gone as readonly (readonly [number, number])[])
  return { ...whole, vanished, modseq: asOf, next: undefined }
}

function noChanges(modseq: Modseq): MailboxChanges {
  return { changed: NO_PAGE, vanished: [], complete: false, modseq, next: undefined, uidNext: undefined, messages: 0 }
}

/** Asked also where no span has changed, so that a warm-up has the statement prepared. */
function ownChanges(sql: Sql, { slot, mailbox, since, first, spans }: ChangesRange): MessagePage {
  const lists = sql.get(
    `SELECT ${LISTS}
     FROM (SELECT m.uid, m.flags, m.modseq FROM modseq_span s CROSS JOIN message m
       WHERE s.account = ?1 AND s.mailbox = ?2 AND s.span BETWEEN ?4 AND ?5 AND s.modseq > ?3
       AND m.account = ?1 AND m.mailbox = ?2 AND m.uid BETWEEN max(s.span * ${SPAN}, ?6) AND s.span * ${SPAN} + ${SPAN - 1}
       AND m.modseq > ?3 ORDER BY s.span, m.uid)`,
    slot,
    mailbox,
    since,
    ...spans,
    first,
  )
  return lists === undefined ? NO_PAGE : pageOfLists(lists)
}
