/** Who but the owner may do what in a mailbox (RFC 4314). The column `mailbox.acl` of the first version stays empty. @module */
export const ACL = `
CREATE TABLE acl (
  account INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  identifier TEXT NOT NULL,
  rights TEXT NOT NULL,
  PRIMARY KEY (account, mailbox, identifier)
) STRICT, WITHOUT ROWID;
-- What is shared with somebody, whoever's it is.
CREATE INDEX acl_by_identifier ON acl (identifier, account, mailbox);`
