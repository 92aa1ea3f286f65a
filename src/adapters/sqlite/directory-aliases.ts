/** Aliases and what they lead to, in the order in which it was given. @module */
import { setImmediate } from 'node:timers/promises'
import { done, type Result, refused } from '#lib/result.ts'
import type { AliasRecord, DirectoryRefusal } from '#store/directory.ts'
import { domainOfAddress, SLICE } from './directory-rows.ts'
import { transaction } from './migrations.ts'
import { found, integer, type Row, type Sql, text } from './sql.ts'

/** By address. */
export async function listAliases(sql: Sql, domain: string | undefined): Promise<readonly AliasRecord[]> {
  const where = domain === undefined ? '' : 'domain = ? AND'
  const parameters = domain === undefined ? [] : [domain]
  const query = `SELECT * FROM alias WHERE ${where} address > ? ORDER BY address LIMIT ${SLICE}`
  const all: AliasRecord[] = []
  for (;;) {
    const slice = sql.all(query, ...parameters, all.at(-1)?.address ?? '')
    for (const row of slice) all.push(aliasOf(sql, row))
    if (slice.length < SLICE) return all
    await setImmediate()
  }
}

export function aliasAt(sql: Sql, address: string): AliasRecord | undefined {
  const row = sql.get('SELECT * FROM alias WHERE address = ?', address)
  return row && aliasOf(sql, row)
}

/** Makes an alias, or gives it other targets. */
export function setAlias(
  sql: Sql,
  address: string,
  targets: readonly string[],
  now: number,
): Result<AliasRecord, DirectoryRefusal> {
  return transaction(sql.db, (): Result<AliasRecord, DirectoryRefusal> => {
    const domain = domainOfAddress(address)
    if (sql.get('SELECT 1 FROM domain WHERE name = ?', domain) === undefined) {
      return refused({ kind: 'no-such', what: 'domain', name: domain })
    }
    if (sql.get('SELECT 1 FROM account WHERE address = ?', address) !== undefined) {
      return refused({ kind: 'exists', what: 'account', name: address })
    }
    const insert = 'INSERT INTO alias (address, domain, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING'
    sql.run(insert, address, domain, now)
    sql.run('DELETE FROM alias_target WHERE alias = ?', address)
    for (const [position, target] of targets.entries()) {
      sql.run('INSERT INTO alias_target (alias, position, target) VALUES (?, ?, ?)', address, position, target)
    }
    return done(found(aliasAt(sql, address)))
  })
}

export function removeAlias(sql: Sql, address: string): Result<void, DirectoryRefusal> {
  const gone = sql.run('DELETE FROM alias WHERE address = ?', address)
  return gone === 0 ? refused({ kind: 'no-such', what: 'alias', name: address }) : done(undefined)
}

function aliasOf(sql: Sql, row: Row): AliasRecord {
  const address = text(row.address)
  const targets = sql.all('SELECT target FROM alias_target WHERE alias = ? ORDER BY position', address)
  return { address, targets: targets.map((target) => text(target.target)), createdAt: integer(row.created_at) }
}
