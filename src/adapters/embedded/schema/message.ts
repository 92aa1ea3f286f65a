/**
 * Messages: an email in a mailbox under a UID. Narrow, because opening a mailbox reads all of them.
 * `size` repeats what the email says, so that counters and POP3 need no join. @module
 */
export const MESSAGE = `
CREATE TABLE message (
  account INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  modseq INTEGER NOT NULL,
  flags INTEGER NOT NULL, -- PackedFlags
  saved_at INTEGER NOT NULL,
  email INTEGER NOT NULL,
  size INTEGER NOT NULL,
  uidl TEXT,
  PRIMARY KEY (account, mailbox, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_by_modseq ON message (account, mailbox, modseq);
CREATE INDEX message_by_email ON message (account, email);
CREATE UNIQUE INDEX message_by_uidl ON message (account, mailbox, uidl) WHERE uidl IS NOT NULL;`

/** When POP3 first gave a message out, milliseconds since 1970; it goes with the row, and copies begin anew. */
export const MESSAGE_DOWNLOADED = 'ALTER TABLE message ADD COLUMN downloaded_at INTEGER;'

/** What EXPUNGE looks for: with few of them in a large mailbox, all others need not be read. 8 is `\\Deleted`. */
export const MESSAGE_DELETED = 'CREATE INDEX message_deleted ON message (account, mailbox, uid) WHERE flags & 8 <> 0;'
