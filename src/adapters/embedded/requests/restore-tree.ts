/** The rows of a restored account beside its emails and messages, and how they fit what clients know already. @module */
import type { Modseq, Uid } from '#mail/ids.ts'
import type { MailboxImage } from '#store/image.ts'
import type { EndRestoreRequest } from '#store/writes.ts'
import { COUNTED, GONE_BYTES } from '../check-account.ts'
import type { LoadedAccount } from '../ledger.ts'
import { EMAIL_SPAN } from '../schema/account.ts'
import { rebuildSpans } from '../schema/modseq-span.ts'
import type { Transaction } from '../transaction.ts'
import { dropEmail } from './drop-email.ts'

type Image = EndRestoreRequest['image']

/** Emails that went while the account was read. */
const UNUSED_EMAILS = `SELECT e.id FROM email e WHERE e.id >= ?1 AND e.id < ?1 + ${EMAIL_SPAN}
  AND NOT EXISTS (SELECT 1 FROM message m WHERE m.account = ?2 AND m.email = e.id - ?1)
  AND NOT EXISTS (SELECT 1 FROM deleted d WHERE d.account = ?2 AND d.email = e.id - ?1)`

/** Writes them, and counts what the messages and emails that have come make of it. */
export function restoreTree(tx: Transaction, slot: number, image: Image): void {
  const { sql } = tx
  const base = slot * EMAIL_SPAN
  // Emails whose bytes were lost have not come: nothing may name them.
  for (const table of ['message', 'deleted'])
    sql.run(
      `DELETE FROM ${table} WHERE account = ? AND NOT EXISTS (SELECT 1 FROM email e WHERE e.id = ${table}.email_id)`,
      slot,
    )
  for (const [id] of sql.all(UNUSED_EMAILS, base, slot)) dropEmail(tx, id as number)
  sql.run(
    'UPDATE message SET size = (SELECT e.size FROM email e WHERE e.id = message.email_id) WHERE account = ?',
    slot,
  )
  for (const [index, keywords] of image.keywordSets.entries())
    sql.run(
      'INSERT INTO keyword_set (account, id, keywords) VALUES (?, ?, ?)',
      slot,
      index + 1,
      JSON.stringify(keywords),
    )
  sql.run(
    'UPDATE deleted SET size = (SELECT e.size FROM email e WHERE e.id = deleted.email_id) WHERE account = ?',
    slot,
  )
  for (const { key, name, specialUse, createdAt, deletedAt, restoredAs } of image.goneMailboxes)
    sql.run(
      `INSERT INTO gone_mailbox (account, key, name, special_use, created_at, deleted_at, restored_as)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      slot,
      key,
      name,
      specialUse ?? null,
      createdAt,
      deletedAt,
      restoredAs ?? null,
    )
  for (const name of image.subscriptions) sql.run('INSERT INTO subscription (account, name) VALUES (?, ?)', slot, name)
  for (const { name, mailbox, uidValidity } of image.formerNames)
    sql.run(
      'INSERT INTO former_name (account, name, mailbox, uidvalidity) VALUES (?, ?, ?, ?)',
      slot,
      name,
      mailbox,
      uidValidity,
    )
  for (const { mailbox, modseq, first, last } of image.tombstones)
    sql.run(
      'INSERT INTO tombstone (account, mailbox, modseq, first, last) VALUES (?, ?, ?, ?, ?)',
      slot,
      mailbox,
      modseq,
      first,
      last,
    )
  for (const { mailbox, user, uid, modseq, seen } of image.seen)
    sql.run(
      `INSERT INTO seen_by (account, mailbox, user, uid, modseq, seen) SELECT ?1, ?2, ?3, ?4, ?5, ?6
       WHERE EXISTS (SELECT 1 FROM message WHERE account = ?1 AND mailbox = ?2 AND uid = ?4)`,
      slot,
      mailbox,
      user,
      uid,
      modseq,
      seen ? 1 : 0,
    )
  rebuildSpans(sql, slot)
  restoreMetadata(tx, slot, 0, image.metadata)
  for (const mailbox of image.mailboxes) restoreMailbox(tx, slot, mailbox)
  for (const row of sql.all(COUNTED, slot) as readonly (readonly number[])[]) {
    const [mailbox = 0, messages = 0, unseen = 0, deleted = 0, size = 0] = row
    sql.run(
      'UPDATE mailbox SET messages = ?, unseen = ?, deleted = ?, size = ? WHERE account = ? AND key = ?',
      messages,
      unseen,
      deleted,
      size,
      slot,
      mailbox,
    )
  }
  sql.run(
    `UPDATE account SET modseq = ?, next_mailbox = ?, next_email = ?, next_thread = ?, last_uidvalidity = ?,
     limit_bytes = ?, limit_messages = ?, retention_days = ?, gone_limit_bytes = ?, created_at = ?,
     gone_bytes = (${GONE_BYTES.replace('?', 'slot')}),
     used_bytes = (SELECT coalesce(sum(size), 0) FROM mailbox WHERE account = slot),
     used_messages = (SELECT coalesce(sum(messages), 0) FROM mailbox WHERE account = slot) WHERE slot = ?`,
    image.modseq,
    image.next.mailbox,
    image.next.email,
    image.next.thread,
    image.lastUidValidity,
    image.limits.storageBytes ?? null,
    image.limits.messages ?? null,
    image.retentionDays ?? null,
    image.goneLimitBytes ?? null,
    image.createdAt,
    slot,
  )
}

function restoreMailbox(tx: Transaction, slot: number, mailbox: MailboxImage): void {
  tx.sql.run(
    `INSERT INTO mailbox (account, key, name, uidvalidity, uidnext, highest_modseq, vanished_floor, messages, unseen,
     deleted, size, tombstones, special_use, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0, 0,
     (SELECT count(*) FROM tombstone WHERE account = ?1 AND mailbox = ?2), ?8, ?9)`,
    slot,
    mailbox.key,
    mailbox.name,
    mailbox.uidValidity,
    mailbox.uidNext,
    mailbox.highestModseq,
    mailbox.vanishedFloor,
    mailbox.specialUse ?? null,
    mailbox.createdAt,
  )
  for (const { identifier, rights } of mailbox.acl)
    tx.sql.run(
      'INSERT INTO acl (account, mailbox, identifier, rights) VALUES (?, ?, ?, ?)',
      slot,
      mailbox.key,
      identifier,
      rights,
    )
  restoreMetadata(tx, slot, mailbox.key, mailbox.metadata)
}

function restoreMetadata(tx: Transaction, slot: number, mailbox: number, entries: Image['metadata']): void {
  for (const { user, name, value } of entries)
    tx.sql.run(
      'INSERT INTO metadata (account, mailbox, user, name, value) VALUES (?, ?, ?, ?, ?)',
      slot,
      mailbox,
      user,
      name,
      value,
    )
}

/**
 * What becomes of an image where clients know the account as it is now: they have seen higher MODSEQs, and UIDs that the
 * image has not given yet. So all that comes back has a MODSEQ above everything, UIDs go on where they are, QRESYNC tells
 * of every UID that is not there (RFC 7162 §5.3), and a mailbox whose numbers could mean something else has a new
 * UIDVALIDITY (RFC 9051 §2.3.1.1).
 */
export function reconcile(tx: Transaction, old: LoadedAccount, slot: number, image: Image): Image {
  const { row } = old
  const same = tx.sql.number('SELECT created_at FROM account WHERE slot = ?', row.slot) === image.createdAt
  const modseq = (Math.max(row.modseq, image.modseq) + 1) as Modseq
  let lastUidValidity = Math.max(row.lastUidValidity, image.lastUidValidity)
  const mailboxes = image.mailboxes.map((mailbox): MailboxImage => {
    const now = same ? old.mailboxes.get(mailbox.key) : undefined
    const known = now?.uidValidity === mailbox.uidValidity
    if (!known) lastUidValidity = Math.max(lastUidValidity + 1, Math.floor(tx.now / 1_000))
    return {
      ...mailbox,
      uidValidity: known ? mailbox.uidValidity : lastUidValidity,
      uidNext: Math.max(mailbox.uidNext, now?.uidNext ?? 1) as Uid,
      highestModseq: modseq,
      vanishedFloor: modseq,
    }
  })
  tx.sql.run('UPDATE message SET modseq = ? WHERE account = ?', modseq, slot)
  tx.sql.run('UPDATE deleted SET modseq = ? WHERE account = ?', modseq, slot)
  return {
    ...image,
    modseq,
    lastUidValidity,
    next: {
      mailbox: Math.max(image.next.mailbox, row.nextMailbox),
      email: Math.max(image.next.email, row.nextEmail),
      thread: Math.max(image.next.thread, row.nextThread),
    },
    mailboxes,
    formerNames: joinedNames(tx, old, image),
    keywordSets: joinedKeywords(tx, old, slot, image),
    tombstones: [],
    seen: image.seen.map((seen) => ({ ...seen, modseq })),
  }
}

/** Names that mailboxes had on either side, and that those have now which go. */
function joinedNames(tx: Transaction, old: LoadedAccount, image: Image): Image['formerNames'] {
  const names = new Map(image.formerNames.map((each) => [each.name, each]))
  const add = (name: string, mailbox: number, uidValidity: number): void => {
    if ((names.get(name)?.uidValidity ?? 0) < uidValidity)
      names.set(name, { name, mailbox: mailbox as MailboxImage['key'], uidValidity })
  }
  const rows = tx.sql.all('SELECT name, mailbox, uidvalidity FROM former_name WHERE account = ?', old.row.slot)
  for (const [name, mailbox, uidValidity] of rows) add(name as string, mailbox as number, uidValidity as number)
  for (const { name, key, uidValidity } of old.mailboxes.values()) add(name, key, uidValidity)
  return [...names.values()]
}

/** Threads remember keyword sets by their number: those that were given stay, others come behind them. */
function joinedKeywords(tx: Transaction, old: LoadedAccount, slot: number, image: Image): Image['keywordSets'] {
  const sets: (readonly string[])[] = []
  const numbers = new Map<string, number>()
  const nameOf = (set: readonly string[]): string => [...set].sort().join(' ')
  const add = (set: readonly string[]): number => {
    const known = numbers.get(nameOf(set))
    if (known !== undefined) return known
    sets.push(set)
    numbers.set(nameOf(set), sets.length)
    return sets.length
  }
  for (const [keywords] of tx.sql.all('SELECT keywords FROM keyword_set WHERE account = ? ORDER BY id', old.row.slot)) {
    const set = JSON.parse(keywords as string) as readonly string[]
    sets.push(set)
    if (!numbers.has(nameOf(set))) numbers.set(nameOf(set), sets.length)
  }
  const moved = image.keywordSets
    .map((set, index) => [index + 1, add(set)] as const)
    .filter(([from, to]) => from !== to)
  // First out of the way, above all that there are, then to their numbers.
  const above = sets.length + image.keywordSets.length + 1
  for (const table of ['message', 'deleted'])
    for (const [step, renumbered] of [
      [0, moved.map(([from]) => [from, above + from] as const)],
      [1, moved.map(([from, to]) => [above + from, to] as const)],
    ] as const)
      for (const [from, to] of renumbered)
        tx.sql.run(
          `UPDATE ${table} SET flags = (flags & 255) | (? << 8) WHERE account = ? AND flags >> 8 = ? AND ? >= 0`,
          to,
          slot,
          from,
          step,
        )
  return sets
}
