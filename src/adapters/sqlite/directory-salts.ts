import { randomBytes } from 'node:crypto'
import type { AccountId } from '#mail/ids.ts'
import { blob, type Sql } from './sql.ts'

/**
 * The salt that all verifiers of an account share, set or made where it has none.
 * @param wanted The salt of a verifier that exists; `undefined`: any.
 */
export function keepSalt(sql: Sql, id: AccountId, wanted: Uint8Array | undefined): Uint8Array {
  const row = sql.get('SELECT scram_salt FROM account WHERE id = ?', id)
  if (row === undefined) throw new Error(`No account with id ${id}`)
  if (row.scram_salt !== null) {
    const salt = blob(row.scram_salt)
    if (wanted !== undefined && Buffer.compare(salt, wanted) !== 0) {
      throw new Error(`The SCRAM verifier of account ${id} was made with another salt than the account's`)
    }
    return salt
  }
  const salt = wanted ?? new Uint8Array(randomBytes(16))
  sql.run('UPDATE account SET scram_salt = ? WHERE id = ?', salt, id)
  return salt
}
