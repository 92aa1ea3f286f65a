/** What is to be sent now. Every question is a look into an index, however much waits. @module */
import type { DueMessage } from '#store/queue.ts'
import { allPriorities, prioritiesOf } from './queue-destinations.ts'
import { loadDue } from './queue-rows.ts'
import { integer, type Sql, text } from './sql.ts'

interface Candidate {
  readonly message: number
  readonly domain: string
  readonly priority: number
  readonly nextAt: number
}

/** See `QueueStore.due`. */
export function dueMessages(
  sql: Sql,
  now: number,
  limit: number,
  domains: readonly string[] | undefined,
): readonly DueMessage[] {
  const candidates =
    domains === undefined
      ? anyCandidates(sql, now, limit)
      : domains.flatMap((domain) => candidatesOf(sql, domain, now, limit)).sort(byUrgency)
  return loadDue(sql, candidates.slice(0, limit), now).map((message) => ({ message }))
}

/** See `QueueStore.destinations`. In one question: there may be many, and this is asked all the time. */
export function destinationsDue(
  sql: Sql,
  now: number,
  limit: number,
  most: number,
): readonly { readonly domain: string; readonly messages: number }[] {
  const priorities = allPriorities(sql)
  // recipients of one message are tried at one time, most of them
  const counts = priorities.map(
    () => `(SELECT count(*) FROM (
       SELECT 1 FROM recipient INDEXED BY recipient_due
       WHERE state = 0 AND domain = d.domain AND priority = ? AND next_at <= ? GROUP BY next_at, message LIMIT +?))`,
  )
  if (counts.length === 0) return []
  const rows = sql.all(
    `SELECT d.domain, ${counts.join(' + ')} AS messages FROM destination d
     WHERE d.next_at <= ? ORDER BY d.next_at LIMIT +?`,
    ...priorities.flatMap((priority) => [priority, now, most]),
    now,
    limit,
  )
  return rows.map((row) => ({ domain: text(row.domain), messages: Math.min(most, integer(row.messages)) }))
}

/** See `QueueStore.nextDue`. */
export function nextDue(sql: Sql, now: number): number | undefined {
  let next: number | undefined
  for (const priority of allPriorities(sql)) {
    const first = sql.number(
      `SELECT min(next_at) FROM recipient INDEXED BY recipient_next
       WHERE state = 0 AND priority = ? AND next_at > ?`,
      priority,
      now,
    )
    if (first !== undefined && (next === undefined || first < next)) next = first
  }
  return next
}

function candidatesOf(sql: Sql, domain: string, now: number, limit: number): readonly Candidate[] {
  const found = new Map<number, Candidate>()
  for (const priority of prioritiesOf(sql, domain)) {
    const rows = sql.rows(
      `SELECT message, next_at FROM recipient INDEXED BY recipient_due
       WHERE state = 0 AND domain = ? AND priority = ? AND next_at <= ? ORDER BY next_at, message`,
      domain,
      priority,
      now,
    )
    for (const row of rows) {
      if (found.size === limit) return [...found.values()]
      const message = integer(row.message)
      if (!found.has(message)) found.set(message, { message, domain, priority, nextAt: integer(row.next_at) })
    }
  }
  return [...found.values()]
}

function anyCandidates(sql: Sql, now: number, limit: number): readonly Candidate[] {
  const found = new Map<string, Candidate>()
  for (const priority of allPriorities(sql)) {
    const rows = sql.rows(
      `SELECT message, domain, next_at FROM recipient INDEXED BY recipient_next
       WHERE state = 0 AND priority = ? AND next_at <= ? ORDER BY next_at, message`,
      priority,
      now,
    )
    for (const row of rows) {
      if (found.size === limit) return [...found.values()]
      const [message, domain] = [integer(row.message), text(row.domain)]
      const key = `${message} ${domain}`
      if (!found.has(key)) found.set(key, { message, domain, priority, nextAt: integer(row.next_at) })
    }
  }
  return [...found.values()]
}

function byUrgency(one: Candidate, other: Candidate): number {
  return other.priority - one.priority || one.nextAt - other.nextAt || one.message - other.message
}
