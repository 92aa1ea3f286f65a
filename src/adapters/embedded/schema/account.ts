/**
 * Accounts of the shard. All other tables name an account by its `slot`, given anew whenever an account is made,
 * so that a removed account is out of sight at once and its rows may go later. @module
 */
export const ACCOUNT = `
CREATE TABLE account (
  slot INTEGER PRIMARY KEY,
  id INTEGER UNIQUE, -- NULL once removed
  modseq INTEGER NOT NULL,
  next_mailbox INTEGER NOT NULL,
  next_email INTEGER NOT NULL,
  next_thread INTEGER NOT NULL,
  last_uidvalidity INTEGER NOT NULL,
  limit_bytes INTEGER,
  limit_messages INTEGER,
  used_bytes INTEGER NOT NULL,
  used_messages INTEGER NOT NULL,
  retention_days INTEGER, -- of the plan; NULL: the store's
  created_at INTEGER NOT NULL
) STRICT;`

/** A row of `account`, without what only the plan needs. */
export interface AccountRow {
  readonly slot: number
  readonly id: number
  modseq: number
  nextMailbox: number
  nextEmail: number
  nextThread: number
  lastUidValidity: number
  limitBytes: number | undefined
  limitMessages: number | undefined
  usedBytes: number
  usedMessages: number
  /** What `gone_bytes` grows by, or shrinks, when the row is written: upkeep changes it beside. */
  goneMore: number
}

/** Emails that lie by account have the rowids from `slot * EMAIL_SPAN` on; all others: `email-rows.ts`. */
export const EMAIL_SPAN = 4_294_967_296

/** The largest slot: above, rowids of emails that lie by account would be among those that do not. */
export const LARGEST_SLOT = 1_048_575
