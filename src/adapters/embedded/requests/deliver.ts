import { done, type Result, refused } from '#lib/result.ts'
import type { MailboxKey, Modseq, Uid } from '#mail/ids.ts'
import { ANYONE } from '#store/acl.ts'
import { canonicalMailboxName } from '#store/mailbox-name.ts'
import type { Delivered, DeliverRefusal, DeliverRequest, Recipient } from '#store/writes.ts'
import type { StoredPlace } from '../bodies.ts'
import type { LoadedAccount } from '../ledger.ts'
import type { MailboxRow } from '../schema/mailbox.ts'
import { announce, type Transaction } from '../transaction.ts'
import { bodySize } from './append.ts'
import { quotaBroken, storeMessage, uidsExhausted } from './store-message.ts'

/** One message for several accounts of this shard: each is decided alone, they share the body. */
export function deliver(tx: Transaction, request: DeliverRequest): readonly Result<Delivered, DeliverRefusal>[] {
  const size = bodySize(request.body)
  let place: StoredPlace | undefined
  const toOne = (recipient: Recipient): Result<Delivered, DeliverRefusal> => {
    const account = tx.ledger.load(recipient.account.id)
    if (account === undefined) return refused({ kind: 'no-such-account' })
    if (account.frozen) return refused({ kind: 'unavailable', reason: 'moving' })
    const mailbox = postable(tx, account, recipient.mailbox) ?? account.byName.get('INBOX')
    if (mailbox === undefined) throw new Error(`Account ${account.row.id} has no INBOX`)
    if (uidsExhausted(mailbox, 1)) return refused({ kind: 'uids-exhausted' })
    const broken = quotaBroken(account, size + recipient.trace.length, 1)
    if (broken !== undefined) return refused(broken)
    place ??= tx.bodies.put(request.body)
    // Mail is worth more than a filter's keywords: those beyond the limits are dropped.
    const tooMany = tx.ledger.keywords(account).limitBroken(recipient.flags.keywords) !== undefined
    const flags = tooMany ? { system: recipient.flags.system, keywords: [] } : recipient.flags
    const modseq = tx.ledger.bump(account, mailbox)
    const uid = storeMessage(tx, account, mailbox, modseq, {
      place,
      email: request.email,
      trace: recipient.trace,
      flags,
      internalDate: recipient.internalDate,
      internalZone: recipient.internalZone,
      uidl: undefined,
    })
    announce(tx, account, mailbox, request.by)
    return done({
      modseq: modseq as Modseq,
      mailbox: mailbox.key as MailboxKey,
      uidValidity: mailbox.uidValidity,
      uid: uid as Uid,
    })
  }
  return request.recipients.map(toOne)
}

/** The mailbox, unless its owner has taken the right to post there from everybody (RFC 4314 §2.1: `p`). */
function postable(tx: Transaction, account: LoadedAccount, name: string): MailboxRow | undefined {
  const mailbox = account.byName.get(canonicalMailboxName(name))
  if (mailbox === undefined || mailbox.name === 'INBOX') return mailbox
  const withdrawn = tx.sql.get(
    'SELECT rights FROM acl WHERE account = ? AND mailbox = ? AND identifier = ?',
    account.row.slot,
    mailbox.key,
    `-${ANYONE}`,
  )?.[0] as string | undefined
  return withdrawn?.includes('p') === true ? undefined : mailbox
}
