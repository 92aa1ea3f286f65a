/** What administrators do with the queue; each inside a transaction. @module */
import type { SQLInputValue } from 'node:sqlite'
import { parseDomain } from '#services/addresses.ts'
import type { HoldReason, QueueFilter, StandingHold } from '#store/queue.ts'
import { refreshDestinations } from './queue-destinations.ts'
import { reasonNumber, STATE } from './queue-rows.ts'
import { leaveIfDone } from './queue-writes.ts'
import { integer, type Sql, text } from './sql.ts'

/** A condition with its values. */
interface Condition {
  readonly text: string
  readonly values: readonly SQLInputValue[]
}

/** Keys of messages in the queue that a filter is about, oldest first; see `QueueStore.list`. */
export function listKeys(sql: Sql, filter: QueueFilter, limit: number, mostRecipients: number): readonly number[] {
  const { ids, account } = filter
  const ofMessage = ofMessages(ids, account)
  const ofRecipients =
    filter.domain === undefined && filter.held === undefined
      ? { text: '', values: [] }
      : {
          text: ` AND key IN (SELECT r.message FROM recipient r WHERE ${ofRecipient(filter).text})`,
          values: ofRecipient(filter).values,
        }
  const rows = sql.rows(
    `SELECT key, (SELECT count(*) FROM recipient WHERE message = key) AS recipients FROM message WHERE gone_at IS NULL${ofMessage.text}${ofRecipients.text} ORDER BY at, key LIMIT +?`,
    ...ofMessage.values,
    ...ofRecipients.values,
    limit,
  )
  const keys: number[] = []
  let recipients = 0
  for (const row of rows) {
    if (recipients >= mostRecipients) break
    keys.push(integer(row.key))
    recipients += integer(row.recipients)
  }
  return keys
}

/** Recipients that wait or are held. */
export function countRecipients(sql: Sql, filter: QueueFilter): number {
  const { text: matching, values } = ofRecipient(filter)
  return sql.number(`SELECT count(*) FROM recipient r WHERE ${matching}`, ...values) ?? 0
}

export function holdRecipients(sql: Sql, filter: QueueFilter, reason: HoldReason): number {
  return change(sql, filter, 'own_hold = ?, state = 1', reasonNumber(reason), 'r.own_hold = 0')
}

/** Also from under a standing hold: it was asked for by name. */
export function releaseRecipients(sql: Sql, filter: QueueFilter): number {
  return change(sql, filter, 'own_hold = ?, standing_hold = 0, state = 0', 0, 'r.state = 1')
}

export function retryRecipients(sql: Sql, filter: QueueFilter, now: number): number {
  const notSooner = '(SELECT coalesce(not_before, 0) FROM message WHERE key = r.message) <= ?'
  return change(sql, filter, 'next_at = ?', now, `r.state = 0 AND r.next_at > ? AND ${notSooner}`, now, now)
}

/** @returns how many, and the files that no message needs any more. */
export function dropRecipients(
  sql: Sql,
  filter: QueueFilter,
  now: number,
): { readonly changed: number; readonly files: readonly string[] } {
  const { text: matching, values } = ofRecipient(filter)
  const messages = sql.all(`SELECT DISTINCT r.message FROM recipient r WHERE ${matching}`, ...values)
  const changed = change(sql, filter, 'state = ?', STATE.dropped, 'r.state < 2')
  return { changed, files: messages.flatMap((row) => leaveIfDone(sql, integer(row.message), now)) }
}

/** Begins or ends a standing hold, for what is in the queue and for what comes. */
export function changeStandingHold(sql: Sql, hold: StandingHold, on: boolean): void {
  const { kind, since, reason } = hold
  const name = nameOf(hold)
  const scope: QueueFilter = kind === 'all' ? {} : kind === 'account' ? { account: name } : { domain: name }
  if (on) {
    sql.run(
      `INSERT INTO standing_hold (kind, name, since, reason) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET reason = excluded.reason`,
      kind,
      name,
      since,
      reasonNumber(reason),
    )
    change(sql, scope, 'standing_hold = ?, state = 1', reasonNumber(reason), 'r.standing_hold = 0')
    return
  }
  sql.run('DELETE FROM standing_hold WHERE kind = ? AND name = ?', kind, name)
  change(
    sql,
    scope,
    'standing_hold = ?, state = own_hold <> 0',
    0,
    `r.standing_hold <> 0 AND NOT EXISTS (
       SELECT 1 FROM standing_hold s WHERE s.kind = 'all' OR (s.kind = 'domain' AND s.name = r.domain)
         OR (s.kind = 'account' AND s.name = (SELECT account FROM message WHERE key = r.message)))`,
  )
}

function nameOf({ kind, name }: StandingHold): string {
  if (kind === 'all') return ''
  return kind === 'domain' ? domainOf(name) : name.toLowerCase()
}

function domainOf(name: string): string {
  return parseDomain(name) ?? name.toLowerCase()
}

/**
 * Of recipients that wait or are held.
 * @param set With one value, `to`.
 * @param only With `values`.
 * @returns how many.
 */
function change(
  sql: Sql,
  filter: QueueFilter,
  set: string,
  to: number,
  only: string,
  ...values: readonly number[]
): number {
  const matching = ofRecipient(filter)
  const where = `${matching.text} AND ${only}`
  const all = [...matching.values, ...values]
  const rows = sql.all(`SELECT DISTINCT r.domain FROM recipient r WHERE ${where}`, ...all)
  if (rows.length === 0) return 0
  const changed = sql.run(`UPDATE recipient AS r SET ${set} WHERE ${where}`, to, ...all)
  refreshDestinations(sql, new Set(rows.map(({ domain }) => text(domain))))
  return changed
}

/** On `recipient r`; those that wait or are held. */
function ofRecipient({ ids, account, domain, held }: QueueFilter): Condition {
  const parts: string[] = ['r.state < 2']
  const values: SQLInputValue[] = []
  if (ids !== undefined || account !== undefined) {
    const { text: condition, values: more } = ofMessages(ids, account)
    parts.push(`r.message IN (SELECT key FROM message WHERE gone_at IS NULL${condition})`)
    values.push(...more)
  }
  if (domain !== undefined) {
    parts.push('r.domain = ?')
    values.push(domainOf(domain))
  }
  if (held !== undefined) parts.push(held ? 'r.state = 1' : 'r.state = 0')
  return { text: parts.join(' AND '), values }
}

function ofMessages(ids: readonly string[] | undefined, account: string | undefined): Condition {
  const parts: string[] = []
  const values: SQLInputValue[] = []
  if (ids !== undefined) {
    parts.push(' AND id IN (SELECT value FROM json_each(?))')
    values.push(JSON.stringify(ids))
  }
  if (account !== undefined) {
    parts.push(' AND account = ?')
    values.push(account.toLowerCase())
  }
  return { text: parts.join(''), values }
}
