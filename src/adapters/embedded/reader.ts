/** Reads of one shard in one thread, each synchronous and short, on a read-only connection. @module */
import type { AccountId, EmailKey, MailboxKey, Modseq } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import { type AclEntry, identifiersOf, rightsOf } from '#store/acl.ts'
import type { ColumnSlice, NumberColumn, TextColumn } from '#store/columns.ts'
import type { DeletedCursor, DeletedMessage, EmailPlace, GoneMailbox, MessageEvent } from '#store/gone.ts'
import { canonicalMailboxName, compareMailboxNames } from '#store/mailbox-name.ts'
import {
  type AccountState,
  type ChangesCursor,
  type EmailFields,
  type EmailRow,
  type MailboxChanges,
  type MailboxInfo,
  type MaildropPage,
  type MessagePage,
  type MetadataEntry,
  type SharedMailbox,
} from '#store/types.ts'
import { changesOf } from './change-reads.ts'
import { columnsOf } from './column-reads.ts'
import { emailsOf } from './email-reads.ts'
import {
  deletedMail,
  emailsByMessageId,
  eventsAfter,
  goneMailboxes,
  newestByMessageId,
  placesOf,
} from './gone-reads.ts'
import { guestMessages } from './guest-reads.ts'
import type { ShardPaths } from './layout.ts'
import { ascending, LISTS, NO_PAGE, numbersOf, pageOf, pageOfLists } from './message-page.ts'
import { MAILBOX_COLUMNS, mailboxRow } from './schema/mailbox.ts'
import { type Row, Sql } from './sql.ts'
import { mailboxInfo } from './transaction.ts'

const MAILDROP = 5_000
/** No account has it. */
const NO_SLOT = -1

/** See the module. */
export class ShardReader {
  readonly sql: Sql

  constructor(paths: ShardPaths) {
    this.sql = new Sql(paths.database, { readOnly: true, timeoutMs: 10_000 })
    this.sql.db.exec('PRAGMA cache_size = -8000')
  }

  #slot(account: AccountId): number | undefined {
    return this.sql.get('SELECT slot FROM account WHERE id = ?', account)?.[0] as number | undefined
  }

  state(account: AccountId): AccountState | undefined {
    const row = this.sql.get(
      `SELECT modseq, limit_bytes, limit_messages, used_bytes, used_messages,
       (SELECT count(*) FROM mailbox WHERE mailbox.account = slot), next_email - 1 FROM account WHERE id = ?`,
      account,
    )
    if (row === undefined) return undefined
    return {
      modseq: row[0] as Modseq,
      limits: {
        storageBytes: (row[1] as number | null) ?? undefined,
        messages: (row[2] as number | null) ?? undefined,
      },
      usage: { storageBytes: row[3] as number, messages: row[4] as number, mailboxes: row[5] as number },
      lastEmail: row[6] as EmailKey | 0,
    }
  }

  mailboxes(account: AccountId): readonly MailboxInfo[] {
    const rows = this.sql.all(
      `SELECT ${MAILBOX_COLUMNS} FROM mailbox WHERE account = (SELECT slot FROM account WHERE id = ?)`,
      account,
    )
    return rows.map((row) => mailboxInfo(mailboxRow(row))).sort((a, b) => compareMailboxNames(a.name, b.name))
  }

  mailbox(account: AccountId, key: MailboxKey): MailboxInfo | undefined {
    const row = this.sql.get(
      `SELECT ${MAILBOX_COLUMNS} FROM mailbox WHERE account = (SELECT slot FROM account WHERE id = ?) AND key = ?`,
      account,
      key,
    )
    return row === undefined ? undefined : mailboxInfo(mailboxRow(row))
  }

  mailboxByName(account: AccountId, name: string): MailboxInfo | undefined {
    const row = this.sql.get(
      `SELECT ${MAILBOX_COLUMNS} FROM mailbox WHERE account = (SELECT slot FROM account WHERE id = ?) AND name = ?`,
      account,
      canonicalMailboxName(name),
    )
    return row === undefined ? undefined : mailboxInfo(mailboxRow(row))
  }

  subscriptions(account: AccountId): readonly string[] {
    const rows = this.sql.all(
      'SELECT name FROM subscription WHERE account = (SELECT slot FROM account WHERE id = ?)',
      account,
    )
    return rows.map(([name]) => name as string).sort(compareMailboxNames)
  }

  keywordSets(account: AccountId, first: number): readonly (readonly string[])[] {
    const slot = this.#slot(account)
    if (slot === undefined) return []
    const rows = this.sql.all('SELECT keywords FROM keyword_set WHERE account = ? AND id >= ? ORDER BY id', slot, first)
    const sets = rows.map(([keywords]) => JSON.parse(keywords as string) as readonly string[])
    return first <= 0 ? [[], ...sets] : sets
  }

  acl(account: AccountId, mailbox: MailboxKey): readonly AclEntry[] {
    const rows = this.sql.all(
      `SELECT identifier, rights FROM acl
       WHERE account = (SELECT slot FROM account WHERE id = ?) AND mailbox = ? ORDER BY identifier`,
      account,
      mailbox,
    )
    return rows.map(([identifier, rights]) => ({ identifier: identifier as string, rights: rights as string }))
  }

  sharedWith(address: string, shard: number, limit: number): SharedMailbox[] {
    const [own, all, ownNot, allNot] = identifiersOf(address)
    // What is withdrawn is read for what was granted alone: nobody can fill the list with what they keep others from.
    const read = (identifier: string): readonly Row[] =>
      this.sql.all(
        `SELECT a.id, m.key, m.name, l.rights,
           (SELECT rights FROM acl n WHERE n.account = l.account AND n.mailbox = l.mailbox AND n.identifier = ?1),
           (SELECT rights FROM acl n WHERE n.account = l.account AND n.mailbox = l.mailbox AND n.identifier = ?2)
         FROM acl l
         JOIN account a ON a.slot = l.account AND a.id IS NOT NULL
         JOIN mailbox m ON m.account = l.account AND m.key = l.mailbox
         WHERE l.identifier = ?3 LIMIT +?4`,
        ownNot,
        allNot,
        identifier,
        limit,
      )
    const boxes = new Map<string, { readonly place: Omit<SharedMailbox, 'rights'>; readonly entries: AclEntry[] }>()
    for (const granted of [own, all])
      for (const [id, key, name, rights, notOwn, notAll] of read(granted) as readonly (readonly [
        AccountId,
        MailboxKey,
        string,
        string,
        string | null,
        string | null,
      ])[]) {
        const at = `${id}/${key}`
        const box = boxes.get(at) ?? { place: { account: { id, shard }, mailbox: key, name }, entries: [] }
        box.entries.push({ identifier: granted, rights })
        if (notOwn !== null) box.entries.push({ identifier: ownNot, rights: notOwn })
        if (notAll !== null) box.entries.push({ identifier: allNot, rights: notAll })
        boxes.set(at, box)
      }
    return [...boxes.values()]
      .map(({ place, entries }) => ({ ...place, rights: rightsOf(entries, address) }))
      .filter(({ rights }) => rights !== '')
  }

  metadata(account: AccountId, mailbox: MailboxKey | undefined, user: AccountId): readonly MetadataEntry[] {
    const rows = this.sql.all(
      `SELECT name, value FROM metadata
       WHERE account = (SELECT slot FROM account WHERE id = ?) AND mailbox = ? AND user IN (0, ?) ORDER BY name`,
      account,
      mailbox ?? 0,
      user,
    )
    return rows.map(([name, value]) => ({ name: name as string, value: value as Uint8Array }))
  }

  deleted(
    account: AccountId,
    since: number,
    after: DeletedCursor | undefined,
    limit: number,
  ): readonly DeletedMessage[] {
    const slot = this.#slot(account)
    return slot === undefined ? [] : deletedMail(this.sql, slot, since, after, limit)
  }

  goneMailboxes(account: AccountId): readonly GoneMailbox[] {
    const slot = this.#slot(account)
    return slot === undefined ? [] : goneMailboxes(this.sql, slot)
  }

  places(account: AccountId, email: EmailKey): readonly EmailPlace[] {
    const slot = this.#slot(account)
    return slot === undefined ? [] : placesOf(this.sql, slot, email)
  }

  emailsByMessageId(account: AccountId, messageId: string, newest: number | undefined): readonly EmailKey[] {
    const slot = this.#slot(account)
    if (slot === undefined) return []
    return newest === undefined
      ? emailsByMessageId(this.sql, slot, messageId)
      : newestByMessageId(this.sql, slot, messageId, newest)
  }

  events(account: AccountId, after: number, limit: number): readonly MessageEvent[] {
    const slot = this.#slot(account)
    return slot === undefined ? [] : eventsAfter(this.sql, slot, after, limit)
  }

  unseen(account: AccountId, mailbox: MailboxKey, guest: AccountId): number {
    const row = this.sql.get(
      `SELECT m.messages - (SELECT count(*) FROM seen_by s
       WHERE s.account = m.account AND s.mailbox = m.key AND s.user = ? AND s.seen = 1)
       FROM mailbox m WHERE m.account = (SELECT slot FROM account WHERE id = ?) AND m.key = ?`,
      guest,
      account,
      mailbox,
    )
    return (row?.[0] as number | undefined) ?? 0
  }

  messages(
    account: AccountId,
    mailbox: MailboxKey,
    after: number,
    limit: number,
    guest: AccountId | undefined,
  ): MessagePage {
    // asked all the same for an account that is not there, so that a warm-up has the statement prepared
    const slot = this.#slot(account) ?? NO_SLOT
    if (guest !== undefined) return pageOf(guestMessages(this.sql, slot, mailbox, guest, after, limit))
    const lists = this.sql.get(
      `SELECT ${LISTS}
       FROM (SELECT uid, flags, modseq FROM message WHERE account = ? AND mailbox = ? AND uid > ? ORDER BY uid LIMIT +?)`,
      slot,
      mailbox,
      after,
      limit,
    )
    return lists === undefined ? NO_PAGE : pageOfLists(lists)
  }

  changes(
    account: AccountId,
    mailbox: MailboxKey,
    since: number,
    cursor: ChangesCursor | undefined,
    guest: AccountId | undefined,
  ): MailboxChanges {
    return this.sql.snapshot(() => changesOf(this.sql, account, mailbox, since, cursor, guest))
  }

  maildrop(account: AccountId, mailbox: MailboxKey, after: number): MaildropPage | undefined {
    const slot = this.#slot(account)
    if (slot === undefined) return undefined
    const row = this.sql.get(
      `SELECT '[' || group_concat(uid) || ']', '[' || group_concat(size) || ']',
       '[' || group_concat(coalesce(downloaded_at, 0)) || ']', count(uidl) > 0
       FROM (SELECT uid, size, downloaded_at, uidl FROM message WHERE account = ? AND mailbox = ? AND uid > ?
       ORDER BY uid LIMIT +?)`,
      slot,
      mailbox,
      after,
      MAILDROP,
    ) as readonly [...(string | null)[], number]
    const [uids = [], sizes = [], downloaded = []] = row.slice(0, 3).map(numbersOf)
    const last = uids.at(-1)
    if (last === undefined) return undefined
    const page = {
      uids: Uint32Array.from(uids),
      sizes: Float64Array.from(sizes),
      uidls: Array.from<string | undefined>({ length: uids.length }),
      downloaded: Float64Array.from(downloaded),
    }
    ascending(page.uids)
    // Few maildrops have any: those of mail that came from another server.
    if (row.at(-1) === 1) {
      const named = this.sql.all(
        'SELECT uid, uidl FROM message WHERE account = ? AND mailbox = ? AND uid > ? AND uid <= ? AND uidl IS NOT NULL',
        slot,
        mailbox,
        after,
        last,
      )
      const own = new Map(named as readonly (readonly [number, string])[])
      for (const [index, uid] of page.uids.entries()) page.uidls[index] = own.get(uid)
    }
    return page
  }

  /** Up to `limit` messages of a range of UIDs, expunged ones among them. */
  emails(
    account: AccountId,
    mailbox: MailboxKey,
    range: UidSet[number],
    fields: EmailFields,
    limit: number,
  ): { readonly rows: readonly EmailRow[]; readonly next: number } {
    const slot = this.#slot(account)
    if (slot === undefined) return { rows: [], next: range[1] + 1 }
    return emailsOf({ sql: this.sql, slot, mailbox, fields }, range, limit)
  }

  /** The same in columns. */
  columns(
    account: AccountId,
    mailbox: MailboxKey,
    range: UidSet[number],
    numbers: readonly NumberColumn[],
    texts: readonly TextColumn[],
    limit: number,
  ): { readonly slice: ColumnSlice | undefined; readonly next: number } {
    const slot = this.#slot(account)
    if (slot === undefined) return { slice: undefined, next: range[1] + 1 }
    return columnsOf({ sql: this.sql, slot, mailbox, numbers, texts }, range, limit)
  }

  close(): void {
    this.sql.close()
  }
}
