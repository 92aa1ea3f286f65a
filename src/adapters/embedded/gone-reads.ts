/** Reads of deleted mail and of the history. @module */
import type { AccountId, EmailKey, MailboxKey, Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import type { PackedFlags } from '#store/flags.ts'
import {
  CAUSES,
  type DeletedCursor,
  type DeletedMessage,
  type EmailPlace,
  EVENT_KINDS,
  type GoneMailbox,
  type MessageEvent,
  type OwnedEmail,
} from '#store/gone.ts'
import { compareMailboxNames } from '#store/mailbox-name.ts'
import type { SpecialUse } from '#store/types.ts'
import { RESTORED } from './schema/deleted.ts'
import { EVENTS_PER_MS } from './schema/event.ts'
import type { Sql } from './sql.ts'

/** In the order in which they left, which the index `deleted_by_time` has. */
export function deletedMail(
  sql: Sql,
  slot: number,
  since: number,
  after: DeletedCursor | undefined,
  limit: number,
): readonly DeletedMessage[] {
  const from = after ?? { deletedAt: since, mailbox: -1, uid: -1 }
  const rows = sql.all(
    `SELECT mailbox, uid, email, flags, size, saved_at, deleted_at, moved, cause,
     EXISTS (SELECT 1 FROM message m WHERE m.account = d.account AND m.email = d.email AND m.mailbox NOT IN (d.mailbox,
       coalesce((SELECT restored_as FROM gone_mailbox g WHERE g.account = d.account AND g.key = d.mailbox), d.mailbox)))
     FROM deleted d WHERE account = ? AND (deleted_at, mailbox, uid) > (?, ?, ?)
     ORDER BY deleted_at, mailbox, uid LIMIT +?`,
    slot,
    from.deletedAt,
    from.mailbox,
    from.uid,
    limit,
  )
  return (rows as readonly (readonly number[])[]).map((row) => ({
    mailbox: row[0] as MailboxKey,
    uid: row[1] as Uid,
    email: row[2] as EmailKey,
    flags: row[3] as PackedFlags,
    size: row[4] ?? 0,
    savedAt: row[5] ?? 0,
    deletedAt: row[6] ?? 0,
    restored: row[7] === RESTORED,
    cause: CAUSES[row[8] ?? 0] ?? 'expunge',
    kept: row[9] === 1,
  }))
}

export function goneMailboxes(sql: Sql, slot: number): readonly GoneMailbox[] {
  const rows = sql.all(
    'SELECT key, name, special_use, created_at, deleted_at, restored_as FROM gone_mailbox WHERE account = ?',
    slot,
  ) as readonly (readonly [number, string, string | null, number, number, number | null])[]
  return rows
    .map(([key, name, specialUse, createdAt, deletedAt, restoredAs]) => ({
      key: key as MailboxKey,
      name,
      specialUse: (specialUse ?? undefined) as SpecialUse | undefined,
      createdAt,
      deletedAt,
      restoredAs: (restoredAs ?? undefined) as MailboxKey | undefined,
    }))
    .sort((a, b) => compareMailboxNames(a.name, b.name) || a.key - b.key)
}

export function placesOf(sql: Sql, slot: number, email: EmailKey): readonly EmailPlace[] {
  const rows = sql.all(
    `SELECT mailbox, uid, saved_at, NULL FROM message WHERE account = ?1 AND email = ?2 UNION ALL
     SELECT mailbox, uid, saved_at, deleted_at FROM deleted WHERE account = ?1 AND email = ?2
     ORDER BY saved_at, mailbox, uid`,
    slot,
    email,
  ) as readonly (readonly [number, number, number, number | null])[]
  return rows.map(([mailbox, uid, savedAt, deletedAt]) => ({
    email,
    mailbox: mailbox as MailboxKey,
    uid: uid as Uid,
    savedAt,
    deletedAt: deletedAt ?? undefined,
  }))
}

/** Walks the emails of the account: narrow rows, and nobody asks often. */
export function emailsByMessageId(sql: Sql, slot: number, messageId: string): readonly EmailKey[] {
  return sql
    .all(
      `SELECT m.email FROM message m JOIN email e ON e.id = m.email_id WHERE m.account = ?1 AND e.message_id = ?2 UNION
       SELECT d.email FROM deleted d JOIN email e ON e.id = d.email_id WHERE d.account = ?1 AND e.message_id = ?2
       ORDER BY 1`,
      slot,
      messageId,
    )
    .map(([email]) => email as EmailKey)
}

/** Rows of one slice of {@link emailsByTrace}: some milliseconds. */
const TRACES = 5_000

/**
 * One slice of the rows of all accounts, behind `after`. @returns what is in it, and where the next begins; `undefined`:
 * that was the last.
 */
export function emailsByTrace(
  sql: Sql,
  after: number,
  texts: readonly string[],
  since: number,
): { readonly found: readonly OwnedEmail[]; readonly next: number | undefined } {
  const last = sql.get(
    'SELECT max(id) FROM (SELECT id FROM email WHERE id > ? ORDER BY id LIMIT +?)',
    after,
    TRACES,
  )?.[0]
  if (typeof last !== 'number') return { found: [], next: undefined }
  const found = texts.flatMap((text) =>
    sql.all(
      `SELECT a.id, e.key FROM email e JOIN account a ON a.slot = e.slot
       WHERE e.id > ? AND e.id <= ? AND e.internal_date >= ? AND instr(e.trace, ?) > 0 AND a.id IS NOT NULL`,
      after,
      last,
      since,
      Buffer.from(text),
    ),
  )
  return {
    found: found.map(([account, key]) => ({ account: account as AccountId, email: key as EmailKey })),
    next: last,
  }
}

/** The same of those alone that came last: keys of an account grow by one. */
export function newestByMessageId(sql: Sql, slot: number, messageId: string, newest: number): readonly EmailKey[] {
  return sql
    .all(
      `WITH first AS (SELECT next_email - ?3 AS key FROM account WHERE slot = ?1)
       SELECT m.email FROM first CROSS JOIN message m INDEXED BY message_by_email CROSS JOIN email e
         WHERE m.account = ?1 AND m.email >= first.key AND e.id = m.email_id AND e.message_id = ?2 UNION
       SELECT d.email FROM first CROSS JOIN deleted d INDEXED BY deleted_by_email CROSS JOIN email e
         WHERE d.account = ?1 AND d.email >= first.key AND e.id = d.email_id AND e.message_id = ?2 ORDER BY 1`,
      slot,
      messageId,
      newest,
    )
    .map(([email]) => email as EmailKey)
}

export function eventsAfter(sql: Sql, slot: number, after: number, limit: number): readonly MessageEvent[] {
  const rows = sql.all(
    `SELECT sequence, kind, by, mailbox, uids, target, first, detail FROM event WHERE account = ? AND sequence > ?
     ORDER BY sequence LIMIT +?`,
    slot,
    after,
    limit,
  ) as readonly (readonly [number, number, string, number, string, number | null, number | null, string | null])[]
  return rows.map(([sequence, kind, by, mailbox, uids, target, first, detail]) => ({
    sequence,
    at: Math.floor(sequence / EVENTS_PER_MS),
    kind: EVENT_KINDS[kind] ?? 'flags',
    by,
    mailbox: mailbox as MailboxKey,
    uids: uidsFrom(uids),
    to: target === null || first === null ? undefined : { mailbox: target as MailboxKey, first: first as Uid },
    detail: detail ?? undefined,
  }))
}

/** What `formatUidSet` wrote. */
function uidsFrom(text: string): UidSet {
  return text.split(',').map((part) => {
    const [first = '', last = first] = part.split(':')
    return [Number(first) as Uid, Number(last) as Uid]
  })
}
