/**
 * The writer's memory of accounts: their row, their mailboxes and their keyword sets. As the writer alone changes the
 * shard, what it remembers holds until a transaction fails, when it forgets everything. @module
 */

import { ANYONE } from '#store/acl.ts'
import { superiorNames } from '#store/mailbox-name.ts'
import { KeywordSets } from './keyword-sets.ts'
import { type PendingEvent, writeEvent } from './pending-event.ts'
import { type AccountRow, LARGEST_SLOT } from './schema/account.ts'
import { FROZEN } from './schema/arriving.ts'
import { nextEmailRow } from './schema/email-rows.ts'
import { MAILBOX_COLUMNS, type MailboxRow, mailboxRow } from './schema/mailbox.ts'
import { raiseSpan, spanOf } from './schema/modseq-span.ts'
import type { Sql } from './sql.ts'

/** Above these, accounts that no change waits for are forgotten. */
const MOST_ACCOUNTS = 5_000
const MOST_MAILBOXES = 100_000

/** An account as the open transaction sees it. */
export interface LoadedAccount {
  readonly row: AccountRow
  readonly mailboxes: Map<number, MailboxRow>
  readonly byName: Map<string, MailboxRow>
  /** Read when first asked for. */
  keywords: KeywordSets | undefined
  /** Sequence of its last event; read when first asked for. */
  lastEvent: number | undefined
  /** What happened in this batch. */
  readonly events: PendingEvent[]
  readonly dirtyMailboxes: Set<MailboxRow>
  /** Spans of UIDs in which messages were added or changed in this batch. */
  readonly dirtySpans: Map<MailboxRow, Set<number>>
  /** It takes no writes. */
  frozen: boolean
}

const ACCOUNT_COLUMNS =
  'slot, id, modseq, next_mailbox, next_email, next_thread, last_uidvalidity, limit_bytes, limit_messages, used_bytes, used_messages'

/** See the module. Rows are changed in place, told by `touch`, and written by {@link Ledger.flush} once a batch. */
export class Ledger {
  readonly #sql: Sql
  readonly #accounts = new Map<number, LoadedAccount>()
  readonly #dirty = new Set<LoadedAccount>()
  #bumped: number[] = []
  #mailboxes = 0
  #nextEmailRow: number | undefined

  /** Mailboxes of an account that may be for `anyone`. */
  readonly mostForAnyone: number

  constructor(sql: Sql, mostForAnyone: number) {
    this.#sql = sql
    this.mostForAnyone = mostForAnyone
  }

  /** `undefined` when there is no such account. */
  load(id: number): LoadedAccount | undefined {
    const known = this.#accounts.get(id)
    if (known !== undefined) return known
    const found = this.#sql.get(`SELECT ${ACCOUNT_COLUMNS} FROM account WHERE id = ?`, id)
    if (found === undefined) return undefined
    const row = accountRow(found)
    const account: LoadedAccount = {
      row,
      mailboxes: new Map(),
      byName: new Map(),
      keywords: undefined,
      lastEvent: undefined,
      events: [],
      dirtyMailboxes: new Set(),
      dirtySpans: new Map(),
      frozen: this.#sql.get('SELECT 1 FROM arriving WHERE slot = ? AND held = ?', row.slot, FROZEN) !== undefined,
    }
    for (const values of this.#sql.all(`SELECT ${MAILBOX_COLUMNS} FROM mailbox WHERE account = ?`, row.slot)) {
      const mailbox = mailboxRow(values)
      account.mailboxes.set(mailbox.key, mailbox)
      account.byName.set(mailbox.name, mailbox)
    }
    this.#accounts.set(id, account)
    this.#mailboxes += account.mailboxes.size
    return account
  }

  /** Makes an account without mailboxes. */
  create(id: number, limits: { bytes: number | undefined; messages: number | undefined }, now: number): LoadedAccount {
    const last = this.#sql.number('SELECT coalesce(max(slot), 0) FROM account')
    if (last >= LARGEST_SLOT) throw new Error('This shard has no slot left for another account')
    this.#sql.run(
      `INSERT INTO account (slot, id, modseq, next_mailbox, next_email, next_thread, last_uidvalidity, limit_bytes,
       limit_messages, used_bytes, used_messages, created_at) VALUES (?, ?, 0, 1, 1, 1, 0, ?, ?, 0, 0, ?)`,
      last + 1,
      id,
      limits.bytes ?? null,
      limits.messages ?? null,
      now,
    )
    return this.load(id) as LoadedAccount
  }

  /** The keyword sets of an account. */
  keywords(account: LoadedAccount): KeywordSets {
    account.keywords ??= new KeywordSets(this.#sql, account.row.slot)
    return account.keywords
  }

  /** The row of a new email. */
  takeEmailRow(): number {
    const row = this.#nextEmailRow ?? nextEmailRow(this.#sql)
    this.#nextEmailRow = row + 1
    return row
  }

  /** Notes that rows have changed. */
  touch(account: LoadedAccount, mailbox?: MailboxRow): void {
    this.#dirty.add(account)
    if (mailbox !== undefined) account.dirtyMailboxes.add(mailbox)
  }

  /** A new MODSEQ of the account, given to the mailboxes too. */
  bump(account: LoadedAccount, ...mailboxes: readonly MailboxRow[]): number {
    account.row.modseq += 1
    this.#bumped.push(account.row.id)
    this.touch(account)
    for (const mailbox of mailboxes) {
      mailbox.highestModseq = account.row.modseq
      account.dirtyMailboxes.add(mailbox)
    }
    return account.row.modseq
  }

  /** Notes that messages were added or changed at the mailbox's MODSEQ, which {@link bump} has raised. */
  noteMessages(account: LoadedAccount, mailbox: MailboxRow, first: number, last: number = first): void {
    let spans = account.dirtySpans.get(mailbox)
    if (spans === undefined) {
      spans = new Set()
      account.dirtySpans.set(mailbox, spans)
    }
    for (let span = spanOf(first); span <= spanOf(last); span += 1) spans.add(span)
    this.touch(account, mailbox)
  }

  /** Adds a mailbox that the caller has found to be allowed. */
  addMailbox(account: LoadedAccount, name: string, specialUse: string | undefined, now: number): MailboxRow {
    const { row } = account
    const mailbox: MailboxRow = {
      key: row.nextMailbox,
      name,
      uidValidity: nextUidValidity(row, now),
      uidNext: 1,
      highestModseq: row.modseq,
      vanishedFloor: 0,
      messages: 0,
      unseen: 0,
      deleted: 0,
      size: 0,
      tombstones: 0,
      specialUse,
      createdAt: now,
    }
    row.nextMailbox += 1
    this.#sql.run(
      `INSERT INTO mailbox (account, ${MAILBOX_COLUMNS}) VALUES (?, ?, ?, ?, 1, ?, 0, 0, 0, 0, 0, 0, ?, ?)`,
      row.slot,
      mailbox.key,
      name,
      mailbox.uidValidity,
      mailbox.highestModseq,
      specialUse ?? null,
      now,
    )
    // A new mailbox is for those who had the one above it (RFC 4314 §4 CREATE).
    const parent = superiorNames(name)
      .map((each) => account.byName.get(each))
      .findLast((each) => each !== undefined)
    if (parent !== undefined)
      this.#sql.run(
        `INSERT INTO acl (account, mailbox, identifier, rights)
         SELECT account, ?, identifier, rights FROM acl WHERE account = ? AND mailbox = ? AND identifier <> ?`,
        mailbox.key,
        row.slot,
        parent.key,
        // nothing is called so
        this.hasRoomForAnyone(account) ? '' : ANYONE,
      )
    account.mailboxes.set(mailbox.key, mailbox)
    account.byName.set(name, mailbox)
    this.#mailboxes += 1
    this.touch(account)
    return mailbox
  }

  /** Whether one more mailbox may be for `anyone`. */
  hasRoomForAnyone({ row }: LoadedAccount): boolean {
    const sql = 'SELECT count(*) FROM acl WHERE identifier = ? AND account = ?'
    return this.#sql.number(sql, ANYONE, row.slot) < this.mostForAnyone
  }

  /** Takes a mailbox away that has no messages left; what undelete needs of it stays. */
  removeMailbox(account: LoadedAccount, mailbox: MailboxRow, now: number): void {
    const { slot } = account.row
    this.#sql.run('DELETE FROM mailbox WHERE account = ? AND key = ?', slot, mailbox.key)
    this.#sql.run(
      `INSERT INTO gone_mailbox (account, key, name, special_use, created_at, deleted_at) VALUES (?, ?, ?, ?, ?, ?)`,
      slot,
      mailbox.key,
      mailbox.name,
      mailbox.specialUse ?? null,
      mailbox.createdAt,
      now,
    )
    this.#sql.run('DELETE FROM tombstone WHERE account = ? AND mailbox = ?', slot, mailbox.key)
    this.#sql.run('DELETE FROM imprint WHERE account = ? AND mailbox = ?', slot, mailbox.key)
    this.#sql.run('DELETE FROM modseq_span WHERE account = ? AND mailbox = ?', slot, mailbox.key)
    this.#sql.run('DELETE FROM acl WHERE account = ? AND mailbox = ?', slot, mailbox.key)
    this.#sql.run('DELETE FROM metadata WHERE account = ? AND mailbox = ?', slot, mailbox.key)
    this.#leaveName(account, mailbox)
    account.mailboxes.delete(mailbox.key)
    account.byName.delete(mailbox.name)
    account.dirtyMailboxes.delete(mailbox)
    account.dirtySpans.delete(mailbox)
    this.#mailboxes -= 1
    this.touch(account)
  }

  /** Renames mailboxes, all at once: a name may pass from one to another. */
  renameMailboxes(account: LoadedAccount, renamed: ReadonlyMap<MailboxRow, string>, now: number): void {
    const { row } = account
    const { slot } = row
    for (const mailbox of renamed.keys()) {
      account.byName.delete(mailbox.name)
      this.#leaveName(account, mailbox)
      // A name that no client can give, so that the unique index holds at every step.
      this.#sql.run('UPDATE mailbox SET name = ? WHERE account = ? AND key = ?', `\n${mailbox.key}`, slot, mailbox.key)
    }
    for (const [mailbox, name] of renamed) {
      const former = this.#sql.get(
        'SELECT 1 FROM former_name WHERE account = ? AND name = ? AND mailbox <> ? AND uidvalidity >= ?',
        slot,
        name,
        mailbox.key,
        mailbox.uidValidity,
      )
      if (former !== undefined) mailbox.uidValidity = nextUidValidity(row, now)
      this.#sql.run(
        'UPDATE mailbox SET name = ?, uidvalidity = ? WHERE account = ? AND key = ?',
        name,
        mailbox.uidValidity,
        slot,
        mailbox.key,
      )
      mailbox.name = name
      account.byName.set(name, mailbox)
    }
    this.touch(account)
  }

  #leaveName(account: LoadedAccount, mailbox: MailboxRow): void {
    this.#sql.run(
      'INSERT OR REPLACE INTO former_name (account, name, mailbox, uidvalidity) VALUES (?, ?, ?, ?)',
      account.row.slot,
      mailbox.name,
      mailbox.key,
      mailbox.uidValidity,
    )
  }

  /** Forgets one account, which has been removed. */
  drop(account: LoadedAccount): void {
    this.#dirty.delete(account)
    this.#accounts.delete(account.row.id)
  }

  /** Writes what has changed; call before COMMIT. */
  flush(): void {
    for (const account of this.#dirty) {
      const { row } = account
      this.#sql.run(
        `UPDATE account SET modseq = ?, next_mailbox = ?, next_email = ?, next_thread = ?, last_uidvalidity = ?,
         limit_bytes = ?, limit_messages = ?, used_bytes = ?, used_messages = ?, gone_bytes = gone_bytes + ?
         WHERE slot = ?`,
        row.modseq,
        row.nextMailbox,
        row.nextEmail,
        row.nextThread,
        row.lastUidValidity,
        row.limitBytes ?? null,
        row.limitMessages ?? null,
        row.usedBytes,
        row.usedMessages,
        row.goneMore,
        row.slot,
      )
      row.goneMore = 0
      for (const event of account.events) writeEvent(this.#sql, account, event)
      account.events.length = 0
      for (const box of account.dirtyMailboxes) {
        this.#sql.run(
          `UPDATE mailbox SET uidnext = ?, highest_modseq = ?, vanished_floor = ?, messages = ?, unseen = ?,
           deleted = ?, size = ?, tombstones = ? WHERE account = ? AND key = ?`,
          box.uidNext,
          box.highestModseq,
          box.vanishedFloor,
          box.messages,
          box.unseen,
          box.deleted,
          box.size,
          box.tombstones,
          row.slot,
          box.key,
        )
      }
      account.dirtyMailboxes.clear()
      for (const [box, spans] of account.dirtySpans)
        for (const span of spans) raiseSpan(this.#sql, row.slot, box.key, span, box.highestModseq)
      account.dirtySpans.clear()
    }
    this.#dirty.clear()
  }

  /** Call after COMMIT. @returns an account for each MODSEQ given since the last time. */
  takeBumped(): readonly number[] {
    const bumped = this.#bumped
    this.#bumped = []
    return bumped
  }

  /** Call after COMMIT: makes room. */
  trim(): void {
    if (this.#accounts.size > MOST_ACCOUNTS || this.#mailboxes > MOST_MAILBOXES) this.reset()
  }

  /** Forgets everything: the transaction was rolled back. */
  reset(): void {
    this.#bumped = []
    this.#accounts.clear()
    this.#dirty.clear()
    this.#mailboxes = 0
    this.#nextEmailRow = undefined
  }
}

/** Above all that the account ever gave, and near the time, which other servers' numbers are, too. */
export function nextUidValidity(row: AccountRow, now: number): number {
  row.lastUidValidity = Math.max(row.lastUidValidity + 1, Math.floor(now / 1_000) || 1)
  return row.lastUidValidity
}

function accountRow(row: readonly unknown[]): AccountRow {
  return {
    slot: row[0] as number,
    id: row[1] as number,
    modseq: row[2] as number,
    nextMailbox: row[3] as number,
    nextEmail: row[4] as number,
    nextThread: row[5] as number,
    lastUidValidity: row[6] as number,
    limitBytes: (row[7] as number | null) ?? undefined,
    limitMessages: (row[8] as number | null) ?? undefined,
    usedBytes: row[9] as number,
    usedMessages: row[10] as number,
    goneMore: 0,
  }
}
