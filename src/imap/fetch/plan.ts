/** A FETCH request made ready to be answered for many messages (RFC 9051 §6.4.5). @module */
import { basicBodyStructure } from '#mail/basic-structure.ts'
import { formatInternalDate } from '#mail/dates.ts'
import { FieldChooser } from '#mail/headers.ts'
import type { AccountId } from '#mail/ids.ts'
import {
  type EmailFields,
  type EmailRow,
  ENVELOPE,
  HEADER,
  LEAN,
  PARTS,
  PREVIEW,
  STRUCTURE,
  UNTRACED,
} from '#store/types.ts'
import {
  type FetchItem,
  type FetchRequest,
  type OctetRange,
  type PlainFetchItem,
  type Section,
  writeSection,
} from '#wire/imap/fetch-items.ts'
import { ResponseWriter } from '#wire/imap/response-writer.ts'
import { emailId, threadId } from '../object-ids.ts'
import type { Output } from '../output.ts'

/** An item that the row of a message answers by itself. */
export interface RowItem {
  readonly name: string
  /** The name and the space behind it. */
  readonly label: Uint8Array
  /** Writes the value that stands behind the name and its space. */
  write(out: Output, row: EmailRow): void
}

/** An item that needs bytes of the message, or of its header. */
export interface BytesItem {
  /** As it stands in the answer, `BODY[1.MIME]<0>`. */
  readonly label: string
  readonly what: 'section' | 'binary' | 'binary-size'
  readonly section: Section
  readonly partial: OctetRange | undefined
}

/** HEADER.FIELDS or HEADER.FIELDS.NOT of a message's own header. */
export interface OwnFields {
  /** `BODY[HEADER.FIELDS (DATE)] `, as it stands in the answer. */
  readonly label: Uint8Array
  readonly chooser: FieldChooser
  readonly names: readonly string[]
  readonly not: boolean
}

/** See the module. */
export interface FetchPlan {
  readonly uid: boolean
  readonly flags: boolean
  readonly modseq: boolean
  readonly rowItems: readonly RowItem[]
  readonly bytesItems: readonly BytesItem[]
  /** How all of `bytesItems` are answered from the header that is kept beside a message; `undefined` where they are not. */
  readonly ownFields: readonly OwnFields[] | undefined
  /** What the rows must have; {@link LEAN} where the kept header is enough for nearly all. */
  readonly fields: EmailFields
  /** One of the items sets `\Seen`. */
  readonly marksSeen: boolean
}

/**
 * @param byUid UID FETCH always tells UIDs (RFC 9051 §6.4.9); UIDFETCH has them anyway (RFC 9586 §3.3).
 * @param others Whose mailbox it is where it is not the person's own.
 */
export function planFetch(
  { items, changedSince }: FetchRequest,
  byUid: boolean,
  others: AccountId | undefined,
): FetchPlan {
  const names = new Set<string>(items.map((item) => item.kind))
  const rowItems = new Map<string, RowItem>()
  const bytesItems = new Map<string, BytesItem>()
  let fields = 0
  let marksSeen = false
  for (const item of items) {
    const asBytes = bytesItem(item)
    if (asBytes !== undefined) {
      bytesItems.set(asBytes.label, asBytes)
      fields |= fieldsFor(asBytes)
      marksSeen ||= doesMark(item)
    }
    const asRow = rowItem(item, others)
    if (asRow !== undefined) {
      rowItems.set(asRow.name, asRow)
      fields |= ROW_FIELDS.get(item.kind) ?? 0
    }
  }
  const ownFields = ownFieldsOf([...bytesItems.values()])
  const lean = ownFields !== undefined && [...names].every((name) => IN_VIEW.has(name) || ROW_FIELDS.has(name))
  return {
    uid: byUid || names.has('UID'),
    flags: names.has('FLAGS'),
    // CHANGEDSINCE asks for it, too (RFC 7162 §3.1.4.1).
    modseq: names.has('MODSEQ') || changedSince !== undefined,
    rowItems: [...rowItems.values()],
    bytesItems: [...bytesItems.values()],
    ownFields: bytesItems.size === 0 ? undefined : ownFields,
    fields: lean ? fields | LEAN | (canBeInTrace(ownFields) ? 0 : UNTRACED) : fields,
    marksSeen,
  }
}

/** None, where one of the items is another; an empty list where there are no items. */
function ownFieldsOf(items: readonly BytesItem[]): readonly OwnFields[] | undefined {
  const own: OwnFields[] = []
  for (const { what, section, partial, label } of items) {
    const { part, text, fields } = section
    if (what !== 'section' || part.length > 0 || partial !== undefined) return undefined
    if (text !== 'HEADER.FIELDS' && text !== 'HEADER.FIELDS.NOT') return undefined
    const not = text === 'HEADER.FIELDS.NOT'
    own.push({
      label: Buffer.from(`${label} `, 'latin1'),
      chooser: new FieldChooser(fields, not),
      names: fields,
      not,
    })
  }
  return own
}

/** Whether one of the fields may be in the lines that the server puts before a message. */
function canBeInTrace(own: readonly OwnFields[]): boolean {
  return own.some(({ names, not }) => not || names.some((name) => IN_TRACE.has(name.toLowerCase())))
}

const IN_TRACE: ReadonlySet<string> = new Set(['return-path', 'delivered-to', 'received'])

/** What needs no row at all, and what {@link OwnFields} answer. */
const IN_VIEW: ReadonlySet<string> = new Set(['UID', 'FLAGS', 'MODSEQ', 'BODY[]'])

const ROW_FIELDS: ReadonlyMap<string, EmailFields> = new Map<FetchItem['kind'], EmailFields>([
  ['ENVELOPE', ENVELOPE],
  ['BODY', STRUCTURE],
  ['BODYSTRUCTURE', STRUCTURE],
  ['PREVIEW', PREVIEW],
])

type RowKind = Exclude<
  PlainFetchItem,
  'EMAILID' | 'THREADID' | 'FLAGS' | 'UID' | 'MODSEQ' | 'RFC822' | 'RFC822.HEADER' | 'RFC822.TEXT'
>

const ROW_WRITERS: { readonly [K in RowKind]: RowItem['write'] } = {
  BODY: (out, row) => void out.raw(basicBodyStructure(there(row.bodyStructure))),
  BODYSTRUCTURE: (out, row) => void out.raw(there(row.bodyStructure)),
  ENVELOPE: (out, row) => void out.raw(there(row.envelope)),
  INTERNALDATE: (out, row) => void out.text(`"${formatInternalDate(row.internalDate, row.internalZone)}"`),
  'RFC822.SIZE': (out, row) => void out.text(String(row.size)),
  SAVEDATE: (out, row) => void out.text(`"${formatInternalDate(row.savedAt)}"`),
}

function rowItem(item: FetchItem, others: AccountId | undefined): RowItem | undefined {
  switch (item.kind) {
    // Ids of emails, threads and mailboxes differ by their first letter (RFC 8474 §5.2).
    case 'EMAILID':
      return named(item.kind, (out, row) => void out.text(`(${emailId(row.email, others)})`))
    case 'THREADID':
      return named(item.kind, (out, row) => void out.text(`(${threadId(row.thread, others)})`))
    case 'PREVIEW':
      // Previews are made at arrival: LAZY makes no difference (RFC 8970 §4.1), NIL is never needed.
      return named(item.kind, (out, row) => void out.utf8Bytes(there(row.preview)))
    case 'BODY':
    case 'BODYSTRUCTURE':
    case 'ENVELOPE':
    case 'INTERNALDATE':
    case 'RFC822.SIZE':
    case 'SAVEDATE':
      return named(item.kind, ROW_WRITERS[item.kind])
    default:
      return undefined
  }
}

function named(name: string, write: RowItem['write']): RowItem {
  return { name, label: Buffer.from(`${name} `), write }
}

const WHOLE: Section = { part: [], text: undefined, fields: [] }

function bytesItem(item: FetchItem): BytesItem | undefined {
  switch (item.kind) {
    case 'RFC822':
      return { label: item.kind, what: 'section', section: WHOLE, partial: undefined }
    case 'RFC822.HEADER':
      return { label: item.kind, what: 'section', section: { ...WHOLE, text: 'HEADER' }, partial: undefined }
    case 'RFC822.TEXT':
      return { label: item.kind, what: 'section', section: { ...WHOLE, text: 'TEXT' }, partial: undefined }
    case 'BODY[]': {
      const { section, partial } = item
      return { label: label('BODY', section, partial), what: 'section', section, partial }
    }
    case 'BINARY[]': {
      const section = { ...WHOLE, part: item.part }
      return { label: label('BINARY', section, item.partial), what: 'binary', section, partial: item.partial }
    }
    case 'BINARY.SIZE[]': {
      const section = { ...WHOLE, part: item.part }
      return { label: label('BINARY.SIZE', section, undefined), what: 'binary-size', section, partial: undefined }
    }
    default:
      return undefined
  }
}

function label(name: string, section: Section, partial: OctetRange | undefined): string {
  const writer = new ResponseWriter()
  writeSection(writer, section)
  const text = Buffer.concat(writer.take()).toString('latin1')
  return `${name}${text}${partial === undefined ? '' : `<${partial.offset}>`}`
}

/** RFC822.HEADER does not set `\Seen` (RFC 3501 §6.4.5). */
function doesMark(item: FetchItem): boolean {
  switch (item.kind) {
    case 'RFC822':
    case 'RFC822.TEXT':
      return true
    case 'BODY[]':
    case 'BINARY[]':
      return !item.peek
    default:
      return false
  }
}

function fieldsFor({ section: { part, text } }: BytesItem): EmailFields {
  if (part.length > 0) return PARTS
  switch (text) {
    case undefined:
      return 0
    case 'TEXT':
      return PARTS
    default:
      return HEADER
  }
}

function there(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new Error('The store left out what was asked for')
  return bytes
}
