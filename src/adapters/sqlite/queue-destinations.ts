/**
 * When each destination has mail that is due: the table `destination` follows `recipient`, so that nobody has to look at
 * every recipient.
 * @module
 */
import { integer, type Sql } from './sql.ts'

/** More destinations than this are counted anew together. */
const MOST_SINGLY = 1_000

/** From the highest to the lowest; each is one look into the index. */
const PRIORITIES = `
  WITH RECURSIVE level (priority) AS (
    SELECT max(priority) FROM recipient INDEXED BY recipient_due WHERE state = 0 AND domain = ?1
    UNION ALL
    SELECT (SELECT max(priority) FROM recipient INDEXED BY recipient_due
            WHERE state = 0 AND domain = ?1 AND priority < level.priority)
    FROM level WHERE level.priority IS NOT NULL)`

/** Priorities of what waits for a destination, from the highest. */
export function prioritiesOf(sql: Sql, domain: string): readonly number[] {
  const found: number[] = []
  // There are one or two: to ask once more is cheaper than a recursive query.
  for (let below = Number.MAX_SAFE_INTEGER; ; ) {
    const priority = sql.number(
      `SELECT max(priority) FROM recipient INDEXED BY recipient_due WHERE state = 0 AND domain = ? AND priority < ?`,
      domain,
      below,
    )
    if (priority === undefined) return found
    found.push(priority)
    below = priority
  }
}

/** Priorities of everything that waits, from the highest. */
export function allPriorities(sql: Sql): readonly number[] {
  const rows = sql.all(`
    WITH RECURSIVE level (priority) AS (
      SELECT max(priority) FROM recipient INDEXED BY recipient_next WHERE state = 0
      UNION ALL
      SELECT (SELECT max(priority) FROM recipient INDEXED BY recipient_next
              WHERE state = 0 AND priority < level.priority)
      FROM level WHERE level.priority IS NOT NULL)
    SELECT priority FROM level WHERE priority IS NOT NULL`)
  return rows.map(({ priority }) => integer(priority))
}

/** Something more waits for it. */
export function noteWaiting(sql: Sql, domain: string, nextAt: number): void {
  sql.run(
    `INSERT INTO destination (domain, next_at) VALUES (?, ?)
     ON CONFLICT DO UPDATE SET next_at = excluded.next_at WHERE excluded.next_at < next_at`,
    domain,
    nextAt,
  )
}

/** What waits for these has changed in any way. */
export function refreshDestinations(sql: Sql, domains: ReadonlySet<string>): void {
  if (domains.size > MOST_SINGLY) {
    sql.run('DELETE FROM destination')
    sql.run(`INSERT INTO destination (domain, next_at)
             SELECT domain, min(next_at) FROM recipient INDEXED BY recipient_due WHERE state = 0 GROUP BY domain`)
    return
  }
  for (const domain of domains) {
    const nextAt = sql.number(
      `${PRIORITIES}
       SELECT min((SELECT min(next_at) FROM recipient INDEXED BY recipient_due
                   WHERE state = 0 AND domain = ?1 AND priority = level.priority))
       FROM level WHERE priority IS NOT NULL`,
      domain,
    )
    if (nextAt === undefined) sql.run('DELETE FROM destination WHERE domain = ?', domain)
    else
      sql.run(
        `INSERT INTO destination (domain, next_at) VALUES (?, ?)
         ON CONFLICT DO UPDATE SET next_at = excluded.next_at WHERE excluded.next_at <> next_at`,
        domain,
        nextAt,
      )
  }
}
