/** Making, deleting, renaming mailboxes, and subscribing. @module */
import { done, type Result, refused } from '#lib/result.ts'
import type { Modseq } from '#mail/ids.ts'
import { uidSetOf } from '#mail/uid-set.ts'
import { MAX_MAILBOXES, MAX_SUBSCRIPTIONS } from '#store/limits.ts'
import { canonicalMailboxName, mailboxNameFault, superiorNames } from '#store/mailbox-name.ts'
import type { Writes } from '#store/writes.ts'
import type { LoadedAccount } from '../ledger.ts'
import type { MailboxRow } from '../schema/mailbox.ts'
import { announce, type Located, locate, mailboxInfo, type Transaction } from '../transaction.ts'
import { allUids, bury, leavingIn } from './bury.ts'
import { copyMetadata } from './metadata.ts'
import { record } from './record.ts'
import { uidsExhausted } from './store-message.ts'
import { copyRange } from './transfer.ts'

type Answer<K extends keyof Writes> = Result<Writes[K]['value'], Writes[K]['refusal']>

/** CREATE (RFC 9051 §6.3.4, RFC 6154 §3). */
export function createMailbox(tx: Transaction, request: Writes['createMailbox']['request']): Answer<'createMailbox'> {
  const account = tx.ledger.load(request.account.id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  const name = canonicalMailboxName(request.name)
  const why = mailboxNameFault(name)
  if (why !== undefined) return refused({ kind: 'bad-name', why })
  if (account.byName.has(name)) return refused({ kind: 'mailbox-exists' })
  const { specialUse } = request
  if (specialUse !== undefined) {
    const taken = [...account.mailboxes.values()].find((mailbox) => mailbox.specialUse === specialUse)
    if (taken !== undefined) return refused({ kind: 'special-use-taken', by: taken.name })
  }
  const missing = superiorNames(name).filter((each) => !account.byName.has(each))
  if (!roomFor(account, missing.length + 1)) return refused({ kind: 'too-many-mailboxes', limit: MAX_MAILBOXES })
  const modseq = tx.ledger.bump(account)
  for (const superior of missing) tx.ledger.addMailbox(account, superior, undefined, tx.now)
  const mailbox = tx.ledger.addMailbox(account, name, specialUse, tx.now)
  announce(tx, account, undefined, request.by)
  return done({ modseq: modseq as Modseq, mailbox: mailboxInfo(mailbox) })
}

/** DELETE (RFC 9051 §6.3.5). A large mailbox is emptied in slices first. */
export function* deleteMailbox(
  tx: Transaction,
  request: Writes['deleteMailbox']['request'],
): Generator<undefined, Answer<'deleteMailbox'>, void> {
  const found = locate(tx, request.account.id, request.mailbox)
  if (!found.ok) return found
  let place: Located = found.value
  if (place.mailbox.name === 'INBOX') return refused({ kind: 'is-inbox' })
  for (;;) {
    const { account, mailbox } = place
    tx.ledger.bump(account, mailbox)
    const leaving = leavingIn(tx, place, 1, mailbox.uidNext, false, tx.tuning.sliceMessages)
    bury(tx, place, leaving, { cause: 'mailbox', onlyDeleted: false })
    record(tx, request.by, 'mailbox-deleted', place, uidSetOf(leaving.uids))
    announce(tx, account, mailbox, request.by)
    if (mailbox.messages === 0) break
    yield
    const again = locate(tx, request.account.id, request.mailbox)
    if (!again.ok) return again
    place = again.value
  }
  tx.ledger.removeMailbox(place.account, place.mailbox, tx.now)
  announce(tx, place.account, undefined, request.by)
  return done({ modseq: place.account.row.modseq as Modseq })
}

/** RENAME (RFC 9051 §6.3.6). */
export function renameMailbox(tx: Transaction, request: Writes['renameMailbox']['request']): Answer<'renameMailbox'> {
  const account = tx.ledger.load(request.account.id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  const from = canonicalMailboxName(request.from)
  const to = canonicalMailboxName(request.to)
  const source = account.byName.get(from)
  if (source === undefined) return refused({ kind: 'no-such-mailbox' })
  const why = mailboxNameFault(to)
  if (why !== undefined) return refused({ kind: 'bad-name', why })
  if (account.byName.has(to)) return refused({ kind: 'mailbox-exists' })
  if (from === 'INBOX') return emptyInbox(tx, { account, mailbox: source }, to, request.by)

  const renamed = new Map<MailboxRow, string>()
  const staying = new Set<string>()
  for (const mailbox of account.mailboxes.values()) {
    const moves = mailbox === source || mailbox.name.startsWith(`${from}/`)
    if (moves) renamed.set(mailbox, to + mailbox.name.slice(from.length))
    else staying.add(mailbox.name)
  }
  for (const name of renamed.values()) {
    const fault = mailboxNameFault(name)
    if (fault !== undefined) return refused({ kind: 'bad-name', why: fault })
    if (staying.has(name)) return refused({ kind: 'mailbox-exists' })
  }
  const missing = superiorNames(to).filter((name) => !staying.has(name))
  if (!roomFor(account, missing.length)) return refused({ kind: 'too-many-mailboxes', limit: MAX_MAILBOXES })
  const modseq = tx.ledger.bump(account)
  tx.ledger.renameMailboxes(account, renamed, tx.now)
  for (const name of missing) {
    if (!account.byName.has(name)) tx.ledger.addMailbox(account, name, undefined, tx.now)
  }
  announce(tx, account, undefined, request.by)
  return done({ modseq: modseq as Modseq })
}

/** RENAME of INBOX moves its messages and leaves it, and its inferiors, in place (RFC 9051 §6.3.6). */
function emptyInbox(tx: Transaction, place: Located, to: string, by: string): Answer<'renameMailbox'> {
  const { account, mailbox } = place
  const missing = superiorNames(to).filter((name) => !account.byName.has(name))
  if (!roomFor(account, missing.length + 1)) return refused({ kind: 'too-many-mailboxes', limit: MAX_MAILBOXES })
  tx.ledger.bump(account, mailbox)
  for (const name of missing) tx.ledger.addMailbox(account, name, undefined, tx.now)
  const target = tx.ledger.addMailbox(account, to, undefined, tx.now)
  copyMetadata(tx, account.row.slot, mailbox.key, target.key)
  if (uidsExhausted(target, mailbox.messages)) throw new Error('INBOX holds more messages than a mailbox has UIDs')
  for (const [first, last] of allUids(place)) {
    const leaving = leavingIn(tx, place, first, last, false, -1)
    if (leaving.uids.length === 0) break
    const to = target.uidNext
    copyRange(tx, place, leaving, target)
    bury(tx, place, leaving, { cause: 'move', onlyDeleted: false })
    record(tx, by, 'moved', place, uidSetOf(leaving.uids), { to: { mailbox: target.key, first: to } })
  }
  announce(tx, account, undefined, by)
  announce(tx, account, mailbox, by)
  announce(tx, account, target, by)
  return done({ modseq: account.row.modseq as Modseq })
}

/** SUBSCRIBE and UNSUBSCRIBE (RFC 9051 §6.3.7, §6.3.8). */
export function subscribe(tx: Transaction, request: Writes['subscribe']['request']): Answer<'subscribe'> {
  const account = tx.ledger.load(request.account.id)
  if (account === undefined) return refused({ kind: 'no-such-account' })
  const name = canonicalMailboxName(request.name)
  const why = mailboxNameFault(name)
  if (why !== undefined) return refused({ kind: 'bad-name', why })
  const { slot } = account.row
  const has = tx.sql.get('SELECT 1 FROM subscription WHERE account = ? AND name = ?', slot, name) !== undefined
  if (has === request.subscribed) return done({ modseq: account.row.modseq as Modseq })
  if (request.subscribed) {
    const count = tx.sql.number('SELECT count(*) FROM subscription WHERE account = ?', slot)
    if (count >= MAX_SUBSCRIPTIONS) return refused({ kind: 'too-many-mailboxes', limit: MAX_SUBSCRIPTIONS })
    tx.sql.run('INSERT INTO subscription (account, name) VALUES (?, ?)', slot, name)
  } else tx.sql.run('DELETE FROM subscription WHERE account = ? AND name = ?', slot, name)
  const modseq = tx.ledger.bump(account)
  announce(tx, account, undefined, request.by)
  return done({ modseq: modseq as Modseq })
}

function roomFor(account: LoadedAccount, more: number): boolean {
  return account.mailboxes.size + more <= MAX_MAILBOXES
}
