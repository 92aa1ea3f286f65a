/**
 * Rows of emails lie in the order in which they came, whoever's they are: a commit of several messages then fills the
 * last pages of their three tables, where a place for each account would touch two and a half pages a row. Rows from
 * before, and those of restored accounts, lie by account (`slot * 2^32 + key`): these have neither an owner nor a row. @module
 */
import type { Sql } from '../sql.ts'

export const EMAIL_ROWS = `
ALTER TABLE message ADD COLUMN email_row INTEGER; -- NULL: by account
ALTER TABLE message ADD COLUMN email_id INTEGER AS (coalesce(email_row, account * 4294967296 + email)) VIRTUAL;
ALTER TABLE deleted ADD COLUMN email_row INTEGER;
ALTER TABLE deleted ADD COLUMN email_id INTEGER AS (coalesce(email_row, account * 4294967296 + email)) VIRTUAL;
ALTER TABLE email ADD COLUMN owner_slot INTEGER;
ALTER TABLE email ADD COLUMN owner_key INTEGER;
ALTER TABLE email ADD COLUMN slot INTEGER AS (coalesce(owner_slot, id / 4294967296)) VIRTUAL;
ALTER TABLE email ADD COLUMN key INTEGER AS (coalesce(owner_key, id % 4294967296)) VIRTUAL;`

/** Rows in the order of arrival begin here, above those of all accounts. */
export const FIRST_ROW = 4_503_599_627_370_496

/** The row that the next email takes: behind all others, also behind what a damaged table has left in the other two. */
export function nextEmailRow(sql: Sql): number {
  return sql.number(
    `SELECT 1 + max(?, coalesce((SELECT max(id) FROM email), 0), coalesce((SELECT max(id) FROM email_ready), 0),
     coalesce((SELECT max(id) FROM email_header), 0))`,
    FIRST_ROW - 1,
  )
}

/** An email of the account, `?1` its slot, above a key, `?2`: key and rowid of up to `?3`, in the order of keys. */
export const NEXT_EMAILS = `(SELECT email, id FROM (SELECT email, email_id AS id FROM message
    WHERE account = ?1 AND email > ?2 AND EXISTS (SELECT 1 FROM email e WHERE e.id = email_id)
    GROUP BY email ORDER BY email LIMIT +?3)
  UNION SELECT email, id FROM (SELECT email, email_id AS id FROM deleted
    WHERE account = ?1 AND email > ?2 AND EXISTS (SELECT 1 FROM email e WHERE e.id = email_id)
    GROUP BY email ORDER BY email LIMIT +?3)
  ORDER BY email LIMIT +?3)`

/** Emails in the order of arrival that no message and no deleted mail names: `?1` is {@link FIRST_ROW}. */
export const UNUSED_ROWS = `FROM email e WHERE e.id >= ?1
  AND NOT EXISTS (SELECT 1 FROM message m WHERE m.account = e.slot AND m.email = e.key)
  AND NOT EXISTS (SELECT 1 FROM deleted d WHERE d.account = e.slot AND d.email = e.key)`
