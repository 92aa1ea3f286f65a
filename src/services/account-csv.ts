/** Accounts from a CSV file (RFC 4180) with a heading line. @module */
import { done, type Result, refused } from '#lib/result.ts'
import type { Protocol } from '#store/directory.ts'

/** One account of the file. */
export interface AccountRow {
  /** Line on which the record begins, from 1. */
  readonly line: number
  readonly address: string
  readonly displayName: string
  readonly password: string | undefined
  /** `{SCHEME}…`, `$2y$…` or a PHC string. */
  readonly hash: string | undefined
  readonly storageBytes: number | undefined
  readonly messages: number | undefined
  readonly protocols: readonly Protocol[] | undefined
}

/** What is wrong with a file, and where. */
export type CsvRefusal = { readonly line: number } & (
  | { readonly kind: 'bad-quoting' }
  | { readonly kind: 'no-address-column' }
  | { readonly kind: 'unknown-column'; readonly column: string; readonly known: readonly string[] }
  | { readonly kind: 'twice'; readonly column: string }
  | { readonly kind: 'field-count'; readonly fields: number; readonly columns: number }
  | { readonly kind: 'bad-value'; readonly column: string; readonly value: string }
)

/** Columns in any order and case; all but the address may be missing or empty. `plan` must be empty until there are plans. */
const COLUMNS = ['address', 'password', 'hash', 'name', 'quota', 'messages', 'protocols', 'plan'] as const
type Column = (typeof COLUMNS)[number]

const PROTOCOLS: readonly Protocol[] = ['imap', 'pop3', 'smtp']

/** Reads the whole file or says what is wrong with its first bad line. */
export function parseAccountCsv(text: string): Result<readonly AccountRow[], CsvRefusal> {
  const records = parseCsv(text.replace(/^\ufeff/, ''))
  if (!records.ok) return records
  const [heading, ...rest] = records.value
  const columns = parseHeading(heading?.fields ?? [], heading?.line ?? 1)
  if (!columns.ok) return columns
  const rows: AccountRow[] = []
  for (const record of rest) {
    const row = parseRow(record, columns.value)
    if (!row.ok) return row
    rows.push(row.value)
  }
  return done(rows)
}

interface Record {
  readonly line: number
  readonly fields: readonly string[]
}

/**
 * Reads records of CSV; empty lines are left out. LF ends a line as CRLF does.
 * @example parseCsv('a,"b ""c"""\n') // one record of two fields: a and b "c"
 */
export function parseCsv(text: string): Result<readonly Record[], CsvRefusal> {
  // field = *TEXTDATA / DQUOTE *(TEXTDATA / COMMA / CR / LF / 2DQUOTE) DQUOTE
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y
  const records: Record[] = []
  let fields: string[] = []
  let line = 1
  let start = 1
  while (field.lastIndex < text.length || fields.length > 0) {
    const match = field.exec(text)
    if (match === null) return refused({ kind: 'bad-quoting', line: start })
    const [whole, quoted, plain = '', end] = match
    fields.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    line += whole.split('\n').length - 1
    if (end === ',') continue
    if (fields.length > 1 || fields[0] !== '') records.push({ line: start, fields })
    fields = []
    start = line
  }
  return done(records)
}

function parseHeading(fields: readonly string[], line: number): Result<readonly Column[], CsvRefusal> {
  const columns: Column[] = []
  for (const field of fields) {
    const name = field.trim().toLowerCase()
    const column = COLUMNS.find((one) => one === name)
    if (column === undefined) return refused({ kind: 'unknown-column', line, column: field.trim(), known: COLUMNS })
    if (columns.includes(column)) return refused({ kind: 'twice', line, column })
    columns.push(column)
  }
  return columns.includes('address') ? done(columns) : refused({ kind: 'no-address-column', line })
}

function parseRow({ line, fields }: Record, columns: readonly Column[]): Result<AccountRow, CsvRefusal> {
  if (fields.length !== columns.length) {
    return refused({ kind: 'field-count', line, fields: fields.length, columns: columns.length })
  }
  const of = (column: Column): string => fields[columns.indexOf(column)] ?? ''
  const bad = (column: Column, value = of(column)) => refused({ kind: 'bad-value' as const, line, column, value })
  const trimmed = (column: Column): string => of(column).trim()
  const storageBytes = optional(trimmed('quota'), parseSize)
  if (storageBytes === 'bad') return bad('quota')
  const messages = optional(trimmed('messages'), parseCount)
  if (messages === 'bad') return bad('messages')
  const protocols = optional(trimmed('protocols'), parseProtocols)
  if (protocols === 'bad') return bad('protocols')
  if (trimmed('address') === '') return bad('address')
  if (trimmed('plan') !== '') return bad('plan')
  // the value is a secret: it is not repeated
  if (of('password') !== '' && trimmed('hash') !== '') return bad('hash', '')
  return done({
    line,
    address: trimmed('address'),
    displayName: trimmed('name'),
    password: of('password') === '' ? undefined : of('password'),
    hash: trimmed('hash') === '' ? undefined : trimmed('hash'),
    storageBytes,
    messages,
    protocols,
  })
}

function optional<T>(text: string, parse: (text: string) => T | undefined): T | undefined | 'bad' {
  return text === '' || text.toLowerCase() === 'none' ? undefined : (parse(text) ?? 'bad')
}

/** `10GB`, in binary units as everywhere in the configuration. */
function parseSize(text: string): number | undefined {
  const fields = /^([0-9]{1,12}(?:\.[0-9]{1,3})?)\s*([KMGT]?)B?$/i.exec(text)
  if (fields === null) return undefined
  const bytes = Math.round(
    Number(fields[1]) * 1024 ** ['', 'K', 'M', 'G', 'T'].indexOf((fields[2] ?? '').toUpperCase()),
  )
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

function parseCount(text: string): number | undefined {
  return /^[0-9]{1,12}$/.test(text) ? Number(text) : undefined
}

/** `imap pop3`, parted by blanks, `;`, `|`, `+` or `,`. */
function parseProtocols(text: string): readonly Protocol[] | undefined {
  const words = text.toLowerCase().split(/[\s;|+,]+/)
  const protocols = PROTOCOLS.filter((protocol) => words.includes(protocol))
  return words.every((word) => PROTOCOLS.some((protocol) => protocol === word)) ? protocols : undefined
}
