/** Messages as lines of a listing. @module */
import type { FetchedMessage } from '#client/imap/fetch-query.ts'
import { decodeHeaderText } from '#mail/encoded-words.ts'
import { formatBytes, localeName, say } from './language.ts'
import { type Attachment, attachmentsOf } from './mail-parts.ts'
import { oneLine, type Person, people } from './mail-text.ts'
import { cutToWidth, displayWidth, padToWidth, terminalWidth } from './width.ts'

/** What a line needs. */
export const ROW_QUERY = { flags: true, envelope: true, internalDate: true, size: true, bodyStructure: true } as const

/** A message as it is listed, and as `--json` prints it. */
export interface MailRow {
  readonly uid: number
  /** When it arrived, ISO 8601. */
  readonly date: string
  readonly from: readonly Person[]
  readonly to: readonly Person[]
  readonly subject: string
  readonly flags: readonly string[]
  /** Octets. */
  readonly size: number
  readonly attachments: readonly Attachment[]
}

export function mailRow(message: FetchedMessage<typeof ROW_QUERY>): MailRow {
  const { uid, envelope, flags, size, internalDate, bodyStructure } = message
  return {
    uid,
    date: new Date(internalDate.time).toISOString(),
    from: people(envelope.from),
    to: people(envelope.to),
    subject: oneLine(decodeHeaderText(envelope.subject ?? '')),
    flags,
    size,
    attachments: attachmentsOf(bodyStructure),
  }
}

/** How lines are to look. */
export interface RowStyle {
  readonly width: number
  /** Unread ones in bold. */
  readonly bold: boolean
  readonly now: Date
  /** Lines come one by one and are to stand below each other: with the mailbox, as wide as the widest of them. */
  readonly steady?: { readonly mailbox: string; readonly widest: number }
}

/** That of the terminal; without one, whole lines without colours. */
export function terminalStyle(): RowStyle {
  return {
    width: terminalWidth(),
    bold: process.stdout.isTTY && (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb',
    now: new Date(),
  }
}

/** Columns of the sender where it cannot be known how long names will be. */
const STEADY_FROM = 20
/** Narrower than this, sizes are left out. */
const SIZE_FROM_WIDTH = 90

/** UID, marks, date, from, size, subject: as wide as they need, the sender at most 30 %, the subject what is left. */
export function formatRows(rows: readonly MailRow[], { width, bold, now, steady }: RowStyle): string {
  const cells = rows.map((row) => ({
    uid: String(row.uid),
    marks: marksOf(row),
    date: shortDate(new Date(row.date), now),
    from: row.from.map(({ name, address }) => name || address).join(', '),
    size: width < SIZE_FROM_WIDTH ? '' : formatBytes(row.size),
    subject: row.subject === '' ? say('(no subject)', '(sans objet)') : row.subject,
    unread: !hasFlag(row, '\\Seen'),
  }))
  const widest = (column: 'uid' | 'date' | 'from' | 'size'): number =>
    Math.max(0, ...cells.map((cell) => displayWidth(cell[column])))
  const most = Number.isFinite(width) ? Math.max(8, Math.floor(width * 0.3)) : 40
  const [uidWidth, dateWidth, fromWidth, sizeWidth] = [
    widest('uid'),
    widest('date'),
    Math.min(Math.max(widest('from'), steady === undefined ? 0 : STEADY_FROM), most),
    widest('size'),
  ]
  return cells
    .map(({ uid, marks, date, from, size, subject, unread }) => {
      const columns = [
        padToWidth(uid, uidWidth, true),
        marks,
        padToWidth(date, dateWidth),
        ...(steady === undefined || steady.mailbox === '' ? [] : [cell(steady.mailbox, Math.min(steady.widest, most))]),
        cell(from, fromWidth),
        ...(sizeWidth > 0 ? [padToWidth(size, sizeWidth, true)] : []),
        subject,
      ]
      const line = cutToWidth(columns.join('  '), width).trimEnd()
      return bold && unread ? `\u001b[1m${line}\u001b[22m` : line
    })
    .join('\n')
}

function cell(text: string, width: number): string {
  return padToWidth(cutToWidth(text, width), width)
}

/** Unread `*`, flagged `!`, answered `r`, with attachments `@`: always four columns, so that they stand in line. */
function marksOf(row: MailRow): string {
  return [
    hasFlag(row, '\\Seen') ? ' ' : '*',
    hasFlag(row, '\\Flagged') ? '!' : ' ',
    hasFlag(row, '\\Answered') ? 'r' : ' ',
    row.attachments.length > 0 ? '@' : ' ',
  ].join('')
}

function hasFlag({ flags }: MailRow, name: string): boolean {
  return flags.some((flag) => flag.toLowerCase() === name.toLowerCase())
}

/** Of today the time, of this year day and month, else the day in full. */
function shortDate(date: Date, now: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  if (date.toDateString() === now.toDateString()) return `${two(date.getHours())}:${two(date.getMinutes())}`
  if (date.getFullYear() === now.getFullYear())
    return new Intl.DateTimeFormat(localeName, { day: 'numeric', month: 'short' }).format(date)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}
