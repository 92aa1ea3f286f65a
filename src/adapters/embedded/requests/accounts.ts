/** Making, limiting and removing accounts. @module */
import { done, type Result, refused } from '#lib/result.ts'
import type { Modseq } from '#mail/ids.ts'
import { canonicalMailboxName, mailboxNameFault, superiorNames } from '#store/mailbox-name.ts'
import type { Asked, Writes } from '#store/writes.ts'
import { announce, type Transaction } from '../transaction.ts'

type Answer<K extends keyof Writes> = Result<Writes[K]['value'], Writes[K]['refusal']>

/** Makes the account with its mailboxes; one that exists is left as it is. */
export function openAccount(tx: Transaction, request: Writes['openAccount']['request']): Answer<'openAccount'> {
  const existing = tx.ledger.load(request.account.id)
  if (existing !== undefined) return done({ modseq: existing.row.modseq as Modseq })
  for (const { name } of request.mailboxes) {
    const why = mailboxNameFault(canonicalMailboxName(name))
    if (why !== undefined) return refused({ kind: 'bad-name', why })
  }
  const { storageBytes, messages } = request.limits
  const account = tx.ledger.create(request.account.id, { bytes: storageBytes, messages }, tx.now)
  tx.ledger.bump(account)
  const uses = new Map<string, string>()
  for (const plan of request.mailboxes) {
    if (plan.specialUse !== undefined) uses.set(canonicalMailboxName(plan.name), plan.specialUse)
  }
  const make = (name: string): void => {
    if (!account.byName.has(name)) tx.ledger.addMailbox(account, name, uses.get(name), tx.now)
  }
  make('INBOX')
  for (const plan of request.mailboxes) {
    const name = canonicalMailboxName(plan.name)
    for (const superior of superiorNames(name)) make(superior)
    make(name)
    if (plan.subscribed) {
      tx.sql.run('INSERT OR IGNORE INTO subscription (account, name) VALUES (?, ?)', account.row.slot, name)
    }
  }
  announce(tx, account, undefined, request.by)
  return done({ modseq: account.row.modseq as Modseq })
}

/** Changes the limits; what is there stays, also above them. */
export function setLimits(tx: Transaction, request: Writes['setLimits']['request']): Answer<'setLimits'> {
  const account = tx.ledger.load(request.account.id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  account.row.limitBytes = request.limits.storageBytes
  account.row.limitMessages = request.limits.messages
  const modseq = tx.ledger.bump(account)
  announce(tx, account, undefined, request.by)
  return done({ modseq: modseq as Modseq })
}

/** Takes the account out of sight at once; its rows and bodies go with the upkeep. */
export function removeAccount(tx: Transaction, request: Asked): Answer<'removeAccount'> {
  const account = tx.ledger.load(request.account.id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  const modseq = tx.ledger.bump(account)
  tx.ledger.flush()
  tx.sql.run('UPDATE account SET id = NULL WHERE slot = ?', account.row.slot)
  tx.sql.run('DELETE FROM arriving WHERE slot = ?', account.row.slot)
  announce(tx, account, undefined, request.by, 'account-removed')
  tx.ledger.drop(account)
  return done({ modseq: modseq as Modseq })
}
