/**
 * Deleted mail: messages that left a mailbox, with their email and body, until their retention is over.
 * Sessions that still show one can FETCH it; undelete restores from here. `moved` ones live on elsewhere and are kept
 * for a day only. @module
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
