/**
 * Emails of a mailbox as FETCH, SEARCH and POP3 read them. All rows of a slice come as two values, one with their bytes
 * and one with their numbers: a value of its own for each column of each row takes three times as long. (`||` and
 * `group_concat` join bytes as they are, whatever they hold.) Text columns come row by row.
 * @module
 */
import type { EmailKey, MailboxKey, ThreadKey, Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import {
  type BodyPlace,
  type EmailFields,
  type EmailRow,
  ENVELOPE,
  HEADER,
  LEAN,
  NARROW,
  type NarrowColumns,
  PARTS,
  PREVIEW,
  STRUCTURE,
  UNTRACED,
} from '#store/types.ts'
import { bigId } from './bodies.ts'
import type { Row, Sql } from './sql.ts'

type Table = 'message' | 'deleted'

/** A mailbox's rows of one kind. */
interface Source {
  readonly sql: Sql
  readonly slot: number
  readonly mailbox: MailboxKey
  readonly fields: EmailFields
}

/** Up to `limit` messages of a range of UIDs, expunged ones among them; and where to go on. */
export function emailsOf(
  source: Source,
  [first, last]: UidSet[number],
  limit: number,
): { readonly rows: readonly EmailRow[]; readonly next: number } {
  if (first === last) {
    const here = single(source, 'message', first)
    const row = here ?? single(source, 'deleted', first)
    return { rows: row === undefined ? [] : [row], next: last + 1 }
  }
  const { rows: here, to } = messages(source, first, last, limit)
  if (here.length === to - first + 1) return { rows: here, next: to + 1 }
  const end = boundOf(source, 'deleted', first, to, limit)
  const gone = slice(source, 'deleted', first, end)
  if (gone.length === 0) return { rows: here, next: to + 1 }
  // What is expunged between the two reads was there and is gone: messages only go that way, so that none is in neither.
  const there = new Set(here.map(({ uid }) => uid))
  const rows = [...here, ...gone.filter(({ uid }) => !there.has(uid))].sort((a, b) => a.uid - b.uid)
  if (rows.length < limit) return { rows, next: to + 1 }
  const some = rows.slice(0, limit)
  return { rows: some, next: (some.at(-1)?.uid ?? last) + 1 }
}

/** Up to `limit` messages, and the UID up to which these are all. */
function messages(
  source: Source,
  first: number,
  last: number,
  limit: number,
): { readonly rows: readonly EmailRow[]; readonly to: number } {
  // most mailboxes have few gaps: to look for the end first is a walk through as many rows
  const near = Math.min(last, first + limit - 1)
  const rows = slice(source, 'message', first, near)
  if (near === last || rows.length >= limit / 2) return { rows, to: near }
  const to = boundOf(source, 'message', near + 1, last, limit - rows.length)
  return { rows: [...rows, ...slice(source, 'message', near + 1, to)], to }
}

/** UID of the last of the first `limit` messages from `first` on, `last` where there are fewer. */
export function boundOf(
  { sql, slot, mailbox }: Pick<Source, 'sql' | 'slot' | 'mailbox'>,
  table: Table,
  first: number,
  last: number,
  limit: number,
): number {
  if (last - first < limit) return last
  const row = sql.get(
    `SELECT uid FROM ${table} WHERE account = ? AND mailbox = ? AND uid >= ? ORDER BY uid LIMIT 1 OFFSET ?`,
    slot,
    mailbox,
    first,
    limit - 1,
  )
  return Math.min(last, (row?.[0] as number | undefined) ?? last)
}

function single({ sql, slot, mailbox, fields }: Source, table: Table, uid: number): EmailRow | undefined {
  const row = sql.get(rowQuery(table, fields), slot, mailbox, uid, uid)
  return row === undefined ? undefined : rowOf(row, table, fields)
}

function slice(source: Source, table: Table, first: number, last: number): readonly EmailRow[] {
  const { sql, slot, mailbox, fields } = source
  if ((fields & NARROW) !== 0) {
    const rows = sql.all(rowQuery(table, fields), slot, mailbox, first, last)
    return rows.map((row) => rowOf(row, table, fields))
  }
  const [bytes, numbers, pairs] = sql.get(sliceQuery(table, fields), slot, mailbox, first, last) ?? []
  if (typeof numbers !== 'string') return []
  // what is joined of nothing but empty bytes is NULL
  const reading = new Reading(
    bytes instanceof Uint8Array ? bytes : NOTHING,
    numbers,
    typeof pairs === 'string' ? pairs : undefined,
  )
  const rows: EmailRow[] = []
  while (!reading.done) {
    const row = reading.row(table, fields)
    if (row.uid <= (rows.at(-1)?.uid ?? 0)) throw new Error('Messages came in another order than that of their UIDs')
    rows.push(row)
  }
  return rows
}

const BASE: readonly string[] = [
  'm.email',
  'm.saved_at',
  'e.thread',
  'e.size',
  'e.internal_date',
  'e.internal_zone',
  'e.segment',
  'e.position',
  'e.length',
]
const NARROW_COLUMNS =
  'e.subject, e.sender, e.recipients, e.cc, e.sent_at, e.sent_day, e.base_subject, e.message_id, e.has_attachment'

/** Columns of bytes by their group, in the order in which they come. */
const BLOBS: readonly (readonly [group: number, column: string])[] = [
  [ENVELOPE, 'r.envelope'],
  [STRUCTURE, 'r.structure'],
  [PARTS, 'r.parts'],
  [HEADER, 'h.header'],
  [HEADER, 'h.fields'],
  [PREVIEW, 'r.preview'],
]

/** Columns of bytes that are asked for together and alone, for lists of mail. */
const PAIRS: readonly EmailFields[] = [LEAN | HEADER | UNTRACED, LEAN | ENVELOPE | STRUCTURE]
/** Two lengths are one number of a slice, the first of them so many times: a number costs as much as 30 octets. */
const PAIR = 67_108_864

const READY = ENVELOPE | STRUCTURE | PARTS | PREVIEW
const QUERIES = new Map<string, string>()

/** Whether the base comes. */
function hasBase(fields: EmailFields): boolean {
  return (fields & LEAN) === 0
}

/** Whether the trace and the size of the header come: what looks into the header needs them, unless it says otherwise. */
function hasTrace(fields: EmailFields): boolean {
  return hasBase(fields) || ((fields & (HEADER | PARTS)) !== 0 && (fields & UNTRACED) === 0)
}

function numberColumns(fields: EmailFields): readonly string[] {
  return [
    'm.uid',
    ...(hasBase(fields) ? BASE : []),
    ...(hasTrace(fields) ? ['e.header_size', 'octet_length(e.trace)'] : []),
    ...lengthsOf(fields),
  ]
}

function lengthsOf(fields: EmailFields): readonly string[] {
  return BLOBS.filter(([group]) => (fields & group) !== 0).map(([, column]) => `octet_length(${column})`)
}

/** In one text with commas between them. */
function numbersOf(fields: EmailFields): string {
  const columns = numberColumns(fields)
  return `format('${columns.map(() => '%d').join()}', ${columns.join()})`
}

function byteColumns(fields: EmailFields): string {
  const columns = BLOBS.filter(([group]) => (fields & group) !== 0).map(([, column]) => column)
  return [...(hasTrace(fields) ? ['e.trace'] : []), ...columns].join(' || ') || "''"
}

/** Joins are made in the order in which they stand, so that rows come in that of their UIDs. */
function from(table: Table, fields: EmailFields): string {
  const narrow = (fields & NARROW) !== 0
  return `FROM ${table} m
    ${hasTrace(fields) || narrow ? 'CROSS JOIN email e ON e.id = m.email_id' : ''}
    ${(fields & READY) === 0 ? '' : 'CROSS JOIN email_ready r ON r.id = m.email_id'}
    ${(fields & HEADER) === 0 ? '' : 'CROSS JOIN email_header h ON h.id = m.email_id'}
    WHERE m.account = ?1 AND m.mailbox = ?2 AND m.uid BETWEEN ?3 AND ?4`
}

function query(key: string, make: () => string): string {
  let text = QUERIES.get(key)
  if (text === undefined) {
    text = make()
    QUERIES.set(key, text)
  }
  return text
}

function rowQuery(table: Table, fields: EmailFields): string {
  return query(
    `${table} row ${fields}`,
    () => `SELECT CAST(${byteColumns(fields)} AS BLOB),
      ${numbersOf(fields)}${(fields & NARROW) === 0 ? '' : `, ${NARROW_COLUMNS}`}
      ${from(table, fields)} ORDER BY m.uid`,
  )
}

function sliceQuery(table: Table, fields: EmailFields): string {
  return query(
    `${table} slice ${fields}`,
    () => `SELECT CAST(group_concat(${byteColumns(fields)}, '') AS BLOB),
      ${PAIRS.includes(fields) ? `group_concat(m.uid), group_concat(${lengthsOf(fields).join(` * ${PAIR} + `)})` : `group_concat(${numbersOf(fields)})`}
      ${from(table, fields)}`,
  )
}

function rowOf(row: Row, table: Table, fields: EmailFields): EmailRow {
  const [bytes, numbers] = row
  const narrow = (fields & NARROW) === 0 ? undefined : narrowColumns(row)
  return new Reading(bytes as Uint8Array, numbers as string).row(table, fields, narrow)
}

/** Goes through the bytes and the numbers of rows. */
class Reading {
  readonly #bytes: Uint8Array
  readonly #numbers: readonly number[]
  readonly #pairs: readonly number[] | undefined
  #at = 0
  #byte = 0

  /**
   * @param numbers With commas between them.
   * @param pairs The lengths of {@link PAIRS}; the numbers are UIDs then.
   */
  constructor(bytes: Uint8Array, numbers: string, pairs?: string) {
    this.#bytes = bytes
    this.#numbers = JSON.parse(`[${numbers}]`) as readonly number[]
    this.#pairs = pairs === undefined ? undefined : (JSON.parse(`[${pairs}]`) as readonly number[])
  }

  get done(): boolean {
    return this.#at >= this.#numbers.length
  }

  row(table: Table, fields: EmailFields, narrow?: NarrowColumns): EmailRow {
    const uid = this.#number() as Uid
    const base = hasBase(fields) ? this.#base() : NO_BASE
    const traced = hasTrace(fields)
    const headerSize = traced ? this.#number() : undefined
    const traceLength = traced ? this.#number() : 0
    const pair = this.#pairs?.[this.#at - 1]
    const first = pair === undefined ? undefined : Math.floor(pair / PAIR)
    const second = pair === undefined ? undefined : pair % PAIR
    const envelopeLength = (fields & ENVELOPE) === 0 ? undefined : (first ?? this.#number())
    const structureLength = (fields & STRUCTURE) === 0 ? undefined : (second ?? this.#number())
    const partsLength = (fields & PARTS) === 0 ? undefined : this.#number()
    const headerLength = (fields & HEADER) === 0 ? undefined : (first ?? this.#number())
    const fieldsLength = (fields & HEADER) === 0 ? undefined : (second ?? this.#number())
    const previewLength = (fields & PREVIEW) === 0 ? undefined : this.#number()
    return {
      uid,
      email: base.email,
      savedAt: base.savedAt,
      thread: base.thread,
      size: base.size,
      internalDate: base.internalDate,
      internalZone: base.internalZone,
      place: base.place,
      headerSize: (fields & (HEADER | PARTS)) === 0 ? undefined : headerSize,
      gone: table === 'deleted',
      trace: traceLength === 0 ? NOTHING : (this.#next(traceLength) ?? NOTHING),
      envelope: this.#next(envelopeLength),
      bodyStructure: this.#next(structureLength),
      parts: this.#next(partsLength),
      header: this.#next(headerLength),
      fields: this.#next(fieldsLength),
      preview: this.#next(previewLength),
      narrow,
    }
  }

  #base(): Pick<EmailRow, keyof typeof NO_BASE> {
    return {
      email: this.#number() as EmailKey,
      savedAt: this.#number(),
      thread: this.#number() as ThreadKey,
      size: this.#number(),
      internalDate: this.#number(),
      internalZone: this.#number(),
      place: placeOf(this.#number(), this.#number(), this.#number()),
    }
  }

  #number(): number {
    return this.#numbers[this.#at++] ?? 0
  }

  #next(length: number | undefined): Uint8Array | undefined {
    if (length === undefined) return undefined
    const start = this.#byte
    this.#byte += length
    return this.#bytes.subarray(start, this.#byte)
  }
}

const NOTHING = new Uint8Array(0)
const NO_BASE = {
  email: 0 as EmailKey,
  savedAt: 0,
  thread: 0 as ThreadKey,
  size: 0,
  internalDate: 0,
  internalZone: 0,
  place: { kind: 'segment', segment: 0, offset: 0, length: 0 } as BodyPlace,
}

function narrowColumns(row: Row): NarrowColumns {
  return {
    subject: row[2] as string,
    from: row[3] as string,
    to: row[4] as string,
    cc: row[5] as string,
    sentAt: (row[6] as number | null) ?? undefined,
    sentDay: (row[7] as number | null) ?? undefined,
    baseSubject: row[8] as string,
    messageId: (row[9] as string | null) ?? undefined,
    hasAttachment: row[10] === 1,
  }
}

/** The place of a body from its columns. */
export function placeOf(segment: number, position: number, length: number): BodyPlace {
  return segment === 0
    ? { kind: 'big', id: bigId(position), length }
    : { kind: 'segment', segment, offset: position, length }
}
