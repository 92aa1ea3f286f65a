/** Annotations of mailboxes, and of accounts themselves (mailbox 0, which no mailbox is) (RFC 5464). @module */
export const METADATA = `
CREATE TABLE metadata (
  account INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  user INTEGER NOT NULL, -- id of the account whose own it is (/private), 0: everybody's (/shared)
  name TEXT NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (account, mailbox, user, name)
) STRICT, WITHOUT ROWID;`
