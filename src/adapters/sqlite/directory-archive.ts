/** The whole directory, out and in; both inside a transaction. @module */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { AccountRecord, AliasRecord, AppPasswordRecord, DirectoryArchive } from '#store/directory.ts'
import {
  accountColumns,
  accountOf,
  appPasswordOf,
  dkimKeyOf,
  dkimKeyValues,
  domainOf,
  domainOfAddress,
  protocolBits,
} from './directory-rows.ts'
import { blob, integer, type Row, text } from './sql.ts'

/** Reads all of it. */
export function archiveDirectory(db: DatabaseSync): DirectoryArchive {
  const all = (sql: string, ...values: SQLInputValue[]): Row[] => db.prepare(sql).all(...values)
  const targets = Map.groupBy(all('SELECT * FROM alias_target ORDER BY alias, position'), (row) => text(row.alias))
  const verifiers = Map.groupBy(all('SELECT * FROM app_password_scram ORDER BY app_password, iterations'), (row) =>
    integer(row.app_password),
  )
  const rows = all('SELECT * FROM account ORDER BY id')
  const salts = new Map(
    rows.map((row) => [integer(row.id), row.scram_salt === null ? undefined : blob(row.scram_salt)]),
  )
  const none = new Uint8Array(0)
  return {
    secret: blob(all("SELECT value FROM setting WHERE name = 'secret'")[0]?.value),
    domains: all('SELECT * FROM domain ORDER BY name').map(domainOf),
    accounts: rows.map(accountOf).map((account) => ({ ...account, scramSalt: salts.get(account.ref.id) })),
    aliases: all('SELECT * FROM alias ORDER BY address').map(
      (row): AliasRecord => ({
        address: text(row.address),
        targets: (targets.get(text(row.address)) ?? []).map(({ target }) => text(target)),
        createdAt: integer(row.created_at),
      }),
    ),
    appPasswords: all('SELECT * FROM app_password ORDER BY id').map((row) =>
      appPasswordOf(row, verifiers.get(integer(row.id)) ?? [], salts.get(integer(row.account)) ?? none),
    ),
    dkimKeys: all('SELECT * FROM dkim_key ORDER BY domain, created_at, selector').map(dkimKeyOf),
    lastAccount: Number(all("SELECT seq FROM sqlite_sequence WHERE name = 'account'")[0]?.seq ?? 0),
  }
}

/** Writes all of it. @returns `false`: something is there already, and nothing was written. */
export function restoreDirectory(db: DatabaseSync, archive: DirectoryArchive): boolean {
  const run = (sql: string, ...values: SQLInputValue[]): unknown => db.prepare(sql).run(...values)
  if (db.prepare('SELECT 1 FROM domain UNION ALL SELECT 1 FROM account LIMIT 1').get() !== undefined) return false
  run("INSERT OR REPLACE INTO setting (name, value) VALUES ('secret', ?)", archive.secret)
  for (const { name, catchAll, createdAt } of archive.domains)
    run('INSERT INTO domain (name, catch_all, created_at) VALUES (?, ?, ?)', name, catchAll ?? null, createdAt)
  for (const key of archive.dkimKeys ?? [])
    run('INSERT INTO dkim_key VALUES (?, ?, ?, ?, ?, ?, ?)', ...dkimKeyValues(key))
  for (const account of archive.accounts) insertAccount(run, account, account.scramSalt)
  for (const { address, targets, createdAt } of archive.aliases) {
    run(
      'INSERT INTO alias (address, domain, created_at) VALUES (?, ?, ?)',
      address,
      domainOfAddress(address),
      createdAt,
    )
    for (const [position, target] of targets.entries())
      run('INSERT INTO alias_target (alias, position, target) VALUES (?, ?, ?)', address, position, target)
  }
  for (const password of archive.appPasswords) insertAppPassword(run, password)
  run("DELETE FROM sqlite_sequence WHERE name = 'account'")
  run("INSERT INTO sqlite_sequence (name, seq) VALUES ('account', ?)", archive.lastAccount)
  return true
}

type Run = (sql: string, ...values: SQLInputValue[]) => unknown

function insertAccount(run: Run, account: AccountRecord, salt: Uint8Array | undefined): void {
  const columns: Record<string, SQLInputValue> = {
    id: account.ref.id,
    address: account.address,
    domain: domainOfAddress(account.address),
    created_at: account.createdAt,
    scram_salt: salt ?? null,
    ...accountColumns({ ...account, shard: account.ref.shard }),
  }
  const names = Object.keys(columns)
  run(
    `INSERT INTO account (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    ...Object.values(columns),
  )
}

function insertAppPassword(run: Run, password: AppPasswordRecord): void {
  const { id, account, name, protocols, sha256, createdAt, lastUsedAt } = password
  run(
    `INSERT INTO app_password (id, account, name, protocols, sha256, created_at, last_used_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    id,
    account,
    name,
    protocolBits(protocols),
    sha256,
    createdAt,
    lastUsedAt ?? null,
  )
  for (const { iterations, storedKey, serverKey } of password.scram)
    run(
      'INSERT INTO app_password_scram (app_password, iterations, stored_key, server_key) VALUES (?, ?, ?, ?)',
      id,
      iterations,
      storedKey,
      serverKey,
    )
}
