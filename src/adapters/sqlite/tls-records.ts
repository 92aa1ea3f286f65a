/** What is remembered about TLS with other servers, in `queue/tls.db`; opened by the queue thread alone. @module */
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { KnownStsPolicy, TlsRecords, TlsSessions } from '#store/tls-records.ts'
import { migrate, transaction } from './migrations.ts'

const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE sts_policy (
    domain TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    mode TEXT NOT NULL,
    -- patterns, a space between them
    mx TEXT NOT NULL,
    max_age INTEGER NOT NULL,
    fetched_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE session (
    day TEXT NOT NULL,
    domain TEXT NOT NULL,
    policy_type TEXT NOT NULL,
    -- lines
    policy_text TEXT NOT NULL,
    policy_mx TEXT NOT NULL,
    host TEXT NOT NULL,
    address TEXT NOT NULL,
    failure TEXT NOT NULL,
    words TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (day, domain, policy_type, policy_text, policy_mx, host, address, failure, words)
  ) STRICT, WITHOUT ROWID;
  `,
]

/** Opens `tls.db` in the folder `queue/`. A damaged one is made anew: nothing in it is needed to deliver. */
export async function openTlsRecords(directory: string): Promise<TlsRecords> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const file = path.join(directory, 'tls.db')
  try {
    return openFile(file)
  } catch (error) {
    if (!isDamage(error)) throw new Error(`Cannot open "${file}"`, { cause: error })
    for (const end of ['', '-wal', '-shm']) await rm(`${file}${end}`, { force: true })
    return openFile(file)
  }
}

function openFile(file: string): TlsRecords {
  const db = new DatabaseSync(file, { timeout: 5_000 })
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;')
    migrate(db, MIGRATIONS)
    return new SqliteTlsRecords(db)
  } catch (error) {
    db.close()
    throw error
  }
}

/** SQLITE_CORRUPT, SQLITE_NOTADB. */
function isDamage(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (error.errcode === 11 || error.errcode === 26)
}

class SqliteTlsRecords implements TlsRecords {
  readonly #db: DatabaseSync
  readonly #policy: StatementSync
  readonly #keep: StatementSync
  readonly #count: StatementSync
  readonly #sessions: StatementSync

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#policy = db.prepare('SELECT id, mode, mx, max_age, fetched_at FROM sts_policy WHERE domain = ?')
    this.#keep = db.prepare('INSERT OR REPLACE INTO sts_policy VALUES (?, ?, ?, ?, ?, ?)')
    this.#count = db.prepare(
      'INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count',
    )
    this.#sessions = db.prepare('SELECT * FROM session WHERE day = ? AND domain = ?')
  }

  async stsPolicy(domain: string): Promise<KnownStsPolicy | undefined> {
    const row = this.#policy.get(domain)
    if (row === undefined) return undefined
    const mode = row.mode === 'enforce' || row.mode === 'testing' ? row.mode : 'none'
    return {
      id: String(row.id),
      mode,
      mx: listOf(row.mx, ' '),
      maxAgeSeconds: Number(row.max_age),
      fetchedAt: Number(row.fetched_at),
    }
  }

  async keepStsPolicy(domain: string, { id, mode, mx, maxAgeSeconds, fetchedAt }: KnownStsPolicy): Promise<void> {
    this.#keep.run(domain, id, mode, mx.join(' '), maxAgeSeconds, fetchedAt)
  }

  async dropStsPolicies(now: number): Promise<void> {
    this.#db.prepare('DELETE FROM sts_policy WHERE fetched_at + max_age * 1000 <= ?').run(now)
  }

  async count(day: string, sessions: readonly TlsSessions[]): Promise<void> {
    transaction(this.#db, () => {
      for (const { domain, policy, host, address, failure, words, count } of sessions) {
        const { type, text, mx } = policy
        this.#count.run(day, domain, type, text.join('\n'), mx.join(' '), host, address, failure, words, count)
      }
    })
  }

  async days(): Promise<readonly string[]> {
    return this.#db
      .prepare('SELECT DISTINCT day FROM session ORDER BY day')
      .all()
      .map((row) => String(row.day))
  }

  async domains(day: string): Promise<readonly string[]> {
    return this.#db
      .prepare('SELECT DISTINCT domain FROM session WHERE day = ? ORDER BY domain')
      .all(day)
      .map((row) => String(row.domain))
  }

  async sessions(day: string, domain: string): Promise<readonly TlsSessions[]> {
    return this.#sessions.all(day, domain).map((row) => ({
      domain,
      policy: {
        type: row.policy_type === 'sts' || row.policy_type === 'tlsa' ? row.policy_type : 'no-policy-found',
        text: listOf(row.policy_text, '\n'),
        mx: listOf(row.policy_mx, ' '),
      },
      host: String(row.host),
      address: String(row.address),
      failure: String(row.failure),
      words: String(row.words),
      count: Number(row.count),
    }))
  }

  async forget(day: string, domain?: string): Promise<void> {
    if (domain === undefined) this.#db.prepare('DELETE FROM session WHERE day = ?').run(day)
    else this.#db.prepare('DELETE FROM session WHERE day = ? AND domain = ?').run(day, domain)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#db.close()
  }
}

function listOf(column: unknown, between: string): string[] {
  const text = String(column)
  return text === '' ? [] : text.split(between)
}
