/** Reports about our domains in a small database: the checks thread writes it, others read. @module */
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { DomainReport, DomainReports } from '#services/domain-reports.ts'

/** Name of the database in the data directory. */
export const REPORTS = 'reports.db'

const KEPT_MS = 400 * 86_400_000
/** The oldest give way. */
const MOST_REPORTS = 100_000

export class SqliteDomainReports implements DomainReports, Disposable {
  readonly #database: DatabaseSync

  /** @param path `:memory:` for tests; made when it is not there. */
  constructor(path: string) {
    this.#database = new DatabaseSync(path, { timeout: 5_000 })
    this.#database.exec(`
      PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS report (
        kind TEXT NOT NULL, domain TEXT NOT NULL, by TEXT NOT NULL, id TEXT NOT NULL,
        end INTEGER NOT NULL, received INTEGER NOT NULL, json TEXT NOT NULL,
        PRIMARY KEY (kind, domain, by, id, end)
      ) STRICT;
      CREATE INDEX IF NOT EXISTS report_domain ON report (domain, end);
      CREATE INDEX IF NOT EXISTS report_received ON report (received);
    `)
  }

  add(reports: readonly DomainReport[], now: number): number {
    const insert = this.#database.prepare('INSERT OR IGNORE INTO report VALUES (?, ?, ?, ?, ?, ?, ?)')
    let added = 0
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      for (const report of reports) {
        const { kind, domain, by, id, end } = report
        added += Number(insert.run(kind, domain, by, id, end, now, JSON.stringify(report)).changes)
      }
      this.#database.prepare('DELETE FROM report WHERE received < ?').run(now - KEPT_MS)
      this.#database
        .prepare(
          'DELETE FROM report WHERE rowid IN (SELECT rowid FROM report ORDER BY received DESC LIMIT -1 OFFSET ?)',
        )
        .run(MOST_REPORTS)
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#database.exec('ROLLBACK')
      throw error
    }
    return added
  }

  of(domain: string, since: number): readonly DomainReport[] {
    return readReports(this.#database, domain, since)
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}

/** What a database has, without making one. */
export function storedReports(path: string, domain: string, since: number): readonly DomainReport[] {
  if (!existsSync(path)) return []
  using database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 })
  return readReports(database, domain, since)
}

function readReports(database: DatabaseSync, domain: string, since: number): readonly DomainReport[] {
  return database
    .prepare('SELECT json FROM report WHERE domain = ? AND end > ? ORDER BY end, kind, by, id')
    .all(domain, since)
    .map(({ json }) => JSON.parse(String(json)) as DomainReport)
}
