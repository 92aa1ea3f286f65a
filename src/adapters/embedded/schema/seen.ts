/** `\Seen` of users other than the owner, in shared mailboxes. As it was in the first version, and never written then. @module */
export const SEEN_BY = `
CREATE TABLE seen_by (
  account INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  user INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  modseq INTEGER NOT NULL,
  PRIMARY KEY (account, mailbox, user, uid)
) STRICT, WITHOUT ROWID;`

/** A message that was unseen again keeps its row: the change has a MODSEQ. Rows go with their message. */
export const SEEN_BY_GUESTS = `
DROP TABLE seen_by;
CREATE TABLE seen_by (
  account INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  user INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  modseq INTEGER NOT NULL,
  seen INTEGER NOT NULL, -- 1 or 0
  PRIMARY KEY (account, mailbox, user, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_by_modseq ON seen_by (account, mailbox, user, modseq);
CREATE INDEX seen_by_uid ON seen_by (account, mailbox, uid);`
