/** Rebuilding what can be derived: counters, references, live octets. @module */

import { prepareEmail } from '#mail/prepare.ts'
import { scanMessage } from '#mail/scanner.ts'
import { DamagedBody } from '#store/mail-store.ts'
import type { BodyPlace } from '#store/types.ts'
import { LIVE_BYTES, type Rebuilt } from './check.ts'
import { COUNTED, GONE_BYTES } from './check-account.ts'
import { placeOf } from './email-reads.ts'
import type { ShardPaths } from './layout.ts'
import { rebuildFromSegments } from './rebuild.ts'
import { dropEmail } from './requests/drop-email.ts'
import { EMAIL_SPAN } from './schema/account.ts'
import { FIRST_ROW, UNUSED_ROWS } from './schema/email-rows.ts'
import { rebuildSpans } from './schema/modseq-span.ts'
import { SegmentReader } from './segment-reader.ts'
import type { Transaction } from './transaction.ts'

/** Emails dropped in one slice. */
const SLICE = 200

/** Puts right what `checkShard` may find, an account a slice. @returns accounts gone through. */
export function* repairShard(
  tx: Transaction,
  paths: ShardPaths,
  rebuilt: (account: number | undefined, what: Rebuilt) => void,
): Generator<undefined, number, void> {
  yield* rebuildFromSegments(tx, paths, rebuilt)
  const files = new SegmentReader(paths)
  let accounts = 0
  for (const [slot] of tx.sql.all('SELECT slot FROM account WHERE id IS NOT NULL')) {
    afresh(tx)
    repairReferences(tx, slot as number)
    repairCounters(tx, slot as number)
    repairKeywords(tx, slot as number)
    rebuildSpans(tx.sql, slot as number)
    // Rows have changed at the MODSEQ they had.
    tx.sql.run('DELETE FROM imprint WHERE account = ?', slot as number)
    accounts += 1
    yield
    while (rebuildPrepared(tx, files, (slot as number) * EMAIL_SPAN, ((slot as number) + 1) * EMAIL_SPAN)) yield
    while (dropLeftovers(tx, slot as number) === SLICE) yield
    yield
  }
  for (let from: number | undefined = FIRST_ROW; from !== undefined; ) {
    from = rebuildPrepared(tx, files, from, Number.MAX_SAFE_INTEGER)
    yield
  }
  while (dropUnusedRows(tx) === SLICE) yield
  tx.bodies.settle()
  const living = new Map(tx.sql.all(LIVE_BYTES).map(([segment, octets]) => [segment as number, octets as number]))
  for (const [id] of tx.sql.all('SELECT id FROM segment')) {
    tx.sql.run('UPDATE segment SET live = ? WHERE id = ?', living.get(id as number) ?? 0, id as number)
  }
  files.close()
  return accounts
}

/** What the writer remembers is written and forgotten, as its rows are about to change under it. */
function afresh(tx: Transaction): void {
  tx.ledger.flush()
  tx.ledger.reset()
}

/** Messages without an email cannot be shown: they go. Messages without a mailbox get one. */
function repairReferences(tx: Transaction, slot: number): void {
  for (const table of ['message', 'deleted']) {
    tx.sql.run(
      `DELETE FROM ${table} WHERE account = ? AND NOT EXISTS (SELECT 1 FROM email e WHERE e.id = ${table}.email_id)`,
      slot,
    )
  }
  tx.sql.run(
    `UPDATE message SET size = (SELECT e.size FROM email e WHERE e.id = message.email_id) WHERE account = ?1
     AND size <> (SELECT e.size FROM email e WHERE e.id = message.email_id)`,
    slot,
  )
  tx.sql.run(
    `UPDATE deleted SET size = (SELECT e.size FROM email e WHERE e.id = deleted.email_id) WHERE account = ?1
     AND size <> (SELECT e.size FROM email e WHERE e.id = deleted.email_id)`,
    slot,
  )
  tx.sql.run(
    `INSERT INTO gone_mailbox (account, key, name, created_at, deleted_at)
     SELECT account, mailbox, 'Recovered', min(saved_at), max(deleted_at) FROM deleted WHERE account = ?1
     AND mailbox NOT IN (SELECT key FROM mailbox WHERE account = ?1)
     AND mailbox NOT IN (SELECT key FROM gone_mailbox WHERE account = ?1) GROUP BY account, mailbox`,
    slot,
  )
  const strays = tx.sql.all(
    `SELECT DISTINCT mailbox FROM message WHERE account = ?1 AND mailbox NOT IN
     (SELECT key FROM mailbox WHERE account = ?1)`,
    slot,
  )
  for (const [key] of strays) addMailbox(tx, slot, key as number, `Recovered ${String(key)}`)
  const inbox = tx.sql.get("SELECT 1 FROM mailbox WHERE account = ? AND name = 'INBOX'", slot)
  if (inbox === undefined) {
    const next = tx.sql.number('SELECT next_mailbox FROM account WHERE slot = ?', slot)
    addMailbox(tx, slot, next, 'INBOX')
  }
}

/**
 * Prepares one email of these rowids again from its body, where what was prepared is lost.
 * @returns its rowid, `undefined` when there is none such.
 */
function rebuildPrepared(tx: Transaction, files: SegmentReader, from: number, to: number): number | undefined {
  const row = tx.sql.get(
    `SELECT e.id, e.segment, e.position, e.length FROM email e LEFT JOIN email_ready r ON r.id = e.id
     LEFT JOIN email_header h ON h.id = e.id WHERE e.id >= ? AND e.id < ?
     AND (r.id IS NULL OR h.id IS NULL) ORDER BY e.id LIMIT 1`,
    from,
    to,
  ) as readonly [number, number, number, number] | undefined
  if (row === undefined) return undefined
  const [id, segment, position, length] = row
  const email = prepareEmail(scanMessage(bodyOrNothing(files, placeOf(segment, position, length))))
  tx.sql.run(
    'INSERT OR REPLACE INTO email_ready (id, envelope, structure, parts, preview) VALUES (?, ?, ?, ?, ?)',
    id,
    email.envelope,
    email.bodyStructure,
    email.parts,
    email.preview,
  )
  tx.sql.run(
    'INSERT OR REPLACE INTO email_header (id, fields, header) VALUES (?, ?, ?)',
    id,
    email.fields,
    email.header,
  )
  tx.sql.run('UPDATE email SET header_size = ?, lines = ? WHERE id = ?', email.headerSize, email.lines, id)
  return id
}

/** A body that cannot be read any more is prepared as an empty one, so that the rest of its mailbox can be listed. */
function bodyOrNothing(files: SegmentReader, place: BodyPlace): Uint8Array {
  try {
    return files.readAll(place)
  } catch (error) {
    if (!(error instanceof DamagedBody)) throw error
    return new Uint8Array(0)
  }
}

function addMailbox(tx: Transaction, slot: number, key: number, name: string): void {
  tx.sql.run(
    'UPDATE account SET last_uidvalidity = max(last_uidvalidity + 1, ?), next_mailbox = max(next_mailbox, ?) WHERE slot = ?',
    Math.floor(tx.now / 1_000),
    key + 1,
    slot,
  )
  tx.sql.run(
    `INSERT INTO mailbox (account, key, name, uidvalidity, uidnext, highest_modseq, vanished_floor, messages, unseen,
     deleted, size, tombstones, created_at)
     SELECT slot, ?, ?, last_uidvalidity, 1, modseq, modseq, 0, 0, 0, 0, 0, ? FROM account WHERE slot = ?`,
    key,
    name,
    tx.now,
    slot,
  )
}

function repairCounters(tx: Transaction, slot: number): void {
  tx.sql.run(
    `DELETE FROM seen_by WHERE account = ? AND NOT EXISTS (SELECT 1 FROM message m WHERE m.account = seen_by.account
     AND m.mailbox = seen_by.mailbox AND m.uid = seen_by.uid)`,
    slot,
  )
  tx.sql.run(
    `DELETE FROM tombstone WHERE account = ? AND EXISTS (SELECT 1 FROM message m WHERE m.account = tombstone.account
     AND m.mailbox = tombstone.mailbox AND m.uid BETWEEN tombstone.first AND tombstone.last)`,
    slot,
  )
  tx.sql.run(
    `UPDATE mailbox SET messages = 0, unseen = 0, deleted = 0, size = 0,
     tombstones = (SELECT count(*) FROM tombstone t WHERE t.account = mailbox.account AND t.mailbox = mailbox.key),
     uidnext = max(uidnext, 1 + coalesce((SELECT max(uid) FROM deleted d WHERE d.account = mailbox.account
       AND d.mailbox = mailbox.key), 0), 1 + coalesce((SELECT max(last) FROM tombstone t
       WHERE t.account = mailbox.account AND t.mailbox = mailbox.key), 0)),
     highest_modseq = max(highest_modseq, coalesce((SELECT max(modseq) FROM tombstone t
       WHERE t.account = mailbox.account AND t.mailbox = mailbox.key), 0))
     WHERE account = ?`,
    slot,
  )
  for (const row of tx.sql.all(COUNTED, slot) as readonly (readonly number[])[]) {
    const [mailbox = 0, messages = 0, unseen = 0, deleted = 0, size = 0, uid = 0, modseq = 0] = row
    tx.sql.run(
      `UPDATE mailbox SET messages = ?, unseen = ?, deleted = ?, size = ?, uidnext = max(uidnext, ?),
       highest_modseq = max(highest_modseq, ?) WHERE account = ? AND key = ?`,
      messages,
      unseen,
      deleted,
      size,
      uid + 1,
      modseq,
      slot,
      mailbox,
    )
  }
  tx.sql.run(
    `UPDATE account SET gone_bytes = (${GONE_BYTES.replace('?', 'slot')}),
     used_messages = coalesce((SELECT sum(messages) FROM mailbox WHERE account = slot), 0),
     used_bytes = coalesce((SELECT sum(size) FROM mailbox WHERE account = slot), 0),
     modseq = max(modseq, coalesce((SELECT max(highest_modseq) FROM mailbox WHERE account = slot), 0)) WHERE slot = ?`,
    slot,
  )
}

/** A missing set becomes an empty one: its keywords are lost, the message is not. */
function repairKeywords(tx: Transaction, slot: number): void {
  const used = tx.sql.number(
    `SELECT max(coalesce((SELECT max(flags >> 8) FROM message WHERE account = ?1), 0),
     coalesce((SELECT max(id) FROM keyword_set WHERE account = ?1), 0))`,
    slot,
  )
  const has = new Set(tx.sql.all('SELECT id FROM keyword_set WHERE account = ?', slot).map(([id]) => id as number))
  for (let id = 1; id <= used; id += 1) {
    if (!has.has(id)) tx.sql.run("INSERT INTO keyword_set (account, id, keywords) VALUES (?, ?, '[]')", slot, id)
  }
}

function dropLeftovers(tx: Transaction, slot: number): number {
  const base = slot * EMAIL_SPAN
  const unused = tx.sql.all(
    `SELECT e.id FROM email e WHERE e.id >= ?1 AND e.id < ?1 + ${EMAIL_SPAN}
     AND NOT EXISTS (SELECT 1 FROM message m WHERE m.account = ?2 AND m.email = e.id - ?1)
     AND NOT EXISTS (SELECT 1 FROM deleted d WHERE d.account = ?2 AND d.email = e.id - ?1) LIMIT +?3`,
    base,
    slot,
    SLICE,
  )
  for (const [id] of unused) dropEmail(tx, id as number)
  return unused.length
}

/** The same of emails that lie in the order of their arrival. */
function dropUnusedRows(tx: Transaction): number {
  const unused = tx.sql.all(
    `SELECT e.id ${UNUSED_ROWS} AND EXISTS (SELECT 1 FROM account a WHERE a.slot = e.slot AND a.id IS NOT NULL) LIMIT +?2`,
    FIRST_ROW,
    SLICE,
  )
  for (const [id] of unused) dropEmail(tx, id as number)
  return unused.length
}
