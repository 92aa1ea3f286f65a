/** Ranges of UIDs that went, for VANISHED (RFC 7162 §3.2.10). Bounded per mailbox; see `vanished_floor`. @module */
export const TOMBSTONE = `
CREATE TABLE tombstone (
  account INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  modseq INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (account, mailbox, modseq, first)
) STRICT, WITHOUT ROWID;`
