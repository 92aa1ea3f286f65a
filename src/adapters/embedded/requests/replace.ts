import { done, type Result, refused } from '#lib/result.ts'
import type { Modseq, Uid } from '#mail/ids.ts'
import { permittedFlags } from '#store/acl.ts'
import type { Writes } from '#store/writes.ts'
import { announce, locate, type Transaction } from '../transaction.ts'
import { bodySize } from './append.ts'
import { bury, leavingIn } from './bury.ts'
import { record } from './record.ts'
import { storeFor, uidsExhausted } from './store-message.ts'

type Answer = Result<Writes['replace']['value'], Writes['replace']['refusal']>

/** REPLACE (RFC 8508): one comes, one goes, at one MODSEQ. */
export function replace(tx: Transaction, request: Writes['replace']['request']): Answer {
  const { uid, guest } = request
  const { message: given } = request
  const flags = guest === undefined ? given.flags : permittedFlags(given.flags, guest.rights)
  const message = { ...given, flags }
  const found = locate(tx, request.account.id, request.mailbox)
  if (!found.ok) return found
  const { account, mailbox } = found.value
  const target = account.mailboxes.get(request.target)
  if (target === undefined) return refused({ kind: 'no-such-mailbox' })
  const leaving = leavingIn(tx, found.value, uid, uid, false, 1)
  if (leaving.uids.length === 0) return refused({ kind: 'no-such-message' })
  if (uidsExhausted(target, 1)) return refused({ kind: 'uids-exhausted' })
  const keywordLimit = tx.ledger.keywords(account).limitBroken(message.flags.keywords)
  if (keywordLimit !== undefined) return refused({ kind: 'too-many-keywords', limit: keywordLimit })
  const { limitBytes, usedBytes } = account.row
  const more = bodySize(message.body) + message.trace.length - leaving.size
  if (limitBytes !== undefined && more > 0 && usedBytes + more > limitBytes)
    return refused({ kind: 'over-quota', resource: 'storage', limit: limitBytes })

  const modseq = target === mailbox ? tx.ledger.bump(account, mailbox) : tx.ledger.bump(account, mailbox, target)
  const place = tx.bodies.put(message.body)
  const added = storeFor(tx, guest, account, target, modseq, { ...message, uidl: undefined, place })
  bury(tx, found.value, leaving, { cause: 'replace', onlyDeleted: false })
  record(tx, request.by, 'replaced', found.value, [[uid, uid]], { to: { mailbox: target.key, first: added } })
  announce(tx, account, mailbox, request.by)
  if (target !== mailbox) announce(tx, account, target, request.by)
  return done({ modseq: modseq as Modseq, uidValidity: target.uidValidity, uid: added as Uid })
}
