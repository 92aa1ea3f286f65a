/** Bringing deleted mail back (design §4 "Gone mail"). @module */
import { done, type Result, refused } from '#lib/result.ts'
import type { MailboxKey, Modseq, Uid } from '#mail/ids.ts'
import { uidSetOf } from '#mail/uid-set.ts'
import { DELETED, SEEN } from '#store/flags.ts'
import { MAX_MAILBOXES } from '#store/limits.ts'
import { canonicalMailboxName, mailboxNameFault, superiorNames } from '#store/mailbox-name.ts'
import type { UndeleteRequest, Writes } from '#store/writes.ts'
import type { LoadedAccount } from '../ledger.ts'
import { ONLY_HERE, RESTORED } from '../schema/deleted.ts'
import type { MailboxRow } from '../schema/mailbox.ts'
import { announce, type Transaction } from '../transaction.ts'
import { record } from './record.ts'
import { quotaBroken, uidsExhausted } from './store-message.ts'

type Answer = Result<Writes['undelete']['value'], Writes['undelete']['refusal']>

/** A row of `deleted` that may come back. */
interface Returning {
  readonly uid: number
  readonly email: number
  readonly emailRow: number | null
  readonly flags: number
  readonly size: number
  /** It counts in the quota of deleted mail. */
  readonly onlyHere: boolean
}

/** All of them or none. */
export function undelete(tx: Transaction, request: UndeleteRequest): Answer {
  const account = tx.ledger.load(request.account.id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  const place = whereTo(tx, account, request)
  if (!place.ok) return place
  const { existing, name, gone } = place.value
  const { returning, kept } = returningOf(tx, account, request, existing)
  const octets = returning.reduce((sum, { size }) => sum + size, 0)
  const broken = quotaBroken(account, octets, returning.length)
  if (broken !== undefined) return refused(broken)
  if (existing !== undefined && uidsExhausted(existing, returning.length)) return refused({ kind: 'uids-exhausted' })
  const makes = existing === undefined && (returning.length > 0 || request.uids.length === 0)
  const missing = makes ? superiorNames(name).filter((each) => !account.byName.has(each)) : []
  if (makes && account.mailboxes.size + missing.length + 1 > MAX_MAILBOXES)
    return refused({ kind: 'too-many-mailboxes', limit: MAX_MAILBOXES })

  if (makes || returning.length > 0) tx.ledger.bump(account, ...(existing === undefined ? [] : [existing]))
  for (const superior of missing) tx.ledger.addMailbox(account, superior, undefined, tx.now)
  const target = makes ? tx.ledger.addMailbox(account, name, freeUse(account, gone?.specialUse), tx.now) : existing
  if (gone !== undefined && target !== undefined) {
    tx.sql.run(
      'UPDATE gone_mailbox SET restored_as = ? WHERE account = ? AND key = ?',
      target.key,
      account.row.slot,
      request.mailbox,
    )
  }
  if (makes) announce(tx, account, undefined, request.by)
  const from = uidSetOf(returning.map(({ uid }) => uid))
  const first = target?.uidNext ?? 1
  if (target !== undefined && returning.length > 0) {
    bringBack(tx, account, request.mailbox, returning, target)
    const to = { mailbox: target.key, first }
    record(tx, request.by, 'restored', { account, mailbox: { key: request.mailbox } }, from, { to })
    announce(tx, account, target, request.by)
  }
  return done({
    modseq: account.row.modseq as Modseq,
    mailbox: target?.key as MailboxKey | undefined,
    name: target?.name ?? name,
    made: makes,
    from,
    to: returning.length === 0 ? [] : [[first as Uid, (first + returning.length - 1) as Uid]],
    kept,
  })
}

interface Whereto {
  readonly existing: MailboxRow | undefined
  /** Of the mailbox to be made, where there is none. */
  readonly name: string
  /** The mailbox that comes back with its messages. */
  readonly gone: { readonly specialUse: string | undefined } | undefined
}

function whereTo(
  tx: Transaction,
  account: LoadedAccount,
  { into, mailbox }: UndeleteRequest,
): Result<Whereto, Extract<Writes['undelete']['refusal'], { readonly kind: 'no-such-mailbox' | 'bad-name' }>> {
  if (into !== undefined) {
    const name = canonicalMailboxName(into)
    const why = mailboxNameFault(name)
    if (why !== undefined) return refused({ kind: 'bad-name', why })
    return done({ existing: account.byName.get(name), name, gone: undefined })
  }
  const still = account.mailboxes.get(mailbox)
  if (still !== undefined) return done({ existing: still, name: still.name, gone: undefined })
  const row = tx.sql.get(
    'SELECT name, special_use, restored_as FROM gone_mailbox WHERE account = ? AND key = ?',
    account.row.slot,
    mailbox,
  ) as readonly [string, string | null, number | null] | undefined
  if (row === undefined) return refused({ kind: 'no-such-mailbox' })
  const [name, specialUse, restoredAs] = row
  const existing = (restoredAs === null ? undefined : account.mailboxes.get(restoredAs)) ?? account.byName.get(name)
  return done({ existing, name, gone: { specialUse: specialUse ?? undefined } })
}

/** A special use that no mailbox has taken meanwhile. */
function freeUse(account: LoadedAccount, use: string | undefined): string | undefined {
  const taken = [...account.mailboxes.values()].some(({ specialUse }) => specialUse === use)
  return taken ? undefined : use
}

function returningOf(
  tx: Transaction,
  account: LoadedAccount,
  { mailbox, uids, copies }: UndeleteRequest,
  target: MailboxRow | undefined,
): { readonly returning: readonly Returning[]; readonly kept: Writes['undelete']['value']['kept'] } {
  const { slot } = account.row
  const returning: Returning[] = []
  const kept: number[] = []
  for (const [first, last] of uids) {
    const rows = tx.sql.all(
      `SELECT uid, email, email_row, flags, size, moved, EXISTS (SELECT 1 FROM message m WHERE m.account = d.account
       AND m.email = d.email AND m.mailbox NOT IN (d.mailbox, ?)) FROM deleted d WHERE account = ? AND mailbox = ? AND uid BETWEEN ? AND ? AND moved <> ?
       ORDER BY uid`,
      target?.key ?? mailbox,
      slot,
      mailbox,
      first,
      last,
      RESTORED,
    ) as readonly (readonly [number, number, number | null, number, number, number, number])[]
    for (const [uid, email, emailRow, flags, size, moved, lives] of rows) {
      if (!copies && lives === 1) kept.push(uid)
      else returning.push({ uid, email, emailRow, flags, size, onlyHere: moved === ONLY_HERE })
    }
  }
  return { returning, kept: uidSetOf(kept) }
}

function bringBack(
  tx: Transaction,
  account: LoadedAccount,
  from: number,
  returning: readonly Returning[],
  target: MailboxRow,
): void {
  const { row } = account
  for (const { uid, email, emailRow, flags, size, onlyHere } of returning) {
    const kept = (flags & ~DELETED) >>> 0
    tx.sql.run(
      `INSERT INTO message (account, mailbox, uid, modseq, flags, saved_at, email, size, uidl, email_row)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)`,
      row.slot,
      target.key,
      target.uidNext,
      row.modseq,
      kept,
      tx.now,
      email,
      size,
      emailRow,
    )
    tx.sql.run(
      'UPDATE deleted SET moved = ? WHERE account = ? AND mailbox = ? AND uid = ?',
      RESTORED,
      row.slot,
      from,
      uid,
    )
    tx.ledger.noteMessages(account, target, target.uidNext)
    target.uidNext += 1
    target.messages += 1
    target.size += size
    if ((kept & SEEN) === 0) target.unseen += 1
    row.usedBytes += size
    row.usedMessages += 1
    if (onlyHere) row.goneMore -= size
  }
}
