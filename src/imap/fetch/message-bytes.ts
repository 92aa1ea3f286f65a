/** Bytes of a message in the order a client sees them: its trace lines, then its body (design §4 "Segments"). @module */
import { encodeFieldTable, selectFields } from '#mail/headers.ts'
import { type PartPlace, PartTable, type Range } from '#mail/part-table.ts'
import type { StoredBody } from '#store/mail-store.ts'
import type { EmailRow } from '#store/types.ts'
import { HEADER_BYTES } from '../limits.ts'

/** One call to {@link StoredBody.read} gives this much at most. */
const MOST_AT_ONCE = 1024 * 1024

/** Offsets count from the first trace line. Nothing is read before it is asked for. */
export class MessageBytes {
  readonly row: EmailRow
  readonly #open: () => StoredBody
  #body: StoredBody | undefined
  #table: PartTable | undefined

  constructor(row: EmailRow, open: () => StoredBody) {
    this.row = row
    this.#open = open
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

  /** Reads a range, which should be small. */
  async read({ start, end }: Range): Promise<Uint8Array> {
    const cached = this.#cached(start, end)
    if (cached !== undefined) return cached
    const chunks = await this.chunks({ start, end })
    return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
  }

  /** The same in pieces as they lie. */
  async chunks({ start, end }: Range): Promise<Uint8Array[]> {
    const chunks: Uint8Array[] = []
    const before = this.#traceOf(start, end)
    if (before !== undefined) chunks.push(before)
    const offset = this.row.trace.length
    for (let at = Math.max(start, offset); at < end; at += MOST_AT_ONCE) {
      const bytes = this.#stored().read(at - offset, Math.min(end, at + MOST_AT_ONCE) - offset)
      chunks.push(bytes instanceof Uint8Array ? bytes : await bytes)
    }
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
  async ownFields(names: readonly string[], not: boolean): Promise<Uint8Array> {
    const { trace, header, fields, headerSize } = this.row
    const before = trace.length === 0 ? undefined : selectFields(trace, encodeFieldTable(trace), names, not)
    if (header !== undefined && fields !== undefined && header.length === headerSize)
      return selectFields(header, fields, names, not, before)
    const read = await this.read(limited({ start: trace.length, end: this.#headerEnd }))
    return selectFields(read, encodeFieldTable(read), names, not, before)
  }

  /** HEADER.FIELDS of the header of a message inside. */
  async fieldsOf(header: Range, names: readonly string[], not: boolean): Promise<Uint8Array> {
    const read = await this.read(limited(header))
    return selectFields(read, encodeFieldTable(read), names, not)
  }

  /** The header kept beside the message answers for it. */
  #cached(start: number, end: number): Uint8Array | undefined {
    const { header, headerSize, trace } = this.row
    if (header === undefined || header.length !== headerSize || start !== 0 || end !== trace.length + headerSize)
      return undefined
    return trace.length === 0 ? header : Buffer.concat([trace, header])
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
