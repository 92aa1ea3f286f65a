/** Putting one message into a mailbox, for append and deliver. @module */
import type { PreparedEmail } from '#mail/prepare.ts'
import { DELETED, packFlags, SEEN } from '#store/flags.ts'
import type { Flags } from '#store/types.ts'
import type { Guest } from '#store/writes.ts'
import type { StoredPlace } from '../bodies.ts'
import type { LoadedAccount } from '../ledger.ts'
import type { MailboxRow } from '../schema/mailbox.ts'
import type { Transaction } from '../transaction.ts'
import { setSeen } from './guest-seen.ts'
import { threadOf } from './threads.ts'

/** The system flags that exist. */
export const SYSTEM_MASK = 0x1f

/** A message whose body has its place. */
export interface Entering {
  readonly place: StoredPlace
  readonly email: PreparedEmail
  readonly trace: Uint8Array
  readonly flags: Flags
  readonly internalDate: number
  readonly internalZone: number
  readonly uidl: string | undefined
}

/** Adds a message that the caller has found to be allowed. @returns its UID. */
export function storeMessage(
  tx: Transaction,
  account: LoadedAccount,
  mailbox: MailboxRow,
  modseq: number,
  message: Entering,
): number {
  const { row } = account
  const { place, email, trace, flags } = message
  const system = flags.system & SYSTEM_MASK
  const uid = mailbox.uidNext
  const key = row.nextEmail
  const emailRow = tx.ledger.takeEmailRow()
  const size = place.length + trace.length
  const thread = threadOf(tx, account, email)
  const keywords = tx.ledger.keywords(account)
  const set = keywords.intern(flags.keywords)
  const arrival = tx.bodies.arrive(
    {
      account: row.id,
      slot: row.slot,
      mailbox: mailbox.key,
      mailboxName: mailbox.name,
      uid,
      email: key,
      row: emailRow,
      internalDate: message.internalDate,
      internalZone: message.internalZone,
      system,
      keywords: keywords.keywords(set),
      segment: place.segment,
      position: place.position,
      length: place.length,
      ...(message.uidl === undefined ? {} : { uidl: message.uidl }),
    },
    trace,
  )
  insertEmail(tx, { id: emailRow, slot: row.slot, key }, thread, message, arrival)
  tx.sql.run(
    `INSERT INTO message (account, mailbox, uid, modseq, flags, saved_at, email, size, uidl, email_row)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    row.slot,
    mailbox.key,
    uid,
    modseq,
    packFlags(system, set),
    tx.now,
    key,
    size,
    message.uidl ?? null,
    emailRow,
  )
  row.nextEmail += 1
  row.usedBytes += size
  row.usedMessages += 1
  mailbox.uidNext += 1
  mailbox.messages += 1
  mailbox.size += size
  if ((system & SEEN) === 0) mailbox.unseen += 1
  if ((system & DELETED) !== 0) mailbox.deleted += 1
  tx.ledger.noteMessages(account, mailbox, uid)
  return uid
}

/** Where the rows of an email lie. */
interface EmailRows {
  readonly id: number
  /** Of an email that lies in the order of arrival. */
  readonly slot: number | undefined
  readonly key: number | undefined
}

/** The rows of an email, in all three tables. */
export function insertEmail(
  tx: Transaction,
  { id, slot, key }: EmailRows,
  thread: number,
  message: Pick<Entering, 'place' | 'email' | 'trace' | 'internalDate' | 'internalZone'>,
  arrival: { readonly segment: number; readonly stored: number },
): void {
  const { place, email, trace } = message
  tx.sql.run(
    `INSERT INTO email (id, thread, size, internal_date, internal_zone, segment, position, length, stored,
     arrival_segment, arrival_stored, header_size, lines, sent_at, sent_day, has_attachment, subject, base_subject,
     sender, recipients, cc, message_id, trace, owner_slot, owner_key)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    id,
    thread,
    place.length + trace.length,
    message.internalDate,
    message.internalZone,
    place.segment,
    place.position,
    place.length,
    place.stored,
    arrival.segment,
    arrival.stored,
    email.headerSize,
    email.lines,
    email.sentAt ?? null,
    email.sentDay ?? null,
    email.hasAttachment ? 1 : 0,
    email.subject,
    email.baseSubject,
    email.from,
    email.to,
    email.cc,
    email.messageId ?? null,
    trace,
    slot ?? null,
    key ?? null,
  )
  tx.sql.run(
    'INSERT INTO email_ready (id, envelope, structure, parts, preview) VALUES (?, ?, ?, ?, ?)',
    id,
    email.envelope,
    email.bodyStructure,
    email.parts,
    email.preview,
  )
  tx.sql.run('INSERT INTO email_header (id, fields, header) VALUES (?, ?, ?)', id, email.fields, email.header)
}

/** The same for somebody who may not be the owner: a guest's `\Seen` is for them alone. */
export function storeFor(
  tx: Transaction,
  guest: Guest | undefined,
  account: LoadedAccount,
  mailbox: MailboxRow,
  modseq: number,
  message: Entering,
): number {
  if (guest === undefined) return storeMessage(tx, account, mailbox, modseq, message)
  const { system, keywords } = message.flags
  const uid = storeMessage(tx, account, mailbox, modseq, { ...message, flags: { system: system & ~SEEN, keywords } })
  if ((system & SEEN) !== 0) setSeen(tx, account, mailbox.key, guest.user, uid, true)
  return uid
}

/** The quota that so much more would break. */
export function quotaBroken(
  account: LoadedAccount,
  octets: number,
  messages: number,
): { readonly kind: 'over-quota'; readonly resource: 'storage' | 'message'; readonly limit: number } | undefined {
  if (messages === 0) return undefined
  const { limitBytes, limitMessages, usedBytes, usedMessages } = account.row
  if (limitBytes !== undefined && usedBytes + octets > limitBytes) {
    return { kind: 'over-quota', resource: 'storage', limit: limitBytes }
  }
  if (limitMessages !== undefined && usedMessages + messages > limitMessages) {
    return { kind: 'over-quota', resource: 'message', limit: limitMessages }
  }
  return undefined
}

/** Whether the mailbox has no UIDs left for so many more messages. */
export function uidsExhausted(mailbox: MailboxRow, messages: number): boolean {
  // UIDNEXT itself must stay within 32 bits (RFC 9051 §7.1), so the last UID is never given.
  return mailbox.uidNext + messages > 4_294_967_295
}
