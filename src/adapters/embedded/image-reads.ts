/** Reading a whole account, for backups and moves. @module */
import type { AccountId, EmailKey, MailboxKey, Modseq, ThreadKey, Uid } from '#mail/ids.ts'
import type { AccountImage, EmailImage, MailboxImage, MetadataImage, SeenImage, TombstoneImage } from '#store/image.ts'
import { compareMailboxNames } from '#store/mailbox-name.ts'
import { placeOf } from './email-reads.ts'
import { eventsAfter, goneMailboxes } from './gone-reads.ts'
import { NEXT_EMAILS } from './schema/email-rows.ts'
import { MAILBOX_COLUMNS, mailboxRow } from './schema/mailbox.ts'
import type { Row, Sql } from './sql.ts'
import { mailboxInfo } from './transaction.ts'

/** All of the account but its emails, in one snapshot. */
export function accountImage(sql: Sql, id: AccountId): AccountImage | undefined {
  return sql.snapshot(() => {
    const row = sql.get(
      `SELECT slot, modseq, next_mailbox, next_email, next_thread, last_uidvalidity, limit_bytes, limit_messages,
       retention_days, created_at, gone_limit_bytes FROM account WHERE id = ?`,
      id,
    )
    return row === undefined ? undefined : imageOf(sql, row)
  })
}

function imageOf(sql: Sql, row: Row): AccountImage {
  const slot = row[0] as number
  const metadata = metadataBy(sql, slot)
  return {
    createdAt: row[9] as number,
    modseq: row[1] as Modseq,
    limits: { storageBytes: (row[6] as number | null) ?? undefined, messages: (row[7] as number | null) ?? undefined },
    retentionDays: (row[8] as number | null) ?? undefined,
    goneLimitBytes: (row[10] as number | null) ?? undefined,
    next: { mailbox: row[2] as number, email: row[3] as number, thread: row[4] as number },
    lastUidValidity: row[5] as number,
    mailboxes: mailboxes(sql, slot, metadata),
    goneMailboxes: [...goneMailboxes(sql, slot)].sort((a, b) => a.key - b.key),
    formerNames: sql
      .all('SELECT name, mailbox, uidvalidity FROM former_name WHERE account = ? ORDER BY name', slot)
      .map(([name, mailbox, uidValidity]) => ({
        name: name as string,
        mailbox: mailbox as MailboxKey,
        uidValidity: uidValidity as number,
      })),
    subscriptions: sql
      .all('SELECT name FROM subscription WHERE account = ? ORDER BY name', slot)
      .map(([name]) => name as string),
    metadata: metadata.get(0) ?? [],
    keywordSets: sql
      .all('SELECT keywords FROM keyword_set WHERE account = ? ORDER BY id', slot)
      .map(([keywords]) => JSON.parse(keywords as string) as readonly string[]),
    tombstones: sql
      .all('SELECT mailbox, modseq, first, last FROM tombstone WHERE account = ? ORDER BY mailbox, modseq, first', slot)
      .map(
        ([mailbox, modseq, first, last]): TombstoneImage => ({
          mailbox: mailbox as MailboxKey,
          modseq: modseq as Modseq,
          first: first as Uid,
          last: last as Uid,
        }),
      ),
    seen: sql
      .all('SELECT mailbox, user, uid, modseq, seen FROM seen_by WHERE account = ? ORDER BY mailbox, user, uid', slot)
      .map(
        ([mailbox, user, uid, modseq, seen]): SeenImage => ({
          mailbox: mailbox as MailboxKey,
          user: user as AccountId,
          uid: uid as Uid,
          modseq: modseq as Modseq,
          seen: seen === 1,
        }),
      ),
    messages: columnsOf(
      ['mailboxes', 'uids', 'modseqs', 'flags', 'savedAt', 'emails', 'uidls', 'downloaded'],
      sql.all(
        `SELECT mailbox, uid, modseq, flags, saved_at, email, uidl, coalesce(downloaded_at, 0) FROM message
         WHERE account = ? ORDER BY mailbox, uid`,
        slot,
      ),
    ) as AccountImage['messages'],
    deleted: columnsOf(
      ['mailboxes', 'uids', 'modseqs', 'flags', 'savedAt', 'emails', 'deletedAt', 'moved', 'causes'],
      sql.all(
        `SELECT mailbox, uid, modseq, flags, saved_at, email, deleted_at, moved, cause FROM deleted
         WHERE account = ? ORDER BY mailbox, uid`,
        slot,
      ),
    ) as AccountImage['deleted'],
    events: eventsAfter(sql, slot, 0, Number.MAX_SAFE_INTEGER),
  }
}

/** Rows as columns, by their names in the order of the query. */
function columnsOf(names: readonly string[], rows: readonly Row[]): unknown {
  return Object.fromEntries(names.map((name, index) => [name, rows.map((row) => row[index])]))
}

function metadataBy(sql: Sql, slot: number): ReadonlyMap<number, readonly MetadataImage[]> {
  const found = new Map<number, MetadataImage[]>()
  const rows = sql.all('SELECT mailbox, user, name, value FROM metadata WHERE account = ? ORDER BY user, name', slot)
  for (const [mailbox, user, name, value] of rows) {
    const entries = found.get(mailbox as number) ?? []
    entries.push({ user: user as AccountId | 0, name: name as string, value: value as Uint8Array })
    found.set(mailbox as number, entries)
  }
  return found
}

function mailboxes(
  sql: Sql,
  slot: number,
  metadata: ReadonlyMap<number, readonly MetadataImage[]>,
): readonly MailboxImage[] {
  const rows = sql.all(`SELECT ${MAILBOX_COLUMNS} FROM mailbox WHERE account = ?`, slot)
  return rows
    .map((values) => mailboxInfo(mailboxRow(values)))
    .sort((a, b) => compareMailboxNames(a.name, b.name))
    .map(({ key, name, uidValidity, uidNext, highestModseq, vanishedFloor, specialUse, createdAt }) => ({
      key,
      name,
      uidValidity,
      uidNext,
      highestModseq,
      vanishedFloor,
      specialUse,
      createdAt,
      acl: sql
        .all('SELECT identifier, rights FROM acl WHERE account = ? AND mailbox = ? ORDER BY identifier', slot, key)
        .map(([identifier, rights]) => ({ identifier: identifier as string, rights: rights as string })),
      metadata: metadata.get(key) ?? [],
    }))
}

/** One slice of the account's emails. */
export function imageEmails(sql: Sql, id: AccountId, after: number, limit: number): readonly EmailImage[] {
  const slot = sql.get('SELECT slot FROM account WHERE id = ?', id)?.[0] as number | undefined
  if (slot === undefined) return []
  const rows = sql.all(
    `SELECT n.email, e.thread, e.internal_date, e.internal_zone, e.trace, e.segment, e.position, e.length
     FROM ${NEXT_EMAILS} n JOIN email e ON e.id = n.id ORDER BY n.email`,
    slot,
    after,
    limit,
  )
  return rows.map((row) => ({
    key: row[0] as EmailKey,
    thread: row[1] as ThreadKey,
    internalDate: row[2] as number,
    internalZone: row[3] as number,
    trace: row[4] as Uint8Array,
    place: placeOf(row[5] as number, row[6] as number, row[7] as number),
  }))
}
