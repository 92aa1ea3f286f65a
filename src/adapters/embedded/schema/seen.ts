/** `\Seen` of users other than the owner, in shared mailboxes. Empty until mailboxes are shared. @module */
export const SEEN_BY = `
CREATE TABLE seen_by (
  account INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  user INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  modseq INTEGER NOT NULL,
  PRIMARY KEY (account, mailbox, user, uid)
) STRICT, WITHOUT ROWID;`
