/** What a search index reads: emails of an account whatever their mailboxes, and where emails are. @module */
import type { AccountId, EmailKey, MailboxKey } from '#mail/ids.ts'
import type { IndexableEmail } from '#store/types.ts'
import { placeOf } from './email-reads.ts'
import { NEXT_EMAILS } from './schema/email-rows.ts'
import type { Row, Sql } from './sql.ts'

/** Emails that are looked for by one statement. */
const KEYS = 2_000
/** Messages of a mailbox that are read by one statement. */
const ROWS = 5_000
/** Emails that are more than this share of the account's are found by reading the mailbox. */
const MANY = 1 / 16

/** Above every key and UID. */
const LARGEST = 4_294_967_296

const TABLES = ['message', 'deleted'] as const

/** One slice of emails with what is indexed of them. */
export function indexableEmails(sql: Sql, id: AccountId, after: number, limit: number): readonly IndexableEmail[] {
  const slot = slotOf(sql, id)
  if (slot === undefined) return []
  const rows = sql.all(
    `SELECT n.email, e.internal_date, e.trace, e.segment, e.position, e.length, r.parts, e.subject, e.sender,
     e.recipients, e.cc FROM ${NEXT_EMAILS} n JOIN email e ON e.id = n.id JOIN email_ready r ON r.id = n.id
     ORDER BY n.email`,
    slot,
    after,
    limit,
  )
  return rows.map((row) => ({
    key: row[0] as EmailKey,
    internalDate: row[1] as number,
    trace: row[2] as Uint8Array,
    place: placeOf(row[3] as number, row[4] as number, row[5] as number),
    parts: row[6] as Uint8Array,
    columns: {
      subject: row[7] as string,
      from: row[8] as string,
      to: row[9] as string,
      cc: row[10] as string,
    },
  }))
}

/** UIDs of emails in a mailbox, in slices, in no order; one that is expunged meanwhile may come twice. */
export function* uidsOfEmails(
  sql: Sql,
  id: AccountId,
  mailbox: MailboxKey,
  emails: Uint32Array,
): Generator<readonly number[], void, void> {
  const slot = slotOf(sql, id)
  const last = emails.at(-1)
  if (slot === undefined || last === undefined) return
  const wanted = emails.length > KEYS && emails.length > last * MANY ? membership(emails, last) : undefined
  // Messages only ever go from the first table to the second.
  for (const table of TABLES)
    if (wanted === undefined) yield* byKeys(sql, table, slot, mailbox, emails)
    else yield* byMailbox(sql, table, slot, mailbox, wanted)
}

/** UIDs of emails above a key, likewise. */
export function* uidsOfEmailsAfter(
  sql: Sql,
  id: AccountId,
  mailbox: MailboxKey,
  after: number,
): Generator<readonly number[], void, void> {
  const slot = slotOf(sql, id)
  if (slot === undefined) return
  for (const table of TABLES) {
    let from: readonly [number, number, number] = [after, LARGEST, LARGEST]
    for (;;) {
      const rows = sql.all(
        `SELECT email, mailbox, uid FROM ${table}
         WHERE account = ? AND (email, mailbox, uid) > (?, ?, ?) ORDER BY email, mailbox, uid LIMIT +?`,
        slot,
        ...from,
        ROWS,
      ) as readonly (readonly [email: number, mailbox: number, uid: number])[]
      yield rows.filter((row) => row[1] === mailbox).map((row) => row[2])
      const last = rows.at(-1)
      if (last === undefined || rows.length < ROWS) break
      from = last
    }
  }
}

function* byKeys(
  sql: Sql,
  table: (typeof TABLES)[number],
  slot: number,
  mailbox: number,
  emails: Uint32Array,
): Generator<readonly number[], void, void> {
  for (let at = 0; at < emails.length; at += KEYS) {
    const rows = sql.all(
      `SELECT m.uid FROM json_each(?) j CROSS JOIN ${table} m ON m.account = ? AND m.email = j.value AND m.mailbox = ?`,
      `[${emails.subarray(at, at + KEYS).join()}]`,
      slot,
      mailbox,
    )
    yield rows.map(([uid]) => uid as number)
  }
}

function* byMailbox(
  sql: Sql,
  table: (typeof TABLES)[number],
  slot: number,
  mailbox: number,
  wanted: (email: number) => boolean,
): Generator<readonly number[], void, void> {
  for (let after = 0; ; ) {
    const rows: readonly Row[] = sql.all(
      `SELECT uid, email FROM ${table} WHERE account = ? AND mailbox = ? AND uid > ? ORDER BY uid LIMIT +?`,
      slot,
      mailbox,
      after,
      ROWS,
    )
    const uids: number[] = []
    for (const [uid, email] of rows as readonly (readonly [number, number])[]) if (wanted(email)) uids.push(uid)
    yield uids
    if (rows.length < ROWS) return
    after = rows.at(-1)?.[0] as number
  }
}

function membership(emails: Uint32Array, last: number): (email: number) => boolean {
  const bits = new Uint8Array((last >>> 3) + 1)
  for (const email of emails) bits[email >>> 3] = (bits[email >>> 3] ?? 0) | (1 << (email & 7))
  return (email) => ((bits[email >>> 3] ?? 0) & (1 << (email & 7))) !== 0
}

function slotOf(sql: Sql, id: AccountId): number | undefined {
  return sql.get('SELECT slot FROM account WHERE id = ?', id)?.[0] as number | undefined
}
