/** COPY and MOVE inside an account: one transaction, however many messages. @module */
import { done, type Result, refused } from '#lib/result.ts'
import type { Modseq, Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import { changeableFlags } from '#store/acl.ts'
import { DELETED, packFlags, SEEN } from '#store/flags.ts'
import type { Guest, NoSuchAccount, NoSuchMailbox, TransferRequest, Writes } from '#store/writes.ts'
import type { MailboxRow } from '../schema/mailbox.ts'
import { announce, type Located, locate, type Transaction } from '../transaction.ts'
import { uidsUpTo } from '../uid-lists.ts'
import { bury, joinedUids, type Leaving, leavingIn } from './bury.ts'
import { copySeen } from './guest-seen.ts'
import { record } from './record.ts'
import { quotaBroken, uidsExhausted } from './store-message.ts'

type Answer<K extends 'copy' | 'move'> = Result<Writes[K]['value'], Writes[K]['refusal']>

/** COPY (RFC 9051 §6.4.7). */
export function copy(tx: Transaction, request: TransferRequest): Answer<'copy'> {
  const found = findBoth(tx, request)
  if (!found.ok) return found
  const { place, target, ranges, messages, octets } = found.value
  const broken = quotaBroken(place.account, octets, messages)
  if (broken !== undefined) return refused(broken)
  if (uidsExhausted(target, messages)) return refused({ kind: 'uids-exhausted' })
  const first = target.uidNext
  if (messages > 0) {
    tx.ledger.bump(place.account, target)
    for (const leaving of ranges) copyRange(tx, place, leaving, target, request.guest)
    const uids = joinedUids(ranges.map((range) => range.uids))
    record(tx, request.by, 'copied', place, uids, { to: { mailbox: target.key, first } })
    announce(tx, place.account, target, request.by)
  }
  return done(answer(found.value, first))
}

/** MOVE (RFC 6851). */
export function move(tx: Transaction, request: TransferRequest): Answer<'move'> {
  const found = findBoth(tx, request)
  if (!found.ok) return found
  const { place, target, ranges, messages } = found.value
  if (uidsExhausted(target, messages)) return refused({ kind: 'uids-exhausted' })
  const first = target.uidNext
  if (messages > 0) {
    tx.ledger.bump(place.account, place.mailbox, target)
    for (const leaving of ranges) {
      copyRange(tx, place, leaving, target, request.guest)
      bury(tx, place, leaving, { cause: 'move', onlyDeleted: false })
    }
    const uids = joinedUids(ranges.map((range) => range.uids))
    record(tx, request.by, 'moved', place, uids, { to: { mailbox: target.key, first } })
    announce(tx, place.account, place.mailbox, request.by)
    if (target !== place.mailbox) announce(tx, place.account, target, request.by)
  }
  return done(answer(found.value, first))
}

interface Both {
  readonly place: Located
  readonly target: MailboxRow
  readonly ranges: readonly Leaving[]
  readonly messages: number
  readonly octets: number
}

function findBoth(tx: Transaction, request: TransferRequest): Result<Both, NoSuchAccount | NoSuchMailbox> {
  const found = locate(tx, request.account.id, request.mailbox)
  if (!found.ok) return found
  const place = found.value
  const target = place.account.mailboxes.get(request.target)
  if (target === undefined) return refused({ kind: 'no-such-mailbox' })
  const ranges: Leaving[] = []
  let messages = 0
  let octets = 0
  for (const [first, last] of uidsUpTo(request.uids, place.mailbox.uidNext - 1)) {
    const range = leavingIn(tx, place, first, last, false, -1)
    if (range.uids.length === 0) continue
    ranges.push(range)
    messages += range.uids.length
    octets += range.size
  }
  return done({ place, target, ranges, messages, octets })
}

/** Puts the messages of a range into the target at the account's MODSEQ, which the caller has raised. */
export function copyRange(
  tx: Transaction,
  { account, mailbox }: Located,
  range: Leaving,
  target: MailboxRow,
  guest?: Guest,
): void {
  const { row } = account
  // `\Seen` of the message is the owner's, which the guest leaves as it is.
  const kept = guest === undefined ? ALL_FLAGS : keptFlags(guest.rights)
  copySeen(tx, { account, mailbox }, range, target, guest?.rights.includes('s') === false ? guest.user : undefined)
  tx.sql.run(
    `INSERT INTO message (account, mailbox, uid, modseq, flags, saved_at, email, size, uidl, email_row)
     SELECT account, ?, ? + row_number() OVER (ORDER BY uid), ?, flags & ?, ?, email, size, NULL, email_row FROM message
     WHERE account = ? AND mailbox = ? AND uid BETWEEN ? AND ?`,
    target.key,
    target.uidNext - 1,
    row.modseq,
    kept,
    tx.now,
    row.slot,
    mailbox.key,
    range.uids[0] as number,
    range.uids.at(-1) as number,
  )
  const count = range.uids.length
  tx.ledger.noteMessages(account, target, target.uidNext, target.uidNext + count - 1)
  target.uidNext += count
  target.messages += count
  target.size += range.size
  target.unseen += range.unseen
  if ((kept & DELETED) !== 0) target.deleted += range.deleted
  row.usedBytes += range.size
  row.usedMessages += count
}

const ALL_FLAGS = 0xffff_ffff

/** The flags of a message that stay when somebody with these rights copies it; keywords go with `w`. */
function keptFlags(rights: string): number {
  const system = changeableFlags(rights) | SEEN
  return rights.includes('w') ? packFlags(system, ALL_FLAGS >>> 8) : system
}

function answer({ place, target, ranges, messages }: Both, first: number): Writes['copy']['value'] {
  const to: UidSet = messages === 0 ? [] : [[first as Uid, (first + messages - 1) as Uid]]
  return {
    modseq: place.account.row.modseq as Modseq,
    uidValidity: target.uidValidity,
    from: joinedUids(ranges.map(({ uids }) => uids)),
    to,
  }
}
