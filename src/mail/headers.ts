/** Header blocks: their fields, and picking fields out of a raw block by a table of offsets. @module */
import { binaryOf, bufferOf, trimBinary, VarintReader, VarintWriter } from './bytes.ts'

/** One field of a header block, as a binary string. */
export interface HeaderField {
  /** As written, without the white space that RFC 5322 §4.5 allows before the colon. */
  readonly name: string
  readonly lowerName: string
  /** Everything after the colon, still folded. */
  readonly rawValue: string
  /** Offset of the name and of the first octet after the field (its line end included) in the block. */
  readonly start: number
  readonly end: number
}

const UTF8_BOM = '\xef\xbb\xbf'

/**
 * The fields of a header block, in their order. Ends at the first blank line.
 * Lines that are no field (no colon, spaces in the name, an mbox `From ` line) are left out.
 * @param most Stops after so many.
 */
export function headerFields(block: string, most: number = Number.POSITIVE_INFINITY): readonly HeaderField[] {
  const fields: HeaderField[] = []
  walkFields(block, (start, nameEnd, colon, end) => {
    const name = block.slice(start, nameEnd)
    fields.push({ name, lowerName: name.toLowerCase(), rawValue: block.slice(colon + 1, end), start, end })
    return fields.length < most
  })
  return fields
}

/** Visits the fields one after the other, keeping none: hostile headers have 100,000 of them. Ends on `false`. */
function walkFields(
  block: string,
  visit: (start: number, nameEnd: number, colon: number, end: number) => boolean,
): void {
  let start = block.startsWith(UTF8_BOM) ? UTF8_BOM.length : 0
  while (start < block.length) {
    let end = lineEnd(block, start)
    if (isBlank(block, start)) break
    while (end < block.length && isFold(block.charCodeAt(end))) end = lineEnd(block, end)
    const colon = colonOf(block, start, end)
    if (colon !== undefined && !visit(start, colon.nameEnd, colon.at, end)) break
    start = end
  }
}

function lineEnd(block: string, from: number): number {
  const lf = block.indexOf('\n', from)
  return lf < 0 ? block.length : lf + 1
}

function isBlank(block: string, at: number): boolean {
  const first = block.charCodeAt(at)
  return first === 10 || (first === 13 && block.charCodeAt(at + 1) === 10)
}

function isFold(code: number): boolean {
  return code === 32 || code === 9
}

// field-name = 1*ftext, ftext = %d33-57 / %d59-126 (RFC 5322 §3.6.8); WSP before the colon is obs-optional (§4.5.8)
function colonOf(block: string, start: number, end: number): { at: number; nameEnd: number } | undefined {
  let at = start
  let code = block.charCodeAt(at)
  while (at < end && code > 32 && code < 127 && code !== 58) code = block.charCodeAt((at += 1))
  const nameEnd = at
  while (at < end && isFold(code)) code = block.charCodeAt((at += 1))
  return at < end && code === 58 && nameEnd > start ? { at, nameEnd } : undefined
}

/** A field's value without line ends and without white space around it (RFC 5322 §2.2.3). */
export function unfold(rawValue: string): string {
  return trimBinary(/[\r\n]/.test(rawValue) ? rawValue.replace(/[\r\n]+/g, '') : rawValue)
}

/** The unfolded value of the first field of that name (lower case), `undefined` when there is none. */
export function firstValue(fields: readonly HeaderField[], lowerName: string): string | undefined {
  const field = fields.find((each) => each.lowerName === lowerName)
  return field === undefined ? undefined : unfold(field.rawValue)
}

/**
 * Where the fields of a raw header block are, for {@link selectFields}: octets of the closing blank line (0 to 2),
 * then for each field the octets since the last one, of its name, and of all of it.
 */
export function encodeFieldTable(header: Uint8Array): Uint8Array {
  const block = binaryOf(header)
  const table = new VarintWriter()
  table.put(blankLineLength(block))
  let last = 0
  walkFields(block, (start, nameEnd, _, end) => {
    table.put(start - last)
    table.put(nameEnd - start)
    table.put(end - start)
    last = end
    return true
  })
  return table.bytes()
}

function blankLineLength(block: string): number {
  if (block === '\r\n' || block.endsWith('\n\r\n')) return 2
  return block === '\n' || block.endsWith('\n\n') ? 1 : 0
}

/** Names of fields, ready to compare. Made once for each list that a command names. */
const matchers = new WeakMap<readonly string[], readonly Uint8Array[]>()

/**
 * `HEADER.FIELDS (names)`, or with `not` `HEADER.FIELDS.NOT (names)`, of a raw header block (RFC 9051 §6.4.5.1).
 * @param table What {@link encodeFieldTable} gave for exactly this block.
 * @param before The fields chosen from what stands before this block: `selectFields` of the recipient's trace lines.
 * @returns Fields as they stand, in the block's order, then its blank line if it has one.
 */
export function selectFields(
  header: Uint8Array,
  table: Uint8Array,
  names: readonly string[],
  not: boolean,
  before?: Uint8Array,
): Uint8Array {
  let wanted = matchers.get(names)
  if (wanted === undefined) {
    wanted = names.map((name) => Buffer.from(name.toLowerCase(), 'latin1'))
    matchers.set(names, wanted)
  }
  const reader = new VarintReader(table)
  const blank = reader.take()
  const out = Buffer.allocUnsafe((before?.length ?? 0) + header.length)
  let length = 0
  if (before !== undefined) {
    out.set(before)
    length = before.length
  }
  let at = 0
  while (!reader.done) {
    at += reader.take()
    const nameLength = reader.take()
    const size = reader.take()
    if (isAmong(header, at, nameLength, wanted) !== not) length = append(out, length, header, at, at + size)
    at += size
  }
  length = append(out, length, header, header.length - blank, header.length)
  return out.subarray(0, length)
}

function append(out: Buffer, length: number, from: Uint8Array, start: number, end: number): number {
  bufferOf(from).copy(out, length, start, end)
  return length + Math.max(0, end - start)
}

/** ASCII letters compare without case, all else exactly; `| 32` would mix `[` with `{`. */
function isAmong(header: Uint8Array, at: number, length: number, names: readonly Uint8Array[]): boolean {
  for (const name of names) {
    if (name.length !== length) continue
    let i = 0
    while (i < length) {
      const byte = header[at + i] ?? 0
      if ((byte >= 65 && byte <= 90 ? byte + 32 : byte) !== name[i]) break
      i += 1
    }
    if (i === length) return true
  }
  return false
}
