/** Rights to mailboxes (RFC 4314). @module */
import { done, type Result, refused } from '#lib/result.ts'
import type { Modseq } from '#mail/ids.ts'
import { ANYONE, changeRights } from '#store/acl.ts'
import { MAX_ACL_ENTRIES } from '#store/limits.ts'
import type { Writes } from '#store/writes.ts'
import { announce, locate, type Transaction } from '../transaction.ts'

type Answer<K extends keyof Writes> = Result<Writes[K]['value'], Writes[K]['refusal']>

/** SETACL and DELETEACL (RFC 4314 §3.1, §3.2). */
export function setAcl(tx: Transaction, request: Writes['setAcl']['request']): Answer<'setAcl'> {
  const found = locate(tx, request.account.id, request.mailbox)
  if (!found.ok) return found
  const { account, mailbox } = found.value
  const { slot } = account.row
  const { identifier, mode } = request
  const known = tx.sql.get(
    'SELECT rights FROM acl WHERE account = ? AND mailbox = ? AND identifier = ?',
    slot,
    mailbox.key,
    identifier,
  )?.[0] as string | undefined
  const rights = changeRights(known ?? '', mode, request.rights)
  if (known === undefined && rights !== '') {
    const count = tx.sql.number('SELECT count(*) FROM acl WHERE account = ? AND mailbox = ?', slot, mailbox.key)
    if (count >= MAX_ACL_ENTRIES) return refused({ kind: 'too-many-acl-entries', limit: MAX_ACL_ENTRIES })
    if (identifier === ANYONE && !tx.ledger.hasRoomForAnyone(account))
      return refused({ kind: 'too-many-for-anyone', limit: tx.ledger.mostForAnyone })
  }
  if (rights === '')
    tx.sql.run('DELETE FROM acl WHERE account = ? AND mailbox = ? AND identifier = ?', slot, mailbox.key, identifier)
  else
    tx.sql.run(
      'INSERT OR REPLACE INTO acl (account, mailbox, identifier, rights) VALUES (?, ?, ?, ?)',
      slot,
      mailbox.key,
      identifier,
      rights,
    )
  const modseq = tx.ledger.bump(account)
  announce(tx, account, undefined, request.by, 'mailboxes', identifier)
  return done({ modseq: modseq as Modseq })
}

/** Entries of one slice. */
const SLICE = 500
/** People looked for in one slice: an index answers for each. */
const PEOPLE = 1_000

/** What removed people were given, and what they were kept from. */
export function* forgetPeople(
  tx: Transaction,
  { addresses, by }: Writes['forgetPeople']['request'],
): Generator<undefined, Answer<'forgetPeople'>, void> {
  let entries = 0
  for (const [index, address] of addresses.entries()) {
    if (index % PEOPLE === PEOPLE - 1) yield
    for (const identifier of [address, `-${address}`]) {
      for (;;) {
        const dropped = forgetSlice(tx, identifier, by)
        entries += dropped
        if (dropped < SLICE) break
        yield
      }
    }
  }
  return done({ entries })
}

function forgetSlice(tx: Transaction, identifier: string, by: string): number {
  const rows = tx.sql.all(
    `SELECT l.account, l.mailbox, a.id FROM acl l JOIN account a ON a.slot = l.account
     WHERE l.identifier = ? LIMIT +?`,
    identifier,
    SLICE,
  ) as readonly (readonly [slot: number, mailbox: number, id: number | null])[]
  for (const [slot, mailbox] of rows)
    tx.sql.run('DELETE FROM acl WHERE account = ? AND mailbox = ? AND identifier = ?', slot, mailbox, identifier)
  for (const id of new Set(rows.map(([, , owner]) => owner))) {
    const account = id === null ? undefined : tx.ledger.load(id)
    if (account === undefined) continue
    tx.ledger.bump(account)
    announce(tx, account, undefined, by)
  }
  return rows.length
}
