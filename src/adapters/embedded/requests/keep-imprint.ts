/** Keeping what a mailbox was like, for who opens it next. @module */
import { done, type Result } from '#lib/result.ts'
import type { Modseq } from '#mail/ids.ts'
import type { Writes } from '#store/writes.ts'
import { locate, type Transaction } from '../transaction.ts'

/** One part; those of a longer imprint before go. */
export function keepImprint(
  tx: Transaction,
  { account, mailbox, imprint }: Writes['keepImprint']['request'],
): Result<Writes['keepImprint']['value'], Writes['keepImprint']['refusal']> {
  const found = locate(tx, account.id, mailbox)
  if (!found.ok) return found
  const { slot, modseq } = found.value.account.row
  // One that is ahead was made of another account, in whose place this one was restored.
  if (imprint.modseq <= modseq) {
    tx.sql.run(
      `INSERT OR REPLACE INTO imprint (account, mailbox, part, parts, modseq, uids, flags, modseqs)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      slot,
      mailbox,
      imprint.part,
      imprint.parts,
      imprint.modseq,
      bytesOf(imprint.uids),
      bytesOf(imprint.flags),
      bytesOf(imprint.modseqs),
    )
    tx.sql.run('DELETE FROM imprint WHERE account = ? AND mailbox = ? AND part >= ?', slot, mailbox, imprint.parts)
  }
  return done({ modseq: modseq as Modseq })
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
