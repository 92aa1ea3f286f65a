/** Mailboxes, with counters that change in the transaction of the messages they count. @module */
export const MAILBOX = `
CREATE TABLE mailbox (
  account INTEGER NOT NULL,
  key INTEGER NOT NULL,
  name TEXT NOT NULL,
  uidvalidity INTEGER NOT NULL,
  uidnext INTEGER NOT NULL,
  highest_modseq INTEGER NOT NULL,
  vanished_floor INTEGER NOT NULL,
  messages INTEGER NOT NULL,
  unseen INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  size INTEGER NOT NULL,
  tombstones INTEGER NOT NULL, -- rows in tombstone
  special_use TEXT,
  acl TEXT,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX mailbox_by_name ON mailbox (account, name);
-- Names that mailboxes had: one that takes such a name needs a larger UIDVALIDITY (RFC 9051 §2.3.1.1).
CREATE TABLE former_name (
  account INTEGER NOT NULL,
  name TEXT NOT NULL,
  mailbox INTEGER NOT NULL,
  uidvalidity INTEGER NOT NULL,
  PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;`

/** A row of `mailbox`. */
export interface MailboxRow {
  readonly key: number
  name: string
  uidValidity: number
  uidNext: number
  highestModseq: number
  vanishedFloor: number
  messages: number
  unseen: number
  deleted: number
  size: number
  tombstones: number
  readonly specialUse: string | undefined
  readonly createdAt: number
}

/** The columns of a {@link MailboxRow}, in the order that {@link mailboxRow} reads. */
export const MAILBOX_COLUMNS =
  'key, name, uidvalidity, uidnext, highest_modseq, vanished_floor, messages, unseen, deleted, size, tombstones, special_use, created_at'

/** A row of `mailbox` selected by {@link MAILBOX_COLUMNS}. */
export function mailboxRow(row: readonly unknown[]): MailboxRow {
  return {
    key: row[0] as number,
    name: row[1] as string,
    uidValidity: row[2] as number,
    uidNext: row[3] as number,
    highestModseq: row[4] as number,
    vanishedFloor: row[5] as number,
    messages: row[6] as number,
    unseen: row[7] as number,
    deleted: row[8] as number,
    size: row[9] as number,
    tombstones: row[10] as number,
    specialUse: (row[11] as string | null) ?? undefined,
    createdAt: row[12] as number,
  }
}
