/** Messages as somebody sees them who is not the owner: with `\Seen` of their own. @module */
import { SEEN } from '#store/flags.ts'
import type { Row, Sql } from './sql.ts'

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

/** What changed after a place in the order of MODSEQs, by the message or by what the guest has seen. */
export function guestChanges(
  sql: Sql,
  slot: number,
  mailbox: number,
  guest: number,
  from: { readonly modseq: number; readonly uid: number },
  limit: number,
): readonly Row[] {
  return sql.all(
    `SELECT uid, flags, modseq FROM (
       SELECT ${AS_GUEST} FROM message m LEFT JOIN seen_by s ON ${OF_GUEST}
       WHERE m.account = ?2 AND m.mailbox = ?3 AND m.modseq >= ?4
       UNION
       SELECT ${AS_GUEST} FROM seen_by s JOIN message m ON ${OF_GUEST}
       WHERE s.account = ?2 AND s.mailbox = ?3 AND s.user = ?1 AND s.modseq >= ?4
     ) WHERE (modseq, uid) > (?4, ?5) ORDER BY modseq, uid LIMIT +?6`,
    guest,
    slot,
    mailbox,
    from.modseq,
    from.uid,
    limit,
  )
}
