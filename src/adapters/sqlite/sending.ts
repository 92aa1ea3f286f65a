/** What accounts have sent, in one small SQLite database, opened by the main thread only. @module */
import { DatabaseSync } from 'node:sqlite'
import type { AccountId } from '#mail/ids.ts'
import type { SendingAlarm, SendingRecord, SentHour, SentNote, TaughtSending } from '#store/sending.ts'
import { migrate, transaction } from './migrations.ts'
import { integer, Sql } from './sql.ts'

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

/** Accounts that are remembered, those that sent last. */
const MOST_KEPT = 1_000
/** What is counted comes to the file so much later, with all that is counted meanwhile. */
const WRITE_MS = 200

/** What is known of an account that sends: asked several times for each message. */
interface Kept {
  readonly hours: SentHour[]
  readonly firstFrom: Map<string, number | undefined>
  alarm: SendingAlarm | undefined
  readonly taught: TaughtSending
}

class SqliteSendingRecord implements SendingRecord {
  readonly #sql: Sql
  readonly #kept = new Map<AccountId, Kept>()
  /** Not in the file yet, by account, hour and network. */
  readonly #counted = new Map<string, { readonly account: AccountId; readonly note: SentNote }>()
  #writing: NodeJS.Timeout | undefined

  constructor(db: DatabaseSync) {
    this.#sql = new Sql(db)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#sql.db.isOpen) this.#write()
    clearTimeout(this.#writing)
    this.#sql.close()
  }

  async hours(account: AccountId, first: number): Promise<readonly SentHour[]> {
    return this.#of(account).hours.filter(({ hour }) => hour >= first)
  }

  async firstFrom(account: AccountId, network: string): Promise<number | undefined> {
    const { firstFrom } = this.#of(account)
    if (!firstFrom.has(network)) {
      const row = this.#sql.get('SELECT first_at FROM sent_from WHERE account = ? AND network = ?', account, network)
      firstFrom.set(network, row && integer(row.first_at))
    }
    return firstFrom.get(network)
  }

  async note(account: AccountId, note: SentNote): Promise<void> {
    const first = await this.firstFrom(account, note.network)
    const { hours, firstFrom } = this.#of(account)
    const { hour, messages, recipients, outside, network, at } = note
    const index = hours.findIndex((one) => one.hour === hour)
    const before = hours[index] ?? { hour, messages: 0, recipients: 0, outside: 0 }
    const now = {
      hour,
      messages: before.messages + messages,
      recipients: before.recipients + recipients,
      outside: before.outside + outside,
    }
    if (index >= 0) hours[index] = now
    else hours.splice(hours.findLastIndex((one) => one.hour < hour) + 1, 0, now)
    if (first === undefined) firstFrom.set(network, at)
    const key = `${account} ${hour} ${network}`
    const more = this.#counted.get(key)?.note
    const sum = (of: (one: SentHour) => number): number => of(note) + (more === undefined ? 0 : of(more))
    this.#counted.set(key, {
      account,
      note: {
        ...note,
        messages: sum((one) => one.messages),
        recipients: sum((one) => one.recipients),
        outside: sum((one) => one.outside),
      },
    })
    this.#writing ??= setTimeout(() => this.#write(), WRITE_MS).unref()
  }

  #write(): void {
    clearTimeout(this.#writing)
    this.#writing = undefined
    if (this.#counted.size === 0) return
    try {
      transaction(this.#sql.db, () => {
        for (const { account, note } of this.#counted.values()) this.#writeNote(account, note)
      })
      this.#counted.clear()
    } catch {
      // a full disk: with the next ones; until then it counts all the same
    }
  }

  #of(account: AccountId): Kept {
    const kept = this.#kept.get(account) ?? this.#read(account)
    this.#kept.delete(account)
    this.#kept.set(account, kept)
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value ?? account)
    return kept
  }

  #read(account: AccountId): Kept {
    this.#write()
    const rows = this.#sql.all('SELECT * FROM sent_hour WHERE account = ? ORDER BY hour', account)
    const hours = rows.map((row) => ({
      hour: integer(row.hour),
      messages: integer(row.messages),
      recipients: integer(row.recipients),
      outside: integer(row.outside),
    }))
    const alarm = this.#sql.get('SELECT * FROM sending_alarm WHERE account = ?', account)
    const taught = this.#sql.get('SELECT outside FROM taught WHERE account = ?', account)
    return {
      hours,
      firstFrom: new Map(),
      alarm: alarm && { since: integer(alarm.since), told: alarm.told === 1 },
      taught: { outside: taught === undefined ? 0 : integer(taught.outside) },
    }
  }

  #writeNote(account: AccountId, { hour, messages, recipients, outside, network, at }: SentNote): void {
    this.#sql.run(
      `INSERT INTO sent_hour (account, hour, messages, recipients, outside) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET messages = messages + excluded.messages,
         recipients = recipients + excluded.recipients, outside = outside + excluded.outside`,
      account,
      hour,
      messages,
      recipients,
      outside,
    )
    this.#sql.run(
      `INSERT INTO sent_from (account, network, first_at, last_at) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET last_at = max(last_at, excluded.last_at)`,
      account,
      network,
      at,
      at,
    )
  }

  async alarm(account: AccountId): Promise<SendingAlarm | undefined> {
    return this.#of(account).alarm
  }

  async setAlarm(account: AccountId, alarm: SendingAlarm): Promise<void> {
    const insert = 'INSERT OR REPLACE INTO sending_alarm (account, since, told) VALUES (?, ?, ?)'
    this.#sql.run(insert, account, alarm.since, alarm.told ? 1 : 0)
    this.#of(account).alarm = alarm
  }

  async taught(account: AccountId): Promise<TaughtSending> {
    return this.#of(account).taught
  }

  async teach(account: AccountId, outside: number): Promise<void> {
    this.#write()
    this.#kept.delete(account)
    transaction(this.#sql.db, () => {
      this.#sql.run('DELETE FROM sending_alarm WHERE account = ?', account)
      this.#sql.run('UPDATE sent_from SET first_at = 0 WHERE account = ?', account)
      this.#sql.run(
        'INSERT INTO taught (account, outside) VALUES (?, ?) ON CONFLICT DO UPDATE SET outside = max(outside, excluded.outside)',
        account,
        outside,
      )
    })
  }

  async forgetBefore(hour: number, at: number): Promise<void> {
    this.#write()
    this.#kept.clear()
    this.#sql.run('DELETE FROM sent_hour WHERE hour < ?', hour)
    this.#sql.run('DELETE FROM sent_from WHERE last_at < ?', at)
  }
}
