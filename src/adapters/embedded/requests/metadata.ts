/** Annotations (RFC 5464). @module */
import { done, type Result, refused } from '#lib/result.ts'
import type { Modseq } from '#mail/ids.ts'
import { MAX_METADATA_ENTRIES, MAX_METADATA_OCTETS, MAX_METADATA_OF_GUEST, MAX_METADATA_TOTAL } from '#store/limits.ts'
import type { Writes } from '#store/writes.ts'
import { announce, type Transaction } from '../transaction.ts'

type Answer<K extends keyof Writes> = Result<Writes[K]['value'], Writes[K]['refusal']>

/** SETMETADATA (RFC 5464 §4.3). */
export function setMetadata(tx: Transaction, request: Writes['setMetadata']['request']): Answer<'setMetadata'> {
  const account = tx.ledger.load(request.account.id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  const mailbox = request.mailbox ?? 0
  if (request.mailbox !== undefined && !account.mailboxes.has(mailbox)) return refused({ kind: 'no-such-mailbox' })
  const { slot } = account.row
  const wanted = new Map(request.entries.map(({ name, value }) => [name, value]))
  const more = new Map<number, number>()
  /** Of the account, and of the guest who asks. */
  const octets = { account: 0, guest: 0 }
  for (const [name, value] of wanted) {
    if (value !== undefined && value.length > MAX_METADATA_OCTETS)
      return refused({ kind: 'metadata-too-large', limit: MAX_METADATA_OCTETS })
    const owner = ownerOf(name, request.user)
    const before = tx.sql.get(
      'SELECT length(value) FROM metadata WHERE account = ? AND mailbox = ? AND user = ? AND name = ?',
      slot,
      mailbox,
      owner,
      name,
    )
    const old = before === undefined ? 0 : name.length + (before[0] as number)
    octets[isOfGuest(owner, request) ? 'guest' : 'account'] +=
      (value === undefined ? 0 : name.length + value.length) - old
    more.set(owner, (more.get(owner) ?? 0) + (value === undefined ? 0 : 1) - (before === undefined ? 0 : 1))
  }
  for (const [owner, growth] of more) {
    const count = tx.sql.number(
      'SELECT count(*) FROM metadata WHERE account = ? AND mailbox = ? AND user = ?',
      slot,
      mailbox,
      owner,
    )
    if (growth > 0 && count + growth > MAX_METADATA_ENTRIES) return refused({ kind: 'too-much-metadata' })
  }
  const total = (whose: 'user IN (0, ?)' | 'user = ?', user: number): number =>
    tx.sql.number(
      `SELECT coalesce(sum(length(name) + length(value)), 0) FROM metadata WHERE account = ? AND ${whose}`,
      slot,
      user,
    )
  const { account: grows, guest: guestGrows } = octets
  if (grows > 0 && total('user IN (0, ?)', request.account.id) + grows > MAX_METADATA_TOTAL)
    return refused({ kind: 'too-much-metadata' })
  if (guestGrows > 0 && total('user = ?', request.user) + guestGrows > MAX_METADATA_OF_GUEST)
    return refused({ kind: 'too-much-metadata' })
  for (const [name, value] of wanted) {
    const owner = ownerOf(name, request.user)
    if (value === undefined)
      tx.sql.run(
        'DELETE FROM metadata WHERE account = ? AND mailbox = ? AND user = ? AND name = ?',
        slot,
        mailbox,
        owner,
        name,
      )
    else
      tx.sql.run(
        'INSERT OR REPLACE INTO metadata (account, mailbox, user, name, value) VALUES (?, ?, ?, ?, ?)',
        slot,
        mailbox,
        owner,
        name,
        value,
      )
  }
  const modseq = tx.ledger.bump(account)
  announce(tx, account, undefined, request.by)
  return done({ modseq: modseq as Modseq })
}

/** The annotations of INBOX are also those of the mailbox that its messages were moved to (RFC 5464 §4.1). */
export function copyMetadata(tx: Transaction, slot: number, from: number, to: number): void {
  tx.sql.run(
    `INSERT INTO metadata (account, mailbox, user, name, value)
     SELECT account, ?, user, name, value FROM metadata WHERE account = ? AND mailbox = ?`,
    to,
    slot,
    from,
  )
}

/** What somebody else keeps there for themselves does not use up what the owner has. */
function isOfGuest(owner: number, { account }: Writes['setMetadata']['request']): boolean {
  return owner !== 0 && owner !== account.id
}

function ownerOf(name: string, user: number): number {
  return name.startsWith('/private/') ? user : 0
}
