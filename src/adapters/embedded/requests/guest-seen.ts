/** `\Seen` of those who are not the owner, in the writer. @module */
import type { LoadedAccount } from '../ledger.ts'
import type { MailboxRow } from '../schema/mailbox.ts'
import type { Located, Transaction } from '../transaction.ts'
import type { Leaving } from './bury.ts'

/** Notes that the guest has seen a message, or has not any more, at the account's MODSEQ. */
export function setSeen(
  tx: Transaction,
  { row }: LoadedAccount,
  mailbox: number,
  user: number,
  uid: number,
  seen: boolean,
): void {
  tx.sql.run(
    'INSERT OR REPLACE INTO seen_by (account, mailbox, user, uid, modseq, seen) VALUES (?, ?, ?, ?, ?, ?)',
    row.slot,
    mailbox,
    user,
    uid,
    row.modseq,
    seen ? 1 : 0,
  )
}

/** What guests have seen of messages that were copied they have seen there, too; but for one who has no right to it. */
export function copySeen(
  tx: Transaction,
  { account, mailbox }: Located,
  range: Leaving,
  target: MailboxRow,
  but: number | undefined,
): void {
  const [first, last] = [range.uids[0] as number, range.uids.at(-1) as number]
  const { slot, modseq } = account.row
  // Hardly ever is there any.
  const some = 'SELECT 1 FROM seen_by WHERE account = ? AND mailbox = ? AND uid BETWEEN ? AND ? LIMIT 1'
  if (tx.sql.get(some, slot, mailbox.key, first, last) === undefined) return
  tx.sql.run(
    `INSERT INTO seen_by (account, mailbox, user, uid, modseq, seen)
     SELECT s.account, ?1, s.user, ?2 + n.place, ?3, s.seen FROM seen_by s JOIN
       (SELECT uid, row_number() OVER (ORDER BY uid) AS place FROM message
        WHERE account = ?4 AND mailbox = ?5 AND uid BETWEEN ?6 AND ?7) n ON n.uid = s.uid
     WHERE s.account = ?4 AND s.mailbox = ?5 AND s.uid BETWEEN ?6 AND ?7 AND s.user <> ?8`,
    target.key,
    target.uidNext - 1,
    modseq,
    slot,
    mailbox.key,
    first,
    last,
    but ?? -1,
  )
}

/** Forgets what guests have seen of messages that are no more in the mailbox. */
export function forgetSeen(tx: Transaction, { account, mailbox }: Located, first: number, last: number): void {
  tx.sql.run(
    `DELETE FROM seen_by WHERE account = ?1 AND mailbox = ?2 AND uid BETWEEN ?3 AND ?4 AND NOT EXISTS
     (SELECT 1 FROM message m WHERE m.account = ?1 AND m.mailbox = ?2 AND m.uid = seen_by.uid)`,
    account.row.slot,
    mailbox.key,
    first,
    last,
  )
}
