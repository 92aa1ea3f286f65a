import { baseSubject } from './base-subject.ts'
import { bodyStructureOf } from './build-body-structure.ts'
import { envelopeOf } from './build-envelope.ts'
import { binaryOf } from './bytes.ts'
import { localDay, parseDate } from './dates.ts'
import { decodeHeaderText } from './encoded-words.ts'
import { formatBodyStructure, formatEnvelope } from './format-structure.ts'
import { encodeFieldTable, firstValue, type HeaderField, headerFields } from './headers.ts'
import { MAX_CACHED_HEADER, MAX_FIELDS } from './limits.ts'
import { parseMessageIds } from './message-ids.ts'
import { encodePartTable } from './part-table.ts'
import { previewOf } from './preview.ts'
import type { ScannedMessage, ScannedPart } from './scanned.ts'
import { attachmentName } from './searchable.ts'

/** What is kept beside an email's bytes, ready to send (design §4 "Rows"). */
export interface PreparedEmail {
  /** Octets of the body as stored. */
  readonly size: number
  readonly lines: number
  /** `formatEnvelope`. */
  readonly envelope: Uint8Array
  /** `formatBodyStructure`, extended. */
  readonly bodyStructure: Uint8Array
  /** `encodePartTable`. */
  readonly parts: Uint8Array
  /** Octets of the header block with its blank line. */
  readonly headerSize: number
  /** The raw header, its first 4,096 octets at most; shorter than `headerSize` means: serve from the body instead. */
  readonly header: Uint8Array
  /** `encodeFieldTable(header)`; of no use where `header` is cut. */
  readonly fields: Uint8Array
  /** At most 200 characters (RFC 8970). */
  readonly preview: string
  readonly hasAttachment: boolean
  /** Whole header texts, decoded, several fields of a name joined by a space: for substring SEARCH. */
  readonly subject: string
  readonly from: string
  readonly to: string
  readonly cc: string
  /** The Date: field as ms since 1970, `undefined` when unreadable. */
  readonly sentAt: number | undefined
  /** Days since 1970-01-01 of the Date: field disregarding its zone, for SENTSINCE & co (RFC 9051 §6.4.4). */
  readonly sentDay: number | undefined
  /** With its angle brackets. */
  readonly messageId: string | undefined
  /** Message ids of References, else of In-Reply-To, in their order. */
  readonly references: readonly string[]
  /** RFC 5256 §2.1. */
  readonly baseSubject: string
}

/** Prepares what the store keeps with an email; about 100 µs for an ordinary one. */
export function prepareEmail(scanned: ScannedMessage): PreparedEmail {
  const { root } = scanned
  const fields = headerFields(binaryOf(scanned.header), MAX_FIELDS)
  const headerSize = root.bodyStart
  const header =
    scanned.header.length <= MAX_CACHED_HEADER ? scanned.header : scanned.header.slice(0, MAX_CACHED_HEADER)
  const subject = decodedField(fields, 'subject')
  const sent = parseDate(firstValue(fields, 'date') ?? '')
  return {
    size: scanned.size,
    lines: scanned.lines,
    envelope: formatEnvelope(root.envelope ?? envelopeOf(fields)),
    bodyStructure: formatBodyStructure(bodyStructureOf(root), { extended: true }),
    parts: encodePartTable(scanned),
    headerSize,
    header,
    fields: header.length === headerSize ? encodeFieldTable(header) : new Uint8Array(0),
    preview: previewOf(scanned),
    hasAttachment: hasAttachment(root, false),
    subject,
    from: decodedField(fields, 'from'),
    to: decodedField(fields, 'to'),
    cc: decodedField(fields, 'cc'),
    sentAt: sent?.ms,
    sentDay: sent === undefined ? undefined : localDay(sent),
    messageId: parseMessageIds(firstValue(fields, 'message-id') ?? '')[0],
    references: referencesOf(fields),
    baseSubject: baseSubject(decodeHeaderText(firstValue(fields, 'subject') ?? '')),
  }
}

function decodedField(fields: readonly HeaderField[], lowerName: string): string {
  let text = ''
  for (const field of fields) {
    if (field.lowerName === lowerName) text += (text === '' ? '' : ' ') + decodeHeaderText(field.rawValue)
  }
  return text
}

// RFC 5256 §3, REFERENCES: References where it has a valid id, else the first of In-Reply-To
function referencesOf(fields: readonly HeaderField[]): readonly string[] {
  const references = parseMessageIds(firstValue(fields, 'references') ?? '')
  return references.length > 0 ? references : parseMessageIds(firstValue(fields, 'in-reply-to') ?? '').slice(0, 1)
}

/** Whether a person would say that the message has something attached: no inline pictures of HTML, no signatures. */
function hasAttachment(part: ScannedPart, related: boolean): boolean {
  const { content, kind } = part
  const disposition = content.disposition?.type.toLowerCase()
  switch (kind) {
    case 'multipart': {
      const inRelated = content.subtype.toLowerCase() === 'related'
      return part.children.some((child) => hasAttachment(child, inRelated))
    }
    case 'message':
      return true
    case 'text':
      return disposition !== undefined && disposition !== 'inline'
    case 'basic': {
      if (disposition !== undefined && disposition !== 'inline') return true
      if (related && content.id !== undefined) return false
      if (/^(pgp|pkcs7|x-pkcs7)-signature$/i.test(content.subtype)) return false
      return attachmentName(content) !== undefined || content.type.toLowerCase() !== 'message'
    }
  }
}
