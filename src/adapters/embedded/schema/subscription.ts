/** Names subscribed to; a mailbox of that name need not exist. @module */
export const SUBSCRIPTION = `
CREATE TABLE subscription (
  account INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;`
