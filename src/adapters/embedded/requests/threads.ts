/** Which conversation an email belongs to. @module */
import { hash } from 'node:crypto'
import type { PreparedEmail } from '#mail/prepare.ts'
import type { LoadedAccount } from '../ledger.ts'
import type { Transaction } from '../transaction.ts'

/** References looked at, newest first: long chains repeat the same conversation. */
const MOST_REFERENCES = 20

/** 52 bits of the message id with the base subject: both must be the same for one conversation (RFC 8621 §3). */
function referenceHash(id: string, baseSubject: string): number {
  return Number.parseInt(hash('sha1', `${id}\n${baseSubject}`, 'hex').slice(0, 13), 16)
}

/** Ids by which an email's conversation is found, in the order in which they are looked for. */
function idsOf(email: PreparedEmail): ReadonlySet<string> {
  const ids = new Set(email.references.slice(-MOST_REFERENCES).reverse())
  if (email.messageId !== undefined) ids.add(email.messageId)
  return ids
}

/** Of an email whose thread is known: remembers the ids that lead to it. */
export function rememberReferences(tx: Transaction, slot: number, thread: number, email: PreparedEmail): void {
  for (const id of idsOf(email)) {
    const key = referenceHash(id, email.baseSubject)
    tx.sql.run('INSERT OR IGNORE INTO thread_reference (account, hash, thread) VALUES (?, ?, ?)', slot, key, thread)
  }
}

/** Finds the thread or makes one, and remembers the ids that lead to it. */
export function threadOf(tx: Transaction, account: LoadedAccount, email: PreparedEmail): number {
  const { slot } = account.row
  const ids = idsOf(email)
  const missing: number[] = []
  let thread: number | undefined
  for (const id of ids) {
    const key = referenceHash(id, email.baseSubject)
    const found = tx.sql.get('SELECT thread FROM thread_reference WHERE account = ? AND hash = ?', slot, key)
    if (found === undefined) missing.push(key)
    else thread ??= found[0] as number
  }
  if (thread === undefined) {
    thread = account.row.nextThread
    account.row.nextThread += 1
    tx.ledger.touch(account)
  }
  for (const key of missing) {
    tx.sql.run('INSERT OR IGNORE INTO thread_reference (account, hash, thread) VALUES (?, ?, ?)', slot, key, thread)
  }
  return thread
}
