/** One account: counters against messages, messages against emails. @module */
import type { Found } from './check.ts'
import { EMAIL_SPAN } from './schema/account.ts'
import { MAILBOX_COLUMNS, mailboxRow } from './schema/mailbox.ts'
import { SPAN } from './schema/modseq-span.ts'
import type { Sql } from './sql.ts'

/** Counters of every mailbox that has messages, computed from them. */
export const COUNTED = `
SELECT mailbox, count(*), sum(flags & 1 = 0), sum(flags & 8 <> 0), sum(size), max(uid), max(modseq)
FROM message WHERE account = ? GROUP BY mailbox`

/** Octets of deleted mail that is only there. */
export const GONE_BYTES = 'SELECT coalesce(sum(size), 0) FROM deleted WHERE account = ? AND moved = 0'

/** At most so many single rows of a kind are named. */
const MOST_NAMED = 20

/** Looks through one account; call it inside a snapshot. */
export function checkAccount(sql: Sql, slot: number, id: number, found: Found): void {
  const [modseq, usedBytes, usedMessages] = sql.get(
    'SELECT modseq, used_bytes, used_messages FROM account WHERE slot = ?',
    slot,
  ) as readonly [number, number, number]
  const counted = new Map(
    (sql.all(COUNTED, slot) as readonly (readonly number[])[]).map((row) => [row[0] as number, row.slice(1)]),
  )
  let bytes = 0
  let messages = 0
  let inbox = false
  for (const values of sql.all(`SELECT ${MAILBOX_COLUMNS} FROM mailbox WHERE account = ?`, slot)) {
    const box = mailboxRow(values)
    const where = `Mailbox "${box.name}"`
    const [count = 0, unseen = 0, deleted = 0, size = 0, maxUid = 0, maxModseq = 0] = counted.get(box.key) ?? []
    counted.delete(box.key)
    inbox ||= box.name === 'INBOX'
    bytes += size
    messages += count
    for (const [name, has, is] of [
      ['messages', box.messages, count],
      ['unseen messages', box.unseen, unseen],
      ['deleted messages', box.deleted, deleted],
      ['octets', box.size, size],
    ] as const) {
      if (has !== is) found('counter', id, `${where} counts ${has} ${name} and has ${is}`)
    }
    if (maxUid >= box.uidNext) found('uid', id, `${where} has UID ${maxUid} and UIDNEXT ${box.uidNext}`)
    if (maxModseq > box.highestModseq || box.highestModseq > modseq) {
      found(
        'modseq',
        id,
        `${where} has MODSEQ ${maxModseq}, HIGHESTMODSEQ ${box.highestModseq} and the account ${modseq}`,
      )
    }
    checkTombstones(sql, slot, id, box, found)
  }
  if (!inbox) found('reference', id, 'There is no INBOX')
  for (const [key, [count]] of counted)
    found('reference', id, `${count} messages are in mailbox ${key}, which does not exist`)
  if (counted.size === 0 && (usedBytes !== bytes || usedMessages !== messages)) {
    found(
      'counter',
      id,
      `The account counts ${usedMessages} messages of ${usedBytes} octets and has ${messages} of ${bytes}`,
    )
  }
  checkSpans(sql, slot, id, found)
  checkGone(sql, slot, id, found)
  checkSeen(sql, slot, id, found)
  checkEmails(sql, slot, id, found)
  checkKeywords(sql, slot, id, found)
}

function checkTombstones(sql: Sql, slot: number, id: number, box: ReturnType<typeof mailboxRow>, found: Found): void {
  const [count, last, modseq] = sql.get(
    'SELECT count(*), max(last), max(modseq) FROM tombstone WHERE account = ? AND mailbox = ?',
    slot,
    box.key,
  ) as readonly [number, number | null, number | null]
  const where = `Mailbox "${box.name}"`
  if (count !== box.tombstones) found('tombstone', id, `${where} counts ${box.tombstones} tombstones and has ${count}`)
  if ((last ?? 0) >= box.uidNext)
    found('tombstone', id, `${where} has a tombstone of UID ${last} and UIDNEXT ${box.uidNext}`)
  if ((modseq ?? 0) > box.highestModseq) found('tombstone', id, `${where} has a tombstone above HIGHESTMODSEQ`)
  const alive = sql.get(
    `SELECT m.uid FROM tombstone t JOIN message m ON m.account = t.account AND m.mailbox = t.mailbox
     AND m.uid BETWEEN t.first AND t.last WHERE t.account = ? AND t.mailbox = ? LIMIT 1`,
    slot,
    box.key,
  )
  if (alive !== undefined) found('tombstone', id, `${where} has a tombstone of UID ${String(alive[0])}, which is there`)
}

/** A message above its span is a change that nobody is told of. */
function checkSpans(sql: Sql, slot: number, id: number, found: Found): void {
  const hidden = sql.all(
    `SELECT m.mailbox, count(*) FROM message m LEFT JOIN modseq_span s ON s.account = m.account AND s.mailbox = m.mailbox
     AND s.span = m.uid / ${SPAN} WHERE m.account = ? AND m.modseq > coalesce(s.modseq, -1) GROUP BY m.mailbox`,
    slot,
  )
  for (const [mailbox, count] of hidden)
    found('modseq', id, `${String(count)} messages of mailbox ${String(mailbox)} are above the MODSEQ of their span`)
}

/** The quota of deleted mail goes by a counter. */
function checkGone(sql: Sql, slot: number, id: number, found: Found): void {
  const has = sql.number('SELECT gone_bytes FROM account WHERE slot = ?', slot)
  const is = sql.number(GONE_BYTES, slot)
  if (has !== is) found('counter', id, `The account counts ${has} octets of deleted mail and has ${is}`)
  const nameless = sql.get(
    `SELECT d.mailbox FROM deleted d WHERE d.account = ?1 AND NOT EXISTS (SELECT 1 FROM mailbox m WHERE m.account = ?1
     AND m.key = d.mailbox) AND NOT EXISTS (SELECT 1 FROM gone_mailbox g WHERE g.account = ?1 AND g.key = d.mailbox) LIMIT 1`,
    slot,
  )?.[0] as number | undefined
  if (nameless !== undefined) found('reference', id, `Deleted mail is of mailbox ${nameless}, which has no name`)
}

/** What guests have seen is counted, so rows without a message make a count wrong. */
function checkSeen(sql: Sql, slot: number, id: number, found: Found): void {
  const lost = sql.number(
    `SELECT count(*) FROM seen_by s WHERE s.account = ? AND NOT EXISTS
     (SELECT 1 FROM message m WHERE m.account = s.account AND m.mailbox = s.mailbox AND m.uid = s.uid)`,
    slot,
  )
  if (lost > 0) found('leftover', id, `${lost} messages that are no more were seen by others`)
}

function checkEmails(sql: Sql, slot: number, id: number, found: Found): void {
  const base = slot * EMAIL_SPAN
  for (const table of ['message', 'deleted'] as const) {
    const lost = sql.all(
      `SELECT m.mailbox, m.uid, m.email FROM ${table} m LEFT JOIN email e ON e.id = m.email_id
       LEFT JOIN email_ready r ON r.id = m.email_id LEFT JOIN email_header h ON h.id = m.email_id
       WHERE m.account = ? AND (e.id IS NULL OR r.id IS NULL OR h.id IS NULL) LIMIT +?`,
      slot,
      MOST_NAMED,
    )
    for (const [mailbox, uid, email] of lost as readonly (readonly [number, number, number])[]) {
      found('missing-email', id, `UID ${uid} of mailbox ${mailbox} (${table}) has no email ${email}`)
    }
  }
  const sizes = sql.all(
    `SELECT m.mailbox, m.uid FROM message m JOIN email e ON e.id = m.email_id
     WHERE m.account = ? AND m.size <> e.size LIMIT +?`,
    slot,
    MOST_NAMED,
  )
  for (const [mailbox, uid] of sizes) {
    found('counter', id, `UID ${String(uid)} of mailbox ${String(mailbox)} has another size than its email`)
  }
  const unused = sql.number(
    `SELECT count(*) FROM email e WHERE e.id >= ?1 AND e.id < ?1 + ${EMAIL_SPAN}
     AND NOT EXISTS (SELECT 1 FROM message m WHERE m.account = ?2 AND m.email = e.id - ?1)
     AND NOT EXISTS (SELECT 1 FROM deleted d WHERE d.account = ?2 AND d.email = e.id - ?1)`,
    base,
    slot,
  )
  if (unused > 0) found('leftover', id, `${unused} emails are in no mailbox and not in deleted mail`)
}

function checkKeywords(sql: Sql, slot: number, id: number, found: Found): void {
  const [count, last] = sql.get(
    'SELECT count(*), coalesce(max(id), 0) FROM keyword_set WHERE account = ?',
    slot,
  ) as readonly [number, number]
  if (count !== last) found('keywords', id, `The account has ${count} keyword sets, numbered up to ${last}`)
  const used = sql.number('SELECT coalesce(max(flags >> 8), 0) FROM message WHERE account = ?', slot)
  if (used > last) found('keywords', id, `A message has keyword set ${used}, and the account ${last}`)
}
