/** What readers of the memory store see, computed from its state at one moment. @module */
import type { Modseq, Uid } from '#mail/ids.ts'
import { normaliseUidSet } from '#mail/uid-set.ts'
import type { ColumnSlice, NumberColumn, TextColumn } from '#store/columns.ts'
import {
  type ChangesCursor,
  type EmailFields,
  type EmailRow,
  ENVELOPE,
  HEADER,
  type MailboxChanges,
  type MessagePage,
  NARROW,
  type NarrowColumns,
  PARTS,
  PREVIEW,
  type PreparedEmail,
  STRUCTURE,
  UNTRACED,
} from '#store/types.ts'
import { asSeen } from './guest-seen.ts'
import { type Account, firstRowFrom, type Mailbox, type Row } from './state.ts'

type Seen = Pick<Row, 'uid' | 'flags' | 'modseq'>

/** Up to `limit` messages above a UID. */
export function messagesAfter(mailbox: Mailbox, after: number, limit: number, guest: number | undefined): MessagePage {
  const rows: Seen[] = []
  for (let at = firstRowFrom(mailbox.rows, after + 1); at < mailbox.rows.length && rows.length < limit; at += 1) {
    const row = mailbox.rows[at]
    if (row !== undefined && row.goneAt === undefined) rows.push(asSeen(mailbox, row, guest))
  }
  return pageOf(rows)
}

/** One slice of changes, oldest first; ascending by UID within the slice. */
export function changesAfter(
  account: Account,
  mailbox: Mailbox,
  since: number,
  cursor: ChangesCursor | undefined,
  limit: number,
  guest: number | undefined,
): MailboxChanges {
  const from = cursor ?? { modseq: since, uid: Infinity }
  const isAfter = (row: Seen): boolean => row.modseq > from.modseq || (row.modseq === from.modseq && row.uid > from.uid)
  const rows = mailbox.rows
    .filter((row) => row.goneAt === undefined)
    .map((row) => asSeen(mailbox, row, guest))
    .filter(isAfter)
  const complete = since >= mailbox.vanishedFloor
  const { messages } = mailbox
  const uidNext = mailbox.uidNext as Uid
  const last = rows.length <= limit
  if (last) {
    const vanished = normaliseUidSet(
      mailbox.tombstones.filter((each) => each.modseq > since).flatMap((each) => each.uids),
    )
    const { modseq } = account
    return { changed: pageOf(rows), vanished, complete, modseq, next: undefined, uidNext, messages }
  }
  rows.sort((a, b) => a.modseq - b.modseq || a.uid - b.uid)
  const slice = rows.slice(0, limit)
  const end = slice.at(-1)
  if (end === undefined) throw new RangeError('A slice of changes needs room for one row')
  // What went is only told at the end: until then nothing after `since` is whole.
  return {
    changed: pageOf(slice.sort((a, b) => a.uid - b.uid)),
    vanished: [],
    complete,
    modseq: since as Modseq,
    next: { modseq: end.modseq, uid: end.uid },
    uidNext,
    messages,
  }
}

/** Changes of a mailbox that is not there. */
export function noChanges(modseq: Modseq): MailboxChanges {
  return {
    changed: pageOf([]),
    vanished: [],
    complete: false,
    modseq,
    next: undefined,
    uidNext: undefined,
    messages: 0,
  }
}

function pageOf(rows: readonly Seen[]): MessagePage {
  return {
    uids: Uint32Array.from(rows, (row) => row.uid),
    flags: Uint32Array.from(rows, (row) => row.flags),
    modseqs: Float64Array.from(rows, (row) => row.modseq),
  }
}

/** The row with the columns asked for. */
export function emailRow({ uid, email, savedAt, goneAt }: Row, fields: EmailFields): EmailRow {
  const { prepared } = email
  return {
    uid,
    email: email.key,
    thread: email.thread,
    size: email.size,
    internalDate: email.internalDate,
    internalZone: email.internalZone,
    savedAt,
    trace: (fields & UNTRACED) === 0 ? email.trace : new Uint8Array(0),
    place: email.place,
    gone: goneAt !== undefined,
    envelope: (fields & ENVELOPE) === 0 ? undefined : prepared.envelope,
    bodyStructure: (fields & STRUCTURE) === 0 ? undefined : prepared.bodyStructure,
    parts: (fields & PARTS) === 0 ? undefined : prepared.parts,
    header: (fields & HEADER) === 0 ? undefined : prepared.header,
    fields: (fields & HEADER) === 0 ? undefined : prepared.fields,
    headerSize: (fields & (HEADER | PARTS)) === 0 || (fields & UNTRACED) !== 0 ? undefined : prepared.headerSize,
    preview: (fields & PREVIEW) === 0 ? undefined : Buffer.from(prepared.preview),
    narrow: (fields & NARROW) === 0 ? undefined : narrowOf(prepared),
  }
}

function narrowOf(prepared: PreparedEmail): NarrowColumns {
  const { subject, from, to, cc, sentAt, sentDay, baseSubject, messageId, hasAttachment } = prepared
  return { subject, from, to, cc, sentAt, sentDay, baseSubject, messageId, hasAttachment }
}

/** Columns of these rows. */
export function columnsOf(
  rows: readonly Row[],
  numbers: readonly NumberColumn[],
  texts: readonly TextColumn[],
): ColumnSlice {
  return {
    uids: Uint32Array.from(rows, ({ uid }) => uid),
    numbers: numbers.map((column) => Float64Array.from(rows, (row) => numberOf(row, column))),
    texts: texts.map((column) => rows.map(({ email }) => email.prepared[column] ?? null)),
  }
}

function numberOf({ email, savedAt }: Row, column: NumberColumn): number {
  const { prepared, internalDate, internalZone, size } = email
  switch (column) {
    case 'internalDate':
      return internalDate
    case 'internalLocal':
      return internalDate + internalZone * 60_000
    case 'savedAt':
      return savedAt
    case 'sentAt':
      return prepared.sentAt ?? internalDate
    case 'sentDay':
      return prepared.sentDay ?? Number.NaN
    case 'size':
      return size
  }
}
