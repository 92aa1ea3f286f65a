/**
 * The text of a message, defined once (design §7) for index, scan and verification: each header field unfolded and
 * decoded, attachment names included; each text part as Unicode, HTML without tags; nested messages likewise.
 * @module
 */
import type { Parameters } from './body-structure.ts'
import { binaryOf } from './bytes.ts'
import { charsetDecoder } from './charset.ts'
import { contentFacts } from './content-facts.ts'
import { decodeHeaderText } from './encoded-words.ts'
import { headerFields } from './headers.ts'
import { HtmlText } from './html-text.ts'
import { MAX_FIELDS } from './limits.ts'
import { decodedParameter } from './parameters.ts'
import { encodePartTable, type PartNode, PartTable } from './part-table.ts'
import type { ContentFacts } from './scanned.ts'
import { scanMessage } from './scanner.ts'
import { transferDecoder } from './transfer-decoding.ts'

/** A piece of a message's text. */
export interface SearchableText {
  /** `header`: a field of the message's own header. `body`: all else, also fields of messages inside (RFC 9051 §6.4.4). */
  readonly where: 'header' | 'body'
  /** Only of `header`: the field's name in lower case. */
  readonly field: string | undefined
  readonly text: string
  /** Whether this goes on directly where the last piece stopped, maybe within a word. */
  readonly continued: boolean
}

/** The octets from `start` up to, not including, `end`, of the bytes that were scanned. */
export type ReadRange = (start: number, end: number) => Uint8Array

/** Octets read at once; a piece of text is hardly ever longer than this many characters. */
const PIECE = 65_536
const MAX_HEADER = 1_048_576

/**
 * All text of a message, in pieces.
 * @param read Reads the scanned bytes; for trace lines kept apart call {@link searchableHeader}.
 */
export function* searchableText(read: ReadRange, table: PartTable): Generator<SearchableText, void, void> {
  const { headerStart, bodyStart } = table.root
  const header = headerBlock(read, headerStart, bodyStart)
  yield* searchableHeader(header)
  yield* partText(read, table.root, contentOf(header, false))
}

/** All text of a message that is in memory. */
export function searchableTextOf(message: Uint8Array): Generator<SearchableText, void, void> {
  const table = PartTable.decode(encodePartTable(scanMessage(message)))
  return searchableText((start, end) => message.subarray(start, end), table)
}

/** The fields of a header block, each as `header`; so many of them as are looked at for the columns. */
export function* searchableHeader(block: Uint8Array): Generator<SearchableText, void, void> {
  for (const field of headerFields(binaryOf(block), MAX_FIELDS)) {
    const text = decodeHeaderText(field.rawValue)
    yield { where: 'header', field: field.lowerName, text, continued: false }
  }
}

function headerBlock(read: ReadRange, start: number, end: number): Uint8Array {
  return start === end ? new Uint8Array(0) : read(start, Math.min(end, start + MAX_HEADER))
}

function contentOf(header: Uint8Array, inDigest: boolean): ContentFacts {
  return contentFacts(headerFields(binaryOf(header), MAX_FIELDS), inDigest)
}

function inBody(text: string, continued = false): SearchableText {
  return { where: 'body', field: undefined, text, continued }
}

function* partText(read: ReadRange, part: PartNode, content: ContentFacts): Generator<SearchableText, void, void> {
  const name = attachmentName(content)
  if (name !== undefined && name !== '') yield inBody(name)
  if (content.description !== undefined) yield inBody(decodeHeaderText(content.description))
  switch (part.kind) {
    case 'text':
      yield* leafText(read, part, content)
      return
    case 'message':
      yield* innerMessage(read, part)
      return
    case 'multipart': {
      const inDigest = content.subtype.toLowerCase() === 'digest'
      for (const child of part.children) {
        yield* partText(read, child, contentOf(headerBlock(read, child.headerStart, child.bodyStart), inDigest))
      }
      return
    }
    case 'basic':
  }
}

function* innerMessage(read: ReadRange, part: PartNode): Generator<SearchableText, void, void> {
  const inner = part.children[0]
  if (inner === undefined) return
  const header = headerBlock(read, inner.headerStart, inner.bodyStart)
  for (const { text } of searchableHeader(header)) yield inBody(text)
  yield* partText(read, inner, contentOf(header, false))
}

/** The file name of a part, decoded: of its disposition, else of its type. */
export function attachmentName(content: ContentFacts): string | undefined {
  const none: Parameters = []
  return (
    decodedParameter(content.disposition?.parameters ?? none, 'filename') ??
    decodedParameter(content.parameters, 'name')
  )
}

function* leafText(read: ReadRange, part: PartNode, content: ContentFacts): Generator<SearchableText, void, void> {
  const transfer = transferDecoder(part.encoding)
  if (transfer === undefined) return
  const charset = charsetDecoder(decodedParameter(content.parameters, 'charset') ?? '')
  const html = content.subtype.toLowerCase() === 'html' ? new HtmlText() : undefined
  let continued = false
  for (let at = part.bodyStart; at < part.bodyEnd; at += PIECE) {
    const decoded = charset.push(transfer.push(read(at, Math.min(at + PIECE, part.bodyEnd))))
    const text = html === undefined ? decoded : html.push(decoded)
    if (text !== '') {
      yield inBody(text, continued)
      continued = true
    }
  }
  const decoded = charset.push(transfer.end()) + charset.end()
  const text = html === undefined ? decoded : html.push(decoded) + html.end()
  if (text !== '') yield inBody(text, continued)
}
