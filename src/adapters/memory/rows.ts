/** Rows coming into mailboxes and leaving them. @module */
import type { EmailKey, MailboxKey, Modseq, ThreadKey, Uid } from '#mail/ids.ts'
import type { PreparedEmail } from '#mail/prepare.ts'
import { type UidSet, uidSetOf } from '#mail/uid-set.ts'
import type { PackedFlags } from '#store/flags.ts'
import type { Cause, EventKind, MessageEvent } from '#store/gone.ts'
import type { BodyPlace } from '#store/types.ts'
import type { Commit } from './commit.ts'
import { type Account, count, type Email, type Mailbox, nextKey, type Row } from './state.ts'

/** An email of its own for a body that has just been kept. */
export function newEmail(
  account: Account,
  prepared: PreparedEmail,
  place: BodyPlace,
  own: Pick<Email, 'trace' | 'internalDate' | 'internalZone'>,
): Email {
  return {
    key: nextKey(account) as EmailKey,
    thread: threadOf(account, prepared),
    prepared,
    place,
    size: own.trace.length + place.length,
    trace: own.trace,
    internalDate: own.internalDate,
    internalZone: own.internalZone,
  }
}

/** Gives the email the next UID of the mailbox at the account's MODSEQ. */
export function settle(
  commit: Commit,
  account: Account,
  mailbox: Mailbox,
  message: Pick<Row, 'email' | 'flags' | 'uidl'>,
): Uid {
  const row: Row = {
    uid: mailbox.uidNext as Uid,
    email: message.email,
    savedAt: commit.now,
    uidl: message.uidl,
    flags: message.flags,
    modseq: account.modseq,
    goneAt: undefined,
    cause: undefined,
    restored: false,
    downloadedAt: 0,
  }
  mailbox.uidNext += 1
  mailbox.rows.push(row)
  count(account, mailbox, row, 1)
  return row.uid
}

/** Takes rows out of the mailbox at the account's MODSEQ; they stay readable for a while. */
export function bury(commit: Commit, account: Account, mailbox: Mailbox, rows: readonly Row[], cause: Cause): void {
  if (rows.length === 0) return
  for (const row of rows) {
    count(account, mailbox, row, -1)
    row.goneAt = commit.now
    row.cause = cause
    for (const own of mailbox.seenBy.values()) own.delete(row.uid)
  }
  mailbox.tombstones.push({ uids: uidSetOf(rows.map((row) => row.uid)), modseq: account.modseq })
  while (mailbox.tombstones.length > commit.knobs.maxTombstones) {
    const dropped = mailbox.tombstones.shift()
    if (dropped !== undefined) mailbox.vanishedFloor = dropped.modseq
  }
  const oldest = commit.now - commit.knobs.retentionMs
  if (mailbox.rows.some((row) => row.goneAt !== undefined && row.goneAt < oldest))
    mailbox.rows = mailbox.rows.filter((row) => row.goneAt === undefined || row.goneAt >= oldest)
}

/** Notes what a request did to messages of a mailbox. */
export function record(
  commit: Commit,
  account: Account,
  kind: EventKind,
  mailbox: MailboxKey,
  uids: UidSet,
  more: Partial<Pick<MessageEvent, 'to' | 'detail'>> = {},
): void {
  if (uids.length === 0) return
  const sequence = Math.max((account.events.at(-1)?.sequence ?? 0) + 1, commit.now * 1_024)
  account.events.push({
    sequence,
    at: Math.floor(sequence / 1_024),
    kind,
    by: commit.by,
    mailbox,
    uids,
    to: more.to,
    detail: more.detail,
  })
}

/** Puts new flags on a row. */
export function setFlags(account: Account, mailbox: Mailbox, row: Row, flags: PackedFlags, modseq: Modseq): void {
  count(account, mailbox, row, -1)
  row.flags = flags
  row.modseq = modseq
  count(account, mailbox, row, 1)
}

/** The thread of the nearest known ancestor or of a reply that came earlier, else a new one. */
function threadOf(account: Account, email: PreparedEmail): ThreadKey {
  const ids = [...email.references].reverse()
  if (email.messageId !== undefined) ids.push(email.messageId)
  let thread: ThreadKey | undefined
  for (const id of ids) thread ??= account.threads.get(id)
  thread ??= nextKey(account) as ThreadKey
  for (const id of ids) if (!account.threads.has(id)) account.threads.set(id, thread)
  return thread
}
