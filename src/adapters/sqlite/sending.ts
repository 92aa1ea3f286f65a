/** What accounts have sent, in one small SQLite database, opened by the main thread only. @module */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { AccountId } from '#mail/ids.ts'
import type { SendingAlarm, SendingRecord, SentHour, SentNote, TaughtSending } from '#store/sending.ts'
import { integer, type Row } from './directory-rows.ts'
import { migrate, transaction } from './migrations.ts'

const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE sent_hour (
    account INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    recipients INTEGER NOT NULL,
    outside INTEGER NOT NULL,
    PRIMARY KEY (account, hour)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sent_hour_hour ON sent_hour (hour);

  -- first_at 0: an administrator has said that it is the person's
  CREATE TABLE sent_from (
    account INTEGER NOT NULL,
    network TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (account, network)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sent_from_last ON sent_from (last_at);

  CREATE TABLE sending_alarm (account INTEGER PRIMARY KEY, since INTEGER NOT NULL, told INTEGER NOT NULL) STRICT;
  CREATE TABLE taught (account INTEGER PRIMARY KEY, outside INTEGER NOT NULL) STRICT;
  `,
]

/** @param path `:memory:` for tests. */
export async function openSendingRecord(path: string): Promise<SendingRecord> {
  const db = new DatabaseSync(path, { timeout: 5_000 })
  try {
    // NORMAL: a message must not cost a sync of its own for being counted
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;')
    migrate(db, MIGRATIONS)
    return new SqliteSendingRecord(db)
  } catch (error) {
    db.close()
    throw new Error(`Cannot open the record of sending "${path}"`, { cause: error })
  }
}

class SqliteSendingRecord implements SendingRecord {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#statements.clear()
    if (this.#db.isOpen) this.#db.close()
  }

  async hours(account: AccountId, first: number): Promise<readonly SentHour[]> {
    const sql = 'SELECT * FROM sent_hour WHERE account = ? AND hour >= ? ORDER BY hour'
    return this.#statement(sql)
      .all(account, first)
      .map((row) => ({
        hour: integer(row.hour),
        messages: integer(row.messages),
        recipients: integer(row.recipients),
        outside: integer(row.outside),
      }))
  }

  async firstFrom(account: AccountId, network: string): Promise<number | undefined> {
    const row = this.#get('SELECT first_at FROM sent_from WHERE account = ? AND network = ?', account, network)
    return row && integer(row.first_at)
  }

  async note(account: AccountId, note: SentNote): Promise<void> {
    const { hour, messages, recipients, outside, network, at } = note
    transaction(this.#db, () => {
      this.#run(
        `INSERT INTO sent_hour (account, hour, messages, recipients, outside) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET messages = messages + excluded.messages,
           recipients = recipients + excluded.recipients, outside = outside + excluded.outside`,
        account,
        hour,
        messages,
        recipients,
        outside,
      )
      this.#run(
        `INSERT INTO sent_from (account, network, first_at, last_at) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET last_at = max(last_at, excluded.last_at)`,
        account,
        network,
        at,
        at,
      )
    })
  }

  async alarm(account: AccountId): Promise<SendingAlarm | undefined> {
    const row = this.#get('SELECT * FROM sending_alarm WHERE account = ?', account)
    return row && { since: integer(row.since), told: row.told === 1 }
  }

  async setAlarm(account: AccountId, { since, told }: SendingAlarm): Promise<void> {
    const sql = 'INSERT OR REPLACE INTO sending_alarm (account, since, told) VALUES (?, ?, ?)'
    this.#run(sql, account, since, told ? 1 : 0)
  }

  async taught(account: AccountId): Promise<TaughtSending> {
    const row = this.#get('SELECT outside FROM taught WHERE account = ?', account)
    return { outside: row === undefined ? 0 : integer(row.outside) }
  }

  async teach(account: AccountId, outside: number): Promise<void> {
    transaction(this.#db, () => {
      this.#run('DELETE FROM sending_alarm WHERE account = ?', account)
      this.#run('UPDATE sent_from SET first_at = 0 WHERE account = ?', account)
      this.#run(
        'INSERT INTO taught (account, outside) VALUES (?, ?) ON CONFLICT DO UPDATE SET outside = max(outside, excluded.outside)',
        account,
        outside,
      )
    })
  }

  async forgetBefore(hour: number, at: number): Promise<void> {
    this.#run('DELETE FROM sent_hour WHERE hour < ?', hour)
    this.#run('DELETE FROM sent_from WHERE last_at < ?', at)
  }

  #get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values)
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#statement(sql).run(...values)
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#db.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}
