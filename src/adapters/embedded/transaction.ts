/** What a request may use while the writer executes it. @module */

import { done, type Result, refused } from '#lib/result.ts'
import type { AccountId, MailboxKey, Modseq } from '#mail/ids.ts'
import type { Change, MailboxInfo, SpecialUse } from '#store/types.ts'
import type { NoSuchAccount, NoSuchMailbox } from '#store/writes.ts'
import type { Bodies } from './bodies.ts'
import type { Ledger, LoadedAccount } from './ledger.ts'
import type { EmbeddedTuning } from './options.ts'
import type { MailboxRow } from './schema/mailbox.ts'
import type { Sql } from './sql.ts'

/**
 * The open transaction. Requests decide before they change anything: a refusal leaves no trace, and what throws
 * afterwards takes the whole transaction with it (the writer then runs its neighbours again without it).
 */
export interface Transaction {
  readonly sql: Sql
  readonly ledger: Ledger
  readonly bodies: Bodies
  readonly tuning: EmbeddedTuning
  /** When the request was made. */
  now: number
  /** Announced after COMMIT. */
  readonly changes: Change[]
  /** Big bodies that no row names any more: removed after COMMIT. */
  readonly droppedBigs: number[]
  /** Octets of big bodies dropped since the shard was opened. */
  droppedBigBytes: number
}

/** The answer of a request, at once or after slices: each `yield` is a place where a commit may come. */
export type Step<R> = R | Generator<undefined, R, void>

/** Adds an announcement. */
export function announce(
  tx: Transaction,
  account: LoadedAccount,
  mailbox: MailboxRow | undefined,
  by: string,
  kind: Change['kind'] = mailbox === undefined ? 'mailboxes' : 'messages',
  rightsOf?: string,
): void {
  tx.changes.push({
    ...(rightsOf === undefined ? {} : { rightsOf }),
    account: account.row.id as AccountId,
    mailbox: mailbox?.key as MailboxKey | undefined,
    modseq: account.row.modseq as Modseq,
    kind,
    by,
  })
}

/** An account with one of its mailboxes. */
export interface Located {
  readonly account: LoadedAccount
  readonly mailbox: MailboxRow
}

/** Finds both, as most requests begin. */
export function locate(tx: Transaction, id: number, key: number): Result<Located, NoSuchAccount | NoSuchMailbox> {
  const account = tx.ledger.load(id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  const mailbox = account.mailboxes.get(key)
  if (mailbox === undefined) return refused({ kind: 'no-such-mailbox' })
  return done({ account, mailbox })
}

/** A mailbox as the port shows it. */
export function mailboxInfo(row: MailboxRow): MailboxInfo {
  return {
    key: row.key as MailboxInfo['key'],
    name: row.name,
    uidValidity: row.uidValidity,
    uidNext: row.uidNext as MailboxInfo['uidNext'],
    highestModseq: row.highestModseq as Modseq,
    vanishedFloor: row.vanishedFloor as Modseq,
    messages: row.messages,
    unseen: row.unseen,
    deleted: row.deleted,
    size: row.size,
    specialUse: row.specialUse as SpecialUse | undefined,
    createdAt: row.createdAt,
  }
}
