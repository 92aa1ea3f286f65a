/** An account coming back, out of sight until it is whole. @module */
import { done, type Result, refused } from '#lib/result.ts'
import type { AccountId, MailboxKey, Modseq } from '#mail/ids.ts'
import type { RestoredEmail } from '#store/image.ts'
import type { Asked, WriteKind, Writes } from '#store/writes.ts'
import { insertEvent } from '../pending-event.ts'
import { EMAIL_SPAN, LARGEST_SLOT } from '../schema/account.ts'
import { COMING, FROZEN, HELD } from '../schema/arriving.ts'
import type { Transaction } from '../transaction.ts'
import { reconcile, restoreTree } from './restore-tree.ts'
import { insertEmail } from './store-message.ts'
import { rememberReferences } from './threads.ts'

type Answer<K extends WriteKind> = Result<Writes[K]['value'], Writes[K]['refusal']>

const BEGUN = { modseq: 0 as Modseq }

/** An account that comes in. */
interface Arriving {
  readonly slot: number
  readonly held: boolean
}

function arriving(tx: Transaction, id: number): Arriving | undefined {
  const row = tx.sql.get('SELECT slot, held FROM arriving WHERE id = ? AND held <> ?', id, FROZEN)
  return row === undefined ? undefined : { slot: row[0] as number, held: row[1] === HELD }
}

/** Takes no writes to the account any more, or takes them again. */
export function freeze(tx: Transaction, { account, frozen }: Writes['freeze']['request']): Answer<'freeze'> {
  const known = tx.ledger.load(account.id)
  if (known === undefined) return refused({ kind: 'no-such-account' })
  tx.sql.run('DELETE FROM arriving WHERE id = ?', account.id)
  if (frozen) tx.sql.run('INSERT INTO arriving (slot, id, held) VALUES (?, ?, ?)', known.row.slot, account.id, FROZEN)
  known.frozen = frozen
  return done({ modseq: known.row.modseq as Modseq })
}

/** Makes room for the account; what was begun before goes with the upkeep. */
export function beginRestore(tx: Transaction, { account }: Asked): Answer<'beginRestore'> {
  tx.sql.run('DELETE FROM arriving WHERE id = ?', account.id)
  const slot = tx.sql.number('SELECT coalesce(max(slot), 0) + 1 FROM account')
  if (slot > LARGEST_SLOT) throw new Error('This shard has no slot left for another account')
  tx.sql.run(
    `INSERT INTO account (slot, id, modseq, next_mailbox, next_email, next_thread, last_uidvalidity, used_bytes,
     used_messages, created_at) VALUES (?, NULL, 0, 1, 1, 1, 0, 0, 0, ?)`,
    slot,
    tx.now,
  )
  tx.sql.run('INSERT INTO arriving (slot, id, held) VALUES (?, ?, ?)', slot, account.id, COMING)
  return done(BEGUN)
}

/** Takes emails with their bodies. */
export function restoreEmails(
  tx: Transaction,
  { account, emails }: Writes['restoreEmails']['request'],
): Answer<'restoreEmails'> {
  const to = arriving(tx, account.id)
  if (to === undefined || to.held) return refused({ kind: 'no-such-restore' })
  for (const email of emails) restoreEmail(tx, account.id, to.slot, email)
  return done(BEGUN)
}

function restoreEmail(tx: Transaction, id: AccountId, slot: number, restored: RestoredEmail): void {
  const { key, thread, trace, email, at } = restored
  const place = tx.bodies.put(restored.body)
  const arrival = tx.bodies.arrive(
    {
      account: id,
      slot,
      mailbox: at.mailbox,
      mailboxName: at.mailboxName,
      uid: at.uid,
      email: key,
      internalDate: restored.internalDate,
      internalZone: restored.internalZone,
      system: at.flags.system,
      keywords: at.flags.keywords,
      segment: place.segment,
      position: place.position,
      length: place.length,
    },
    trace,
  )
  // An account that comes whole lies together.
  const rows = { id: slot * EMAIL_SPAN + key, slot: undefined, key: undefined }
  insertEmail(tx, rows, thread, { ...restored, place }, arrival)
  rememberReferences(tx, slot, thread, email)
}

/** Takes messages and deleted mail. */
export function restoreMessages(
  tx: Transaction,
  { account, rows: { messages, deleted, events } }: Writes['restoreMessages']['request'],
): Answer<'restoreMessages'> {
  const to = arriving(tx, account.id)
  if (to === undefined || to.held) return refused({ kind: 'no-such-restore' })
  const { slot } = to
  for (const [index, uid] of messages.uids.entries())
    tx.sql.run(
      `INSERT INTO message (account, mailbox, uid, modseq, flags, saved_at, email, size, uidl, downloaded_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)`,
      slot,
      messages.mailboxes[index] ?? 0,
      uid,
      messages.modseqs[index] ?? 0,
      messages.flags[index] ?? 0,
      messages.savedAt[index] ?? 0,
      messages.emails[index] ?? 0,
      messages.uidls[index] ?? null,
      // 0 is never, and so is NULL
      messages.downloaded[index] === 0 ? null : (messages.downloaded[index] ?? null),
    )
  for (const [index, uid] of deleted.uids.entries())
    tx.sql.run(
      `INSERT INTO deleted (account, mailbox, uid, email, flags, modseq, saved_at, deleted_at, moved, cause)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      slot,
      deleted.mailboxes[index] ?? 0,
      uid,
      deleted.emails[index] ?? 0,
      deleted.flags[index] ?? 0,
      deleted.modseqs[index] ?? 0,
      deleted.savedAt[index] ?? 0,
      deleted.deletedAt[index] ?? 0,
      deleted.moved[index] ?? 0,
      deleted.causes[index] ?? 0,
    )
  for (const event of events) insertEvent(tx.sql, slot, event)
  return done(BEGUN)
}

/** Puts the rest in place and shows the account, or keeps it on hold. */
export function endRestore(tx: Transaction, request: Writes['endRestore']['request']): Answer<'endRestore'> {
  const { account, image, how } = request
  const to = arriving(tx, account.id)
  if (to === undefined || to.held) return refused({ kind: 'no-such-restore' })
  const old = tx.ledger.load(account.id)
  if (old !== undefined && how === 'new') return refused({ kind: 'account-exists' })
  // What the ledger remembers of the one that goes is on disk before its rows are read.
  tx.ledger.flush()
  restoreTree(tx, to.slot, old !== undefined && how === 'replace' ? reconcile(tx, old, to.slot, image) : image)
  if (how === 'hold') {
    tx.sql.run('UPDATE arriving SET held = ? WHERE slot = ?', HELD, to.slot)
    return done({ modseq: image.modseq })
  }
  return done({ modseq: show(tx, account.id, to.slot, request.by) })
}

/** Shows or drops an account on hold. */
export function settleRestore(tx: Transaction, request: Writes['settleRestore']['request']): Answer<'settleRestore'> {
  const { account, keep, by } = request
  const held = arriving(tx, account.id)
  if (held?.held !== true) return refused({ kind: 'no-such-restore' })
  if (keep) {
    if (tx.ledger.load(account.id) !== undefined) return refused({ kind: 'account-exists' })
    return done({ modseq: show(tx, account.id, held.slot, by) })
  }
  tx.sql.run('DELETE FROM arriving WHERE slot = ?', held.slot)
  return done(BEGUN)
}

/** Gives the account its id, which takes it from the one that had it. */
function show(tx: Transaction, id: AccountId, slot: number, by: string): Modseq {
  const old = tx.ledger.load(id)
  if (old !== undefined) {
    tx.sql.run('UPDATE account SET id = NULL WHERE slot = ?', old.row.slot)
    tx.ledger.drop(old)
  }
  tx.sql.run('UPDATE account SET id = ? WHERE slot = ?', id, slot)
  tx.sql.run('DELETE FROM arriving WHERE slot = ?', slot)
  const modseq = tx.sql.number('SELECT modseq FROM account WHERE slot = ?', slot) as Modseq
  tx.changes.push({ account: id, mailbox: undefined, modseq, kind: 'mailboxes', by })
  for (const [mailbox] of tx.sql.all('SELECT key FROM mailbox WHERE account = ?', slot))
    tx.changes.push({ account: id, mailbox: mailbox as MailboxKey, modseq, kind: 'messages', by })
  return modseq
}
