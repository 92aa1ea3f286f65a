/**
 * What happened to messages: a row a request, mailbox and slice, written in its transaction, at the end of the account's
 * rows. `uids` and `by` repeat themselves, but a table of their own would cost every request a look into it. @module
 */
export const EVENT = `
CREATE TABLE event (
  account INTEGER NOT NULL,
  sequence INTEGER NOT NULL, -- milliseconds since 1970 * 1024, and what keeps it unique
  kind INTEGER NOT NULL, -- index into EVENT_KINDS
  by TEXT NOT NULL,
  mailbox INTEGER NOT NULL,
  uids TEXT NOT NULL, -- as IMAP writes sets
  target INTEGER,
  first INTEGER, -- UID that the first of them has in the target
  detail TEXT,
  PRIMARY KEY (account, sequence)
) STRICT, WITHOUT ROWID;`

/** Room in the sequence for what happens in one millisecond. */
export const EVENTS_PER_MS = 1_024
