/** Bytes of a message in the order a client sees them: its trace lines, then its body (design §4 "Segments"). @module */

import { encodeFieldTable, selectFields } from '#mail/headers.ts'
import { MAX_CACHED_HEADER } from '#mail/limits.ts'
import { type PartPlace, PartTable, type Range } from '#mail/part-table.ts'
import type { StoredBody } from '#store/mail-store.ts'
import type { EmailRow } from '#store/types.ts'
import { HEADER_BYTES } from '../limits.ts'
import type { OwnFields } from './plan.ts'
import type { ReadRoom } from './read-room.ts'

/** One call to {@link StoredBody.read} gives this much at most. */
const MOST_AT_ONCE = 1024 * 1024

/** Offsets count from the first trace line. Nothing is read before it is asked for. */
export class MessageBytes {
  readonly row: EmailRow
  readonly #open: () => StoredBody
  readonly #room: ReadRoom | undefined
  #body: StoredBody | undefined
  #table: PartTable | undefined
  /** The header that HEADER.FIELDS looked at last. */
  #block: { readonly start: number; readonly bytes: Uint8Array; readonly table: Uint8Array } | undefined

  /** @param room Where bodies are read to, if they need no memory of their own. */
  constructor(row: EmailRow, open: () => StoredBody, room?: ReadRoom) {
    this.row = row
    this.#open = open
    this.#room = room
  }

  /** Octets of the whole message. */
  get whole(): Range {
    return { start: 0, end: this.row.size }
  }

  /** The message's own header, with its blank line. */
  get header(): Range {
    return { start: 0, end: this.#headerEnd }
  }

  get text(): Range {
    return { start: this.#headerEnd, end: this.row.size }
  }

  get #headerEnd(): number {
    const { headerSize, trace } = this.row
    if (headerSize === undefined) throw new Error('The store left out the size of the header')
    return trace.length + headerSize
  }

  /** The part of that number, `undefined` when there is none. */
  part(numbers: readonly number[]): PartPlace | undefined {
    const { parts, trace } = this.row
    if (this.#table === undefined) {
      if (parts === undefined) throw new Error('The store left out the parts')
      this.#table = PartTable.decode(parts, trace.length)
    }
    return this.#table.find(numbers)
  }

  /** Reads a range, which should be small, in pieces as they lie; at once where that is possible. */
  chunks({ start, end }: Range): Uint8Array[] | Promise<Uint8Array[]> {
    const { trace } = this.row
    const kept = this.#keptHeader
    if (kept !== undefined && start >= trace.length && end <= trace.length + kept.length)
      return [kept.subarray(start - trace.length, end - trace.length)]
    const before = this.#traceOf(start, end)
    const chunks = before === undefined ? [] : [before]
    const from = Math.max(start, trace.length) - trace.length
    const to = end - trace.length
    if (from >= to) return chunks
    if (kept !== undefined && to <= kept.length) return [...chunks, kept.subarray(from, to)]
    if (to - from > MOST_AT_ONCE) return this.#manyChunks(chunks, from, to)
    const bytes = this.#stored().read(from, to, this.#room?.take)
    if (!(bytes instanceof Uint8Array)) return bytes.then((read) => [...chunks, read])
    chunks.push(bytes)
    return chunks
  }

  async #manyChunks(chunks: Uint8Array[], from: number, to: number): Promise<Uint8Array[]> {
    for (let at = from; at < to; at += MOST_AT_ONCE)
      chunks.push(await this.#stored().read(at, Math.min(to, at + MOST_AT_ONCE)))
    return chunks
  }

  /** A range as it is read. */
  async *stream({ start, end }: Range): AsyncGenerator<Uint8Array, void, void> {
    const before = this.#traceOf(start, end)
    if (before !== undefined) yield before
    const offset = this.row.trace.length
    const from = Math.max(start, offset)
    if (from < end) yield* this.#stored().stream(from - offset, end - offset)
  }

  /** HEADER.FIELDS of the message's own header, from what is kept beside it where that is whole. */
  ownFields(names: readonly string[], not: boolean): Uint8Array | Promise<Uint8Array> {
    const { trace, fields } = this.row
    const some = trace.length > 0 && (not || mayHaveField(trace, names))
    const before = some ? selectFields(trace, encodeFieldTable(trace), names, not) : undefined
    const kept = this.#keptHeader
    if (kept !== undefined && fields !== undefined) return selectFields(kept, fields, names, not, before)
    return this.#fieldsRead({ start: trace.length, end: this.#headerEnd }, names, not, before)
  }

  /** HEADER.FIELDS of the header of a message inside. */
  fieldsOf(header: Range, names: readonly string[], not: boolean): Promise<Uint8Array> {
    return this.#fieldsRead(header, names, not, undefined)
  }

  async #fieldsRead(
    header: Range,
    names: readonly string[],
    not: boolean,
    before: Uint8Array | undefined,
  ): Promise<Uint8Array> {
    if (this.#block?.start !== header.start) {
      const bytes = Buffer.concat(await this.chunks(limited(header)))
      this.#block = { start: header.start, bytes, table: encodeFieldTable(bytes) }
    }
    return selectFields(this.#block.bytes, this.#block.table, names, not, before)
  }

  /** The header kept beside the message, where it is whole. */
  get #keptHeader(): Uint8Array | undefined {
    const { header, headerSize } = this.row
    return header?.length === headerSize ? header : undefined
  }

  #traceOf(start: number, end: number): Uint8Array | undefined {
    const { trace } = this.row
    return start < trace.length && start < end ? trace.subarray(start, Math.min(end, trace.length)) : undefined
  }

  #stored(): StoredBody {
    this.#body ??= this.#open()
    return this.#body
  }
}

/** The header kept beside a message where it alone answers for these fields: it is whole, and the trace has none of them. */
export function keptFields({ header, headerSize, trace }: EmailRow, { names, not }: OwnFields): Uint8Array | undefined {
  if (header === undefined) return undefined
  // Where the size is not told, none of the fields can be in the trace.
  if (headerSize === undefined) return header.length < MAX_CACHED_HEADER ? header : undefined
  if (header.length !== headerSize) return undefined
  return trace.length > 0 && (not || mayHaveField(trace, names)) ? undefined : header
}

/** Whether a field of the trace lines begins as one of the names does; nearly always none, and then this is all. */
function mayHaveField(trace: Uint8Array, names: readonly string[]): boolean {
  for (let at = 0; at < trace.length; ) {
    const colon = trace.indexOf(COLON, at)
    const first = (trace[at] ?? 0) | 0x20
    for (const name of names)
      if ((name.charCodeAt(0) | 0x20) === first && (name.length === colon - at || trace[colon - 1] === SPACE))
        return true
    const end = trace.indexOf(LF, at)
    if (end < 0) return false
    at = end + 1
  }
  return false
}

const COLON = 58
const SPACE = 32
const LF = 10

/** Headers beyond all reason are looked at up to here. */
function limited({ start, end }: Range): Range {
  return { start, end: Math.min(end, start + HEADER_BYTES) }
}

/** A range cut to what a partial FETCH asks for. */
export function cutRange(
  { start, end }: Range,
  partial: { readonly offset: number; readonly length: number } | undefined,
): Range {
  if (partial === undefined) return { start, end }
  const from = Math.min(end, start + partial.offset)
  return { start: from, end: Math.min(end, from + partial.length) }
}
