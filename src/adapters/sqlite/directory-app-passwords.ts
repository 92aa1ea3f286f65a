/** App passwords of accounts, and when each was last used. @module */
import type { Clock } from '#lib/clock.ts'
import { done, type Result, refused } from '#lib/result.ts'
import type { AccountId } from '#mail/ids.ts'
import type { AppPasswordRecord, DirectoryRefusal } from '#store/directory.ts'
import { appPasswordOf, protocolBits } from './directory-rows.ts'
import { keepSalt } from './directory-salts.ts'
import { transaction } from './migrations.ts'
import { integer, type Row, type Sql } from './sql.ts'

/** Uses are written together. */
const USE_FLUSH_MS = 30_000

export class AppPasswords {
  readonly #sql: Sql
  readonly #clock: Clock
  readonly #uses = new Map<number, number>()
  #flush: NodeJS.Timeout | undefined

  constructor(sql: Sql, clock: Clock) {
    this.#sql = sql
    this.#clock = clock
  }

  of(account: AccountId): readonly AppPasswordRecord[] {
    return this.#sql
      .all('SELECT * FROM app_password WHERE account = ? ORDER BY id', account)
      .map((row) => this.#record(row))
  }

  add(record: Omit<AppPasswordRecord, 'id' | 'createdAt' | 'lastUsedAt'>): Result<AppPasswordRecord, DirectoryRefusal> {
    const { account, name, protocols, sha256, scram } = record
    return transaction(this.#sql.db, (): Result<AppPasswordRecord, DirectoryRefusal> => {
      if (this.#sql.get('SELECT 1 FROM account WHERE id = ?', account) === undefined) {
        return refused({ kind: 'no-such', what: 'account', name: String(account) })
      }
      const row = this.#sql.get(
        `INSERT INTO app_password (account, name, protocols, sha256, created_at) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING RETURNING *`,
        account,
        name,
        protocolBits(protocols),
        sha256,
        this.#clock.now(),
      )
      if (row === undefined) return refused({ kind: 'exists', what: 'app-password', name })
      for (const { salt, iterations, storedKey, serverKey } of scram) {
        keepSalt(this.#sql, account, salt)
        this.#sql.run(
          'INSERT INTO app_password_scram (app_password, iterations, stored_key, server_key) VALUES (?, ?, ?, ?)',
          integer(row.id),
          iterations,
          storedKey,
          serverKey,
        )
      }
      return done(this.#record(row))
    })
  }

  remove(account: AccountId, name: string): Result<void, DirectoryRefusal> {
    const gone = this.#sql.run('DELETE FROM app_password WHERE account = ? AND name = ?', account, name)
    return gone === 0 ? refused({ kind: 'no-such', what: 'app-password', name }) : done(undefined)
  }

  noteUse(id: number, at: number): void {
    this.#uses.set(id, at)
    this.#flush ??= setTimeout(() => this.flush(), USE_FLUSH_MS).unref()
  }

  /** Writes the uses that were noted. */
  flush(): void {
    clearTimeout(this.#flush)
    this.#flush = undefined
    if (this.#uses.size === 0 || !this.#sql.db.isOpen) return
    try {
      transaction(this.#sql.db, () => {
        for (const [id, at] of this.#uses)
          this.#sql.run('UPDATE app_password SET last_used_at = ? WHERE id = ?', at, id)
      })
    } catch {
      // best effort: a full disk must not end a process for a date, and the next use tells it again
    }
    this.#uses.clear()
  }

  #record(row: Row): AppPasswordRecord {
    const verifiers = this.#sql.all(
      'SELECT * FROM app_password_scram WHERE app_password = ? ORDER BY iterations',
      integer(row.id),
    )
    const salt =
      verifiers.length === 0 ? new Uint8Array(0) : keepSalt(this.#sql, integer(row.account) as AccountId, undefined)
    const record = appPasswordOf(row, verifiers, salt)
    const lastUsedAt = this.#uses.get(record.id)
    return lastUsedAt === undefined ? record : { ...record, lastUsedAt }
  }
}
