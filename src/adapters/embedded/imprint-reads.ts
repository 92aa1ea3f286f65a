import type { AccountId, MailboxKey, Modseq } from '#mail/ids.ts'
import type { ImprintPart } from '#store/types.ts'
import type { Sql } from './sql.ts'

/** One part of a mailbox's imprint. */
export function imprintPart(sql: Sql, account: AccountId, mailbox: MailboxKey, part: number): ImprintPart | undefined {
  const row = sql.get(
    `SELECT parts, modseq, uids, flags, modseqs FROM imprint
     WHERE account = (SELECT slot FROM account WHERE id = ?) AND mailbox = ? AND part = ?`,
    account,
    mailbox,
    part,
  )
  if (row === undefined) return undefined
  const [parts, modseq, uids, flags, modseqs] = row as readonly [number, Modseq, Uint8Array, Uint8Array, Uint8Array]
  return {
    part,
    parts,
    modseq,
    uids: new Uint32Array(memoryOf(uids)),
    flags: new Uint32Array(memoryOf(flags)),
    modseqs: new Float64Array(memoryOf(modseqs)),
  }
}

/** The bytes in memory of their own, which those of a column have already. */
function memoryOf(bytes: Uint8Array): ArrayBufferLike {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer
}
