/**
 * Imprints: mailboxes as they were at a MODSEQ, so that opening one reads a few rows instead of one a message. Derived:
 * rows may be deleted at any time. Numbers are little-endian, as in the memory of every machine this runs on.
 * @module
 */
export const IMPRINT = `
CREATE TABLE imprint (
  account INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  part INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  modseq INTEGER NOT NULL,
  uids BLOB NOT NULL, -- 32 bits each
  flags BLOB NOT NULL, -- PackedFlags, 32 bits each
  modseqs BLOB NOT NULL, -- 64 bits each, floating point
  PRIMARY KEY (account, mailbox, part)
) STRICT;`
