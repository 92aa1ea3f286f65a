/**
 * Deleted mail: messages that left a mailbox, with their email and body, until their retention is over.
 * Sessions that still show one can FETCH it; undelete restores from here. `moved` ones live on elsewhere; they tell
 * where a message was at a time. @module
 */
export const DELETED = `
CREATE TABLE deleted (
  account INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  email INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  modseq INTEGER NOT NULL,
  saved_at INTEGER NOT NULL,
  deleted_at INTEGER NOT NULL,
  moved INTEGER NOT NULL,
  mailbox_name TEXT, -- where the mailbox itself was deleted
  PRIMARY KEY (account, mailbox, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX deleted_by_time ON deleted (account, moved, deleted_at);
CREATE INDEX deleted_by_email ON deleted (account, email);`

/** `moved` of a row: whether the message is only here, or lives on in another mailbox. */
export const ONLY_HERE = 0
export const MOVED = 1
/** It was restored from here. */
export const RESTORED = 2

/**
 * What restoring needs: how a message went, its size for the quota of deleted mail, and the mailboxes that are gone.
 * The index goes by time alone, as every reader does.
 */
export const GONE_MAIL = `
ALTER TABLE deleted ADD COLUMN cause INTEGER NOT NULL DEFAULT 0; -- index into CAUSES
ALTER TABLE deleted ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
UPDATE deleted SET
  cause = CASE WHEN moved = 1 THEN 4 WHEN mailbox_name IS NOT NULL THEN 2 ELSE 0 END,
  size = coalesce((SELECT e.size FROM email e WHERE e.id = deleted.account * 4294967296 + deleted.email), 0);
DROP INDEX deleted_by_time;
CREATE INDEX deleted_by_time ON deleted (account, deleted_at);
ALTER TABLE account ADD COLUMN gone_bytes INTEGER NOT NULL DEFAULT 0; -- of deleted mail that is only here
ALTER TABLE account ADD COLUMN gone_limit_bytes INTEGER; -- of the plan; NULL: the store's
UPDATE account SET gone_bytes =
  coalesce((SELECT sum(d.size) FROM deleted d WHERE d.account = account.slot AND d.moved = 0), 0);
CREATE TABLE gone_mailbox (
  account INTEGER NOT NULL,
  key INTEGER NOT NULL,
  name TEXT NOT NULL,
  special_use TEXT,
  created_at INTEGER NOT NULL,
  deleted_at INTEGER NOT NULL,
  restored_as INTEGER,
  PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
INSERT INTO gone_mailbox (account, key, name, created_at, deleted_at)
  SELECT d.account, d.mailbox, coalesce(max(d.mailbox_name), (SELECT f.name FROM former_name f
    WHERE f.account = d.account AND f.mailbox = d.mailbox), 'Recovered'), min(d.saved_at), max(d.deleted_at)
  FROM deleted d WHERE NOT EXISTS (SELECT 1 FROM mailbox m WHERE m.account = d.account AND m.key = d.mailbox)
  GROUP BY d.account, d.mailbox;
ALTER TABLE deleted DROP COLUMN mailbox_name;`
