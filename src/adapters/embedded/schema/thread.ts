/**
 * Message ids (hashed with the base subject) and the thread they belong to (RFC 8621 §3: one conversation is mails that
 * share a message id and a base subject). @module
 */
export const THREAD = `
CREATE TABLE thread_reference (
  account INTEGER NOT NULL,
  hash INTEGER NOT NULL,
  thread INTEGER NOT NULL,
  PRIMARY KEY (account, hash)
) STRICT, WITHOUT ROWID;`
