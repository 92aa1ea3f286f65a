/** What the items of a FETCH that need bytes stand for in one message (RFC 9051 §6.4.5.1, RFC 3516 §4.2). @module */
import { CrlfNormaliser } from '#mail/line-ends.ts'
import type { PartPlace, Range } from '#mail/part-table.ts'
import { type TransferDecoder, transferDecoder } from '#mail/transfer-decoding.ts'
import { FETCH_AHEAD_BYTES } from '../limits.ts'
import { cutRange, type MessageBytes } from './message-bytes.ts'
import type { BytesItem } from './plan.ts'

/** The value of an item: NIL, a number, or bytes. */
export type Content =
  | { readonly kind: 'nil' }
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'bytes'; readonly size: number; readonly binary: boolean; readonly chunks: readonly Uint8Array[] }
  /** Too large to hold; read already up to its first piece, so that damage shows before the answer begins. */
  | {
      readonly kind: 'stream'
      readonly size: number
      readonly binary: boolean
      readonly first: IteratorResult<Uint8Array, void>
      readonly rest: AsyncIterator<Uint8Array, void>
    }

/** A part has a Content-Transfer-Encoding that nobody knows. */
export class UnknownEncoding extends Error {
  override readonly name = 'UnknownEncoding'
}

const NIL: Content = { kind: 'nil' }

/**
 * Finds and reads the contents of the items, in their order.
 * @throws {UnknownEncoding}
 * @throws {DamagedBody}
 */
export function contentsOf(items: readonly BytesItem[], message: MessageBytes): Content[] | Promise<Content[]> {
  const contents: Content[] = []
  for (const item of items) {
    const content = contentOf(item, message, aheadOf(contents))
    if (content instanceof Promise) return remaining(items, message, contents, content)
    contents.push(content)
  }
  return contents
}

async function remaining(
  items: readonly BytesItem[],
  message: MessageBytes,
  contents: Content[],
  first: Promise<Content>,
): Promise<Content[]> {
  try {
    contents.push(await first)
    for (const item of items.slice(contents.length)) contents.push(await contentOf(item, message, aheadOf(contents)))
    return contents
  } catch (error) {
    await closeContents(contents)
    throw error
  }
}

/** What may still be held of a message. */
function aheadOf(contents: readonly Content[]): number {
  return contents.reduce((left, content) => (content.kind === 'bytes' ? left - content.size : left), FETCH_AHEAD_BYTES)
}

/** Lets go of what was not read to its end. */
export async function closeContents(contents: readonly Content[]): Promise<void> {
  for (const content of contents) if (content.kind === 'stream') await content.rest.return?.()
}

function contentOf(item: BytesItem, message: MessageBytes, ahead: number): Content | Promise<Content> {
  const { section, what, partial } = item
  if (what !== 'section') return binaryContent(item, message, ahead)
  const { part, text, fields } = section
  const place = part.length === 0 ? undefined : message.part(part)
  if (part.length > 0 && place === undefined) return NIL
  if (text === 'HEADER.FIELDS' || text === 'HEADER.FIELDS.NOT') {
    const not = text === 'HEADER.FIELDS.NOT'
    if (place !== undefined && place.message === undefined) return NIL
    const chosen =
      place?.message === undefined
        ? message.ownFields(fields, not)
        : message.fieldsOf(place.message.header, fields, not)
    return chosen instanceof Uint8Array ? inMemory(chosen, partial) : chosen.then((bytes) => inMemory(bytes, partial))
  }
  const range = place === undefined ? ownRange(message, text) : rangeOf(place, text)
  return range === undefined ? NIL : rangeContent(message, cutRange(range, partial), ahead)
}

function ownRange(message: MessageBytes, text: BytesItem['section']['text']): Range {
  if (text === 'HEADER') return message.header
  return text === 'TEXT' ? message.text : message.whole
}

/** HEADER and TEXT of a part need it to be a message. */
function rangeOf(place: PartPlace, text: BytesItem['section']['text']): Range | undefined {
  switch (text) {
    case 'HEADER':
      return place.message?.header
    case 'TEXT':
      return place.message?.text
    case 'MIME':
      return place.mimeHeader
    default:
      return place.body
  }
}

function rangeContent(message: MessageBytes, range: Range, ahead: number): Content | Promise<Content> {
  const size = range.end - range.start
  if (size > ahead) return streamed(message.stream(range), size, false)
  const read = message.chunks(range)
  if (!(read instanceof Promise)) return { kind: 'bytes', size, binary: false, chunks: read }
  return read.then((chunks): Content => ({ kind: 'bytes', size, binary: false, chunks }))
}

/** A partial of HEADER.FIELDS is cut after the fields are chosen. */
function inMemory(bytes: Uint8Array, partial: BytesItem['partial']): Content {
  const { start, end } = cutRange({ start: 0, end: bytes.length }, partial)
  return { kind: 'bytes', size: end - start, binary: false, chunks: [bytes.subarray(start, end)] }
}

async function streamed(iterable: AsyncIterable<Uint8Array>, size: number, binary: boolean): Promise<Content> {
  const rest = iterable[Symbol.asyncIterator]()
  return { kind: 'stream', size, binary, first: await rest.next(), rest }
}

async function binaryContent(
  { section, what, partial }: BytesItem,
  message: MessageBytes,
  ahead: number,
): Promise<Content> {
  const place = section.part.length === 0 ? undefined : message.part(section.part)
  if (section.part.length > 0 && place === undefined) return what === 'binary' ? NIL : { kind: 'number', number: 0 }
  const range = place?.body ?? message.whole
  // Once to learn the size (RFC 9051 §7.5.2: exactly what BINARY.SIZE says), once more to send what is too large to hold.
  const kept: Uint8Array[] = []
  let size = 0
  let cut = { start: 0, end: 0 }
  let nul = false
  for await (const chunk of decoded(message, range, place)) {
    size += chunk.length
    if (what === 'binary-size') continue
    const want = partial === undefined ? chunk : overlap(chunk, size - chunk.length, partial)
    nul ||= want.includes(0)
    cut = { start: 0, end: cut.end + want.length }
    if (cut.end <= ahead) kept.push(want)
    else kept.length = 0
  }
  if (what === 'binary-size') return { kind: 'number', number: size }
  if (cut.end <= ahead) return { kind: 'bytes', size: cut.end, binary: nul, chunks: kept }
  return streamed(cutStream(decoded(message, range, place), partial), cut.end, nul)
}

/** A part decoded. Text gets CRLF line ends (RFC 9051 §7.5.2); messages and multiparts are as they are. */
async function* decoded(
  message: MessageBytes,
  range: Range,
  place: PartPlace | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const stages: TransferDecoder[] = []
  if (place?.kind === 'text' || place?.kind === 'basic') {
    const decoder = transferDecoder(place.encoding)
    if (decoder === undefined) throw new UnknownEncoding('Cannot decode a part')
    stages.push(decoder)
  }
  if (place?.kind === 'text') stages.push(new CrlfNormaliser())
  for await (const chunk of message.stream(range)) {
    let bytes = chunk
    for (const stage of stages) bytes = stage.push(bytes)
    if (bytes.length > 0) yield bytes
  }
  for (const [index, stage] of stages.entries()) {
    let bytes = stage.end()
    for (const later of stages.slice(index + 1)) bytes = later.push(bytes)
    if (bytes.length > 0) yield bytes
  }
}

async function* cutStream(
  chunks: AsyncIterable<Uint8Array>,
  partial: BytesItem['partial'],
): AsyncGenerator<Uint8Array, void, void> {
  let at = 0
  for await (const chunk of chunks) {
    const want = partial === undefined ? chunk : overlap(chunk, at, partial)
    at += chunk.length
    if (want.length > 0) yield want
  }
}

/** What a partial FETCH wants of a piece that begins at `at`. */
function overlap(chunk: Uint8Array, at: number, { offset, length }: NonNullable<BytesItem['partial']>): Uint8Array {
  const start = Math.max(0, offset - at)
  const end = Math.min(chunk.length, offset + length - at)
  return start < end ? chunk.subarray(start, end) : chunk.subarray(0, 0)
}
