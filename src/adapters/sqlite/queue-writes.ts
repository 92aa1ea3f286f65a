/** Messages into the queue, what became of them, and out of it; each inside a transaction. @module */
import { destinationOf } from '#services/destination.ts'
import type { NewMessage, Outcome, StagedMessage } from '#store/queue.ts'
import { dropBody, isInDatabase, keepBody } from './queue-bodies.ts'
import { noteWaiting, refreshDestinations } from './queue-destinations.ts'
import { notifyText, reasonNumber, STATE } from './queue-rows.ts'
import { integer, type Sql, text } from './sql.ts'

/** Keeps messages, held where they or a standing hold say so. @throws where one of the ids is known. */
export function insertMessages(sql: Sql, messages: readonly NewMessage[]): void {
  const places = new Map<StagedMessage, string>()
  for (const message of messages) {
    const { body } = message
    const place = places.get(body) ?? (body.kind === 'file' ? body.file : keepBody(sql, body.bytes))
    places.set(body, place)
    insertMessage(sql, message, place)
  }
}

function insertMessage(sql: Sql, message: NewMessage, place: string): void {
  if (message.recipients.length === 0) throw new RangeError(`The message ${message.id} is for nobody`)
  const key = sql.insert(
    `INSERT INTO message (id, sender, account, received_from, file, size, smtp_utf8, eight_bit, tls_optional, returns,
       envelope_id, priority, at, not_before, language) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    message.id,
    message.sender,
    message.account ?? null,
    message.receivedFrom ?? null,
    place,
    message.body.size,
    Number(message.smtpUtf8),
    Number(message.eightBit),
    Number(message.tlsOptional === true),
    message.returns ?? null,
    message.envelopeId ?? null,
    message.priority,
    message.at,
    message.notBefore ?? null,
    message.language,
  )
  const ownHold = reasonNumber(message.held)
  const nextAt = message.notBefore ?? message.at
  for (const [position, { address, original, alias, notify }] of message.recipients.entries()) {
    const domain = destinationOf(address)
    const standingHold = standingHoldFor(sql, message.account, domain)
    const held = ownHold !== 0 || standingHold !== 0
    sql.run(
      `INSERT INTO recipient (message, position, address, domain, original, alias, notify, state, own_hold, standing_hold,
         priority, next_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      key,
      position,
      address,
      domain,
      original ?? null,
      alias ?? null,
      notifyText(notify),
      held ? STATE.held : STATE.waiting,
      ownHold,
      standingHold,
      message.priority,
      nextAt,
    )
    if (!held) noteWaiting(sql, domain, nextAt)
  }
}

/** The reason of one that covers it; 0: none. */
function standingHoldFor(sql: Sql, account: string | undefined, domain: string): number {
  return (
    sql.number(
      `SELECT reason FROM standing_hold
       WHERE kind = 'all' OR (kind = 'account' AND name = ?) OR (kind = 'domain' AND name = ?) LIMIT 1`,
      account ?? null,
      domain,
    ) ?? 0
  )
}

/** Notes what became of recipients. @returns files that no message in the queue needs any more. */
export function recordOutcomes(sql: Sql, outcomes: readonly Outcome[], now: number): readonly string[] {
  const messages = new Set<number>()
  const domains = new Set<string>()
  for (const outcome of outcomes) {
    const message = sql.number('SELECT key FROM message WHERE id = ?', outcome.id)
    if (message === undefined) continue
    const domain = recordOutcome(sql, message, outcome)
    if (domain === undefined) continue
    messages.add(message)
    domains.add(domain)
  }
  refreshDestinations(sql, domains)
  return [...messages].flatMap((message) => leaveIfDone(sql, message, now))
}

/** @returns the destination; `undefined`: there is no such recipient. */
function recordOutcome(
  sql: Sql,
  message: number,
  { recipient, attempt, nextAt, delayTold }: Outcome,
): string | undefined {
  const rows = sql.all(
    'SELECT position, domain, state FROM recipient WHERE message = ? AND address = ?',
    message,
    recipient,
  )
  const [first] = rows
  if (first === undefined) return undefined
  const { at, host, tls, outcome, reply } = attempt
  const key = sql.insert(
    'INSERT INTO attempt (message, position, at, host, tls, outcome, reply) VALUES (?, ?, ?, ?, ?, ?, ?)',
    message,
    integer(first.position),
    at,
    host ?? null,
    tls ?? null,
    outcome,
    reply,
  )
  for (const row of rows) {
    sql.run(
      `UPDATE recipient SET state = ?, next_at = coalesce(?, next_at), attempts = attempts + 1,
         delay_told = max(delay_told, ?), last = ? WHERE message = ? AND position = ?`,
      stateAfter(integer(row.state), outcome, nextAt),
      nextAt ?? null,
      Number(delayTold === true),
      key,
      message,
      integer(row.position),
    )
  }
  return text(first.domain)
}

/** It may have been held or dropped while it was being sent. */
function stateAfter(state: number, outcome: Outcome['attempt']['outcome'], nextAt: number | undefined): number {
  if (state === STATE.delivered || state === STATE.failed) return state
  if (outcome === 'delivered') return STATE.delivered
  return nextAt === undefined && state !== STATE.dropped ? STATE.failed : state
}

/** Where nobody waits for a message any more, it leaves the queue. @returns its file, where it has one that nobody shares. */
export function leaveIfDone(sql: Sql, message: number, now: number): readonly string[] {
  const row = sql.get(
    `UPDATE message SET gone_at = ?2 WHERE key = ?1 AND gone_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM recipient WHERE message = ?1 AND state < 2) RETURNING file`,
    message,
    now,
  )
  if (row === undefined) return []
  const file = text(row.file)
  const shared = sql.number('SELECT 1 FROM message WHERE gone_at IS NULL AND file = ? LIMIT 1', file) !== undefined
  if (shared) return []
  if (!isInDatabase(file)) return [file]
  dropBody(sql, file)
  return []
}

/** Forgets some messages that left the queue before a time. @returns whether there may be more. */
export function forgetGone(sql: Sql, before: number): boolean {
  const most = 200
  return (
    sql.run('DELETE FROM message WHERE key IN (SELECT key FROM message WHERE gone_at < ? LIMIT +?)', before, most) ===
    most
  )
}
