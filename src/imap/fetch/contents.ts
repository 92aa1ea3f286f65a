/** What the items of a FETCH that need bytes stand for in one message (RFC 9051 §6.4.5.1, RFC 3516 §4.2). @module */
import { Turns } from '#lib/turns.ts'
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
  /** Too large to hold. */
  | { readonly kind: 'stream'; readonly size: number; readonly binary: boolean; readonly bytes: LateBytes }

/** Bytes that are read when they are written; opened when that begins. */
export class LateBytes implements AsyncIterable<Uint8Array> {
  readonly #open: () => AsyncIterable<Uint8Array>
  #iterator: AsyncIterator<Uint8Array> | undefined
  #first: IteratorResult<Uint8Array> | undefined

  constructor(open: () => AsyncIterable<Uint8Array>) {
    this.#open = open
  }

  /** Reads up to the first piece, so that damage shows before an answer begins. */
  async start(): Promise<void> {
    this.#iterator = this.#open()[Symbol.asyncIterator]()
    this.#first = await this.#iterator.next()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    const iterator = this.#iterator ?? this.#open()[Symbol.asyncIterator]()
    this.#iterator = iterator
    for (let step = this.#first ?? (await iterator.next()); step.done !== true; step = await iterator.next())
      yield step.value
  }

  /** Lets go of what was not read to its end. */
  async close(): Promise<void> {
    await this.#iterator?.return?.()
  }
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
  let ahead = FETCH_AHEAD_BYTES
  for (const item of items) {
    const content = contentOf(item, message, ahead)
    if (content instanceof Promise) return remaining(items, message, contents, content, ahead)
    if (content.kind === 'stream') return remaining(items, message, contents, Promise.resolve(content), ahead)
    if (content.kind === 'bytes') ahead -= content.size
    contents.push(content)
  }
  return contents
}

/** Goes on from the item that has to be waited for. */
async function remaining(
  items: readonly BytesItem[],
  message: MessageBytes,
  contents: Content[],
  first: Promise<Content>,
  left: number,
): Promise<Content[]> {
  const turns = new Turns()
  let ahead = left
  let started = false
  try {
    let content = await first
    for (;;) {
      contents.push(content)
      if (content.kind === 'bytes') ahead -= content.size
      if (content.kind === 'stream' && !started) {
        started = true
        await content.bytes.start()
      }
      const item = items[contents.length]
      if (item === undefined) return contents
      if (turns.overNow) await turns.share()
      content = await contentOf(item, message, ahead)
    }
  } catch (error) {
    await closeContents(contents)
    throw error
  }
}

/** Lets go of what was not read to its end. */
export async function closeContents(contents: readonly Content[]): Promise<void> {
  for (const content of contents) if (content.kind === 'stream') await content.bytes.close()
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
  if (size > ahead) return { kind: 'stream', size, binary: false, bytes: new LateBytes(() => message.stream(range)) }
  const read = message.chunks(range)
  if (!(read instanceof Promise)) return { kind: 'bytes', size, binary: false, chunks: read }
  return read.then((chunks): Content => ({ kind: 'bytes', size, binary: false, chunks }))
}

/** A partial of HEADER.FIELDS is cut after the fields are chosen. */
function inMemory(bytes: Uint8Array, partial: BytesItem['partial']): Content {
  const { start, end } = cutRange({ start: 0, end: bytes.length }, partial)
  const wanted = bytes.subarray(start, end)
  // A few fields of a very long header must not keep all of it in memory.
  const alone = bytes.buffer.byteLength > MOST_KEPT_WITH ? Uint8Array.from(wanted) : wanted
  return { kind: 'bytes', size: end - start, binary: false, chunks: [alone] }
}

/** Larger buffers are not kept for a part of them. */
const MOST_KEPT_WITH = 65_536

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
  let wanted = 0
  let nul = false
  const turns = new Turns()
  for await (const chunk of decoded(message, range, place)) {
    if (turns.overNow) await turns.share()
    size += chunk.length
    if (what === 'binary-size') continue
    const want = partial === undefined ? chunk : overlap(chunk, size - chunk.length, partial)
    nul ||= want.includes(0)
    wanted += want.length
    if (wanted <= ahead) kept.push(want)
    else kept.length = 0
  }
  if (what === 'binary-size') return { kind: 'number', number: size }
  if (wanted <= ahead) return { kind: 'bytes', size: wanted, binary: nul, chunks: kept }
  const open = (): AsyncIterable<Uint8Array> => cutStream(decoded(message, range, place), partial)
  return { kind: 'stream', size: wanted, binary: nul, bytes: new LateBytes(open) }
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
