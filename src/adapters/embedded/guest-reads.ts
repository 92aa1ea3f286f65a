/** Messages as somebody sees them who is not the owner: with `\Seen` of their own. @module */
import { SEEN } from '#store/flags.ts'
import type { ChangesRange } from './change-reads.ts'
import { SPAN } from './schema/modseq-span.ts'
import type { Row, Sql } from './sql.ts'

/** Rows of one slice of changes. */
export const GUEST_CHANGES = 5_000

/** Columns like those of `message`; of no message changed twice, the later MODSEQ counts. */
const AS_GUEST = `m.uid AS uid, (m.flags & ~${SEEN}) | coalesce(s.seen, 0) * ${SEEN} AS flags,
  max(m.modseq, coalesce(s.modseq, 0)) AS modseq`
const OF_GUEST = 's.account = m.account AND s.mailbox = m.mailbox AND s.user = ?1 AND s.uid = m.uid'

/** One slice of a mailbox, ascending by UID. */
export function guestMessages(
  sql: Sql,
  slot: number,
  mailbox: number,
  guest: number,
  after: number,
  limit: number,
): readonly Row[] {
  return sql.all(
    `SELECT ${AS_GUEST} FROM message m LEFT JOIN seen_by s ON ${OF_GUEST}
     WHERE m.account = ?2 AND m.mailbox = ?3 AND m.uid > ?4 ORDER BY m.uid LIMIT +?5`,
    guest,
    slot,
    mailbox,
    after,
    limit,
  )
}

/** Up to {@link GUEST_CHANGES} changes of a range, ascending by UID: of the message, or of what the guest has seen. */
export function guestChanges(
  sql: Sql,
  guest: number,
  { slot, mailbox, since, first, last, spans }: ChangesRange,
): readonly Row[] {
  return sql.all(
    `SELECT uid, flags, modseq FROM (
       SELECT ${AS_GUEST} FROM modseq_span p CROSS JOIN message m LEFT JOIN seen_by s ON ${OF_GUEST}
       WHERE p.account = ?2 AND p.mailbox = ?3 AND p.span BETWEEN ?7 AND ?8 AND p.modseq > ?4
       AND m.account = ?2 AND m.mailbox = ?3 AND m.uid BETWEEN max(p.span * ${SPAN}, ?5) AND p.span * ${SPAN} + ${SPAN - 1}
       AND m.modseq > ?4
       UNION
       SELECT ${AS_GUEST} FROM seen_by s INDEXED BY seen_by_modseq CROSS JOIN message m ON ${OF_GUEST}
       WHERE s.account = ?2 AND s.mailbox = ?3 AND s.user = ?1 AND s.modseq > ?4 AND +s.uid BETWEEN ?5 AND ?6
     ) ORDER BY uid LIMIT ${GUEST_CHANGES}`,
    guest,
    slot,
    mailbox,
    since,
    first,
    last,
    ...spans,
  )
}
