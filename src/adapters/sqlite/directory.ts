/** The directory in one SQLite database, opened by the main thread only. @module */
import { randomBytes } from 'node:crypto'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { type Clock, systemClock } from '#lib/clock.ts'
import { done, type Result, refused } from '#lib/result.ts'
import type { AccountId } from '#mail/ids.ts'
import type {
  AccountChange,
  AccountRecord,
  AliasRecord,
  AppPasswordRecord,
  Directory,
  DirectoryArchive,
  DirectoryRefusal,
  DkimKeyRecord,
  DomainRecord,
  NewAccount,
  Pop3Extremes,
} from '#store/directory.ts'
import { AccountCache } from './account-cache.ts'
import { aliasAt, listAliases, removeAlias, setAlias } from './directory-aliases.ts'
import { AppPasswords } from './directory-app-passwords.ts'
import { archiveDirectory, restoreDirectory } from './directory-archive.ts'
import {
  accountColumns,
  accountOf,
  dkimKeyOf,
  dkimKeyValues,
  domainOf,
  domainOfAddress,
  SLICE,
} from './directory-rows.ts'
import { keepSalt } from './directory-salts.ts'
import { DIRECTORY_MIGRATIONS } from './directory-schema.ts'
import { migrate, transaction } from './migrations.ts'
import { keepSnapshot } from './snapshot.ts'
import { blob, found, integer, Sql, text } from './sql.ts'

/** Domains in memory. */
const MOST_DOMAINS = 10_000

/**
 * Opens the directory, makes or upgrades it.
 * @param path `:memory:` for tests.
 */
export async function openDirectory(path: string, clock: Clock = systemClock): Promise<Directory> {
  const db = new DatabaseSync(path, { timeout: 5_000, enableForeignKeyConstraints: true })
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
    migrate(
      db,
      DIRECTORY_MIGRATIONS,
      path === ':memory:' ? undefined : (from) => keepSnapshot(db, path, from, clock.now()),
    )
    return new SqliteDirectory(db, clock)
  } catch (error) {
    db.close()
    throw new Error(`Cannot open the directory "${path}"`, { cause: error })
  }
}

class SqliteDirectory implements Directory {
  readonly #sql: Sql
  readonly #clock: Clock
  readonly #appPasswords: AppPasswords
  /** As they were read: every recipient asks for one. Who changes one forgets it here; nothing awaits in between. */
  readonly #domains = new Map<string, DomainRecord>()
  readonly #accounts = new AccountCache()

  constructor(db: DatabaseSync, clock: Clock) {
    this.#sql = new Sql(db)
    this.#clock = clock
    this.#appPasswords = new AppPasswords(this.#sql, clock)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#appPasswords.flush()
    this.#sql.close()
  }

  // --- domains ---

  async domains(): Promise<readonly DomainRecord[]> {
    return this.#sql.all('SELECT * FROM domain ORDER BY name').map(domainOf)
  }

  async domain(name: string): Promise<DomainRecord | undefined> {
    const known = this.#domains.get(name)
    if (known !== undefined) return known
    const domain = this.#domain(name)
    if (this.#domains.size >= MOST_DOMAINS) this.#domains.clear()
    if (domain !== undefined) this.#domains.set(name, domain)
    return domain
  }

  async addDomain(name: string): Promise<Result<DomainRecord, DirectoryRefusal>> {
    const sql = 'INSERT INTO domain (name, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING'
    if (this.#sql.run(sql, name, this.#clock.now()) === 0) return refused({ kind: 'exists', what: 'domain', name })
    return done(found(this.#domain(name)))
  }

  async setCatchAll(name: string, target: string | undefined): Promise<Result<DomainRecord, DirectoryRefusal>> {
    this.#domains.delete(name)
    const changed = this.#sql.run('UPDATE domain SET catch_all = ? WHERE name = ?', target ?? null, name)
    return changed === 0 ? refused({ kind: 'no-such', what: 'domain', name }) : done(found(this.#domain(name)))
  }

  async removeDomain(name: string): Promise<Result<void, DirectoryRefusal>> {
    this.#domains.delete(name)
    return transaction(this.#sql.db, (): Result<void, DirectoryRefusal> => {
      const used =
        this.#sql.get('SELECT 1 FROM account WHERE domain = ? LIMIT 1', name) ??
        this.#sql.get('SELECT 1 FROM alias WHERE domain = ? LIMIT 1', name) ??
        // what aliases lead to would be another server's from then on
        this.#sql.get('SELECT 1 FROM alias_target WHERE substr(target, -?) = ? LIMIT 1', name.length + 1, `@${name}`)
      if (used !== undefined) return refused({ kind: 'in-use', what: 'domain', name })
      const gone = this.#sql.run('DELETE FROM domain WHERE name = ?', name)
      return gone === 0 ? refused({ kind: 'no-such', what: 'domain', name }) : done(undefined)
    })
  }

  // --- signing keys ---

  async dkimKeys(domain?: string): Promise<readonly DkimKeyRecord[]> {
    const where = domain === undefined ? '' : 'WHERE domain = ?'
    const parameters = domain === undefined ? [] : [domain]
    const sql = `SELECT * FROM dkim_key ${where} ORDER BY domain, created_at, selector`
    return this.#sql.all(sql, ...parameters).map(dkimKeyOf)
  }

  async putDkimKeys(keys: readonly DkimKeyRecord[]): Promise<Result<void, DirectoryRefusal>> {
    return transaction(this.#sql.db, (): Result<void, DirectoryRefusal> => {
      const unknown = keys.find(({ domain }) => this.#domain(domain) === undefined)
      if (unknown !== undefined) return refused({ kind: 'no-such', what: 'domain', name: unknown.domain })
      for (const key of keys)
        this.#sql.run('INSERT OR REPLACE INTO dkim_key VALUES (?, ?, ?, ?, ?, ?, ?)', ...dkimKeyValues(key))
      return done(undefined)
    })
  }

  async removeDkimKey(domain: string, selector: string): Promise<Result<void, DirectoryRefusal>> {
    const gone = this.#sql.run('DELETE FROM dkim_key WHERE domain = ? AND selector = ?', domain, selector)
    return gone === 0 ? refused({ kind: 'no-such', what: 'dkim-key', name: selector }) : done(undefined)
  }

  // --- accounts ---

  async accounts(domain?: string): Promise<readonly AccountRecord[]> {
    const all: AccountRecord[] = []
    for (;;) {
      const last = all.at(-1)
      // Each by its index. Where it is not by address, they are sorted afterwards, all in one turn.
      const slice =
        domain === undefined
          ? this.#sql.all(
              'SELECT * FROM account WHERE address > ? ORDER BY address LIMIT +?',
              last?.address ?? '',
              SLICE,
            )
          : this.#sql.all(
              'SELECT * FROM account WHERE domain = ? AND id > ? ORDER BY id LIMIT +?',
              domain,
              last?.ref.id ?? 0,
              SLICE,
            )
      for (const row of slice) all.push(accountOf(row))
      if (slice.length < SLICE) break
      await setImmediate()
    }
    return domain === undefined ? all : all.sort((one, other) => compare(one.address, other.address))
  }

  async counts(domain?: string): Promise<{ readonly accounts: number; readonly aliases: number }> {
    const where = domain === undefined ? '' : 'WHERE domain = ?'
    const parameters = domain === undefined ? [] : [domain]
    const count = (table: string): number =>
      integer(found(this.#sql.get(`SELECT count(*) AS rows FROM ${table} ${where}`, ...parameters)).rows)
    return { accounts: count('account'), aliases: count('alias') }
  }

  async account(address: string): Promise<AccountRecord | undefined> {
    const known = this.#accounts.byAddress(address)
    if (known !== undefined) return known
    const row = this.#sql.get('SELECT * FROM account WHERE address = ?', address)
    return row && this.#accounts.keep(accountOf(row))
  }

  async accountById(id: AccountId): Promise<AccountRecord | undefined> {
    const known = this.#accounts.byId(id)
    if (known !== undefined) return known
    const account = this.#accountById(id)
    return account && this.#accounts.keep(account)
  }

  async oldestAccount(domain: string): Promise<AccountRecord | undefined> {
    const row = this.#sql.get('SELECT * FROM account WHERE domain = ? ORDER BY id LIMIT 1', domain)
    return row && accountOf(row)
  }

  async accountsByShard(): Promise<ReadonlyMap<number, number>> {
    const rows = this.#sql.all('SELECT shard, count(*) AS accounts FROM account GROUP BY shard')
    return new Map(rows.map((row) => [integer(row.shard), integer(row.accounts)]))
  }

  async pop3Extremes(): Promise<Pop3Extremes> {
    const days = this.#sql.get('SELECT min(pop3_policy) AS days FROM account WHERE pop3_policy >= 0')?.days ?? null
    const delay =
      this.#sql.get('SELECT max(pop3_login_delay) AS delay FROM account WHERE pop3_login_delay IS NOT NULL')?.delay ??
      null
    const own = this.#sql.get('SELECT 1 AS own FROM account WHERE pop3_policy IS NOT NULL LIMIT 1')
    return {
      ownPolicies: own !== undefined,
      fewestDays: days === null ? undefined : integer(days),
      longestDelaySeconds: delay === null ? undefined : integer(delay),
    }
  }

  async addAccounts(accounts: readonly NewAccount[]): Promise<Result<readonly AccountRecord[], DirectoryRefusal>> {
    const refusals: DirectoryRefusal[] = []
    const added: AccountRecord[] = []
    try {
      transaction(this.#sql.db, () => {
        const domains = new Set(this.#sql.all('SELECT name FROM domain').map(({ name }) => text(name)))
        for (const account of accounts) {
          const answer = this.#insertAccount(account, domains)
          if (!answer.ok) {
            refusals.push(answer.error)
            throw new Rollback()
          }
          added.push(answer.value)
        }
      })
    } catch (error) {
      const [refusal] = refusals
      if (error instanceof Rollback && refusal !== undefined) return refused(refusal)
      throw error
    }
    return done(added)
  }

  async changeAccount(id: AccountId, change: AccountChange): Promise<Result<AccountRecord, DirectoryRefusal>> {
    const write = (): Result<AccountRecord, DirectoryRefusal> => {
      const old = this.#accountById(id)
      if (old === undefined) return refused({ kind: 'no-such', what: 'account', name: String(id) })
      if (change.scram !== undefined) keepSalt(this.#sql, id, change.scram.salt)
      const columns = accountColumns({ ...old, shard: old.ref.shard, ...change })
      const names = Object.keys(columns)
      this.#sql.run(
        `UPDATE account SET ${names.map((name) => `${name} = ?`).join(', ')} WHERE id = ?`,
        ...Object.values(columns),
        id,
      )
      return done(found(this.#accountById(id)))
    }
    try {
      return transaction(this.#sql.db, write)
    } finally {
      this.#accounts.forget(id)
    }
  }

  async removeAccount(id: AccountId): Promise<Result<void, DirectoryRefusal>> {
    const gone = this.#sql.run('DELETE FROM account WHERE id = ?', id)
    this.#accounts.forget(id)
    return gone === 0 ? refused({ kind: 'no-such', what: 'account', name: String(id) }) : done(undefined)
  }

  async scramSalt(id: AccountId): Promise<Uint8Array> {
    return keepSalt(this.#sql, id, undefined)
  }

  #insertAccount(account: NewAccount, domains: ReadonlySet<string>): Result<AccountRecord, DirectoryRefusal> {
    const { address } = account
    const domain = domainOfAddress(address)
    if (!domains.has(domain)) return refused({ kind: 'no-such', what: 'domain', name: domain })
    if (this.#sql.get('SELECT 1 FROM alias WHERE address = ?', address) !== undefined) {
      return refused({ kind: 'exists', what: 'alias', name: address })
    }
    const columns: Record<string, SQLInputValue> = {
      address,
      domain,
      created_at: this.#clock.now(),
      scram_salt: account.scram?.salt ?? null,
      ...accountColumns(account),
    }
    const names = Object.keys(columns)
    const row = this.#sql.get(
      `INSERT INTO account (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})
       ON CONFLICT DO NOTHING RETURNING *`,
      ...Object.values(columns),
    )
    return row === undefined ? refused({ kind: 'exists', what: 'account', name: address }) : done(accountOf(row))
  }

  // --- aliases ---

  async aliases(domain?: string): Promise<readonly AliasRecord[]> {
    return listAliases(this.#sql, domain)
  }

  async alias(address: string): Promise<AliasRecord | undefined> {
    return aliasAt(this.#sql, address)
  }

  async setAlias(address: string, targets: readonly string[]): Promise<Result<AliasRecord, DirectoryRefusal>> {
    if (targets.length === 0) throw new RangeError(`The alias "${address}" needs a target`)
    return setAlias(this.#sql, address, targets, this.#clock.now())
  }

  async removeAlias(address: string): Promise<Result<void, DirectoryRefusal>> {
    return removeAlias(this.#sql, address)
  }

  // --- app passwords ---

  async appPasswords(account: AccountId): Promise<readonly AppPasswordRecord[]> {
    return this.#appPasswords.of(account)
  }

  async addAppPassword(
    record: Omit<AppPasswordRecord, 'id' | 'createdAt' | 'lastUsedAt'>,
  ): Promise<Result<AppPasswordRecord, DirectoryRefusal>> {
    return this.#appPasswords.add(record)
  }

  async removeAppPassword(account: AccountId, name: string): Promise<Result<void, DirectoryRefusal>> {
    return this.#appPasswords.remove(account, name)
  }

  noteAppPasswordUse(id: number, at: number): void {
    this.#appPasswords.noteUse(id, at)
  }

  // --- whole ---

  async archive(): Promise<DirectoryArchive> {
    await this.secret()
    this.#appPasswords.flush()
    return transaction(this.#sql.db, () => archiveDirectory(this.#sql.db))
  }

  async restore(archive: DirectoryArchive): Promise<Result<void, { readonly kind: 'directory-not-empty' }>> {
    return transaction(this.#sql.db, () =>
      restoreDirectory(this.#sql.db, archive) ? done(undefined) : refused({ kind: 'directory-not-empty' }),
    )
  }

  // --- secrets ---

  async secret(): Promise<Uint8Array> {
    this.#sql.run("INSERT INTO setting (name, value) VALUES ('secret', ?) ON CONFLICT DO NOTHING", randomBytes(32))
    return blob(this.#sql.get("SELECT value FROM setting WHERE name = 'secret'")?.value)
  }

  // --- statements ---

  #domain(name: string): DomainRecord | undefined {
    const row = this.#sql.get('SELECT * FROM domain WHERE name = ?', name)
    return row && domainOf(row)
  }

  /** As it is in the database, also in the middle of a transaction. */
  #accountById(id: number): AccountRecord | undefined {
    const row = this.#sql.get('SELECT * FROM account WHERE id = ?', id)
    return row && accountOf(row)
  }
}

/** Ends a transaction whose refusal is known. */
class Rollback extends Error {
  override readonly name = 'Rollback'
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
