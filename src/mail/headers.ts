/** Header blocks: their fields, and picking fields out of a raw block by a table of offsets. @module */
import { binaryOf, bufferOf, trimBinary, VarintWriter } from './bytes.ts'

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

/**
 * Finds the fields that `HEADER.FIELDS (names)`, or with `not` `HEADER.FIELDS.NOT (names)`, gives (RFC 9051 §6.4.5.1), in
 * one header block after the other, without copying.
 */
export class FieldChooser {
  /** Names in lower case by their length. */
  readonly #byLength: (Uint8Array[] | undefined)[] = []
  readonly #not: boolean
  #table: Uint8Array = NO_BYTES
  #at = 0
  #runs = new Int32Array(64)
  #ends = 0

  constructor(names: readonly string[], not: boolean) {
    this.#not = not
    for (const name of names) {
      const same = this.#byLength[name.length] ?? []
      this.#byLength[name.length] = same
      same.push(Buffer.from(name.toLowerCase(), 'latin1'))
    }
  }

  /**
   * Fields as they stand, in the block's order, then its blank line if it has one.
   * @param table What {@link encodeFieldTable} gave for exactly this block.
   * @returns how many octets were chosen; where they are stands in the runs.
   */
  choose(header: Uint8Array, table: Uint8Array): number {
    this.#table = table
    this.#at = 0
    this.#ends = 0
    const blank = this.#take()
    let octets = 0
    let start = 0
    while (this.#at < table.length) {
      start += this.#take()
      const nameLength = this.#take()
      const end = start + this.#take()
      if (this.#names(header, start, nameLength) !== this.#not) octets += this.#run(start, Math.min(end, header.length))
      start = end
    }
    return octets + this.#run(header.length - blank, header.length)
  }

  /** Runs of octets that were chosen last. */
  get runs(): number {
    return this.#ends / 2
  }

  /** Where the run begins. */
  start(run: number): number {
    return this.#runs[2 * run] ?? 0
  }

  /** And ends. */
  end(run: number): number {
    return this.#runs[2 * run + 1] ?? 0
  }

  /** @returns its length. */
  #run(start: number, end: number): number {
    if (start >= end) return 0
    const ends = this.#ends
    if (ends > 0 && this.#runs[ends - 1] === start) this.#runs[ends - 1] = end
    else {
      if (ends === this.#runs.length) {
        const wider = new Int32Array(2 * ends)
        wider.set(this.#runs)
        this.#runs = wider
      }
      this.#runs[ends] = start
      this.#runs[ends + 1] = end
      this.#ends = ends + 2
    }
    return end - start
  }

  /** ASCII letters compare without case, all else exactly; `| 32` would mix `[` with `{`. */
  #names(header: Uint8Array, at: number, length: number): boolean {
    const names = this.#byLength[length]
    if (names === undefined) return false
    for (const name of names) {
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

  /** A varint; nearly all are one octet. */
  #take(): number {
    const byte = this.#table[this.#at++] ?? 255
    if (byte < 128) return byte
    let value = byte & 127
    for (let scale = 128; ; scale *= 128) {
      const next = this.#table[this.#at++]
      if (next === undefined) throw new RangeError('Varints end too early')
      value += (next & 127) * scale
      if (next < 128) return value
    }
  }
}

const NO_BYTES = new Uint8Array(0)
/** Made once for each list that a command names. */
const choosers = new WeakMap<readonly string[], { readonly named: FieldChooser; readonly others: FieldChooser }>()

/**
 * What a {@link FieldChooser} finds in a raw header block.
 * @param table What {@link encodeFieldTable} gave for exactly this block.
 * @param before The fields chosen from what stands before this block: `selectFields` of the recipient's trace lines.
 */
export function selectFields(
  header: Uint8Array,
  table: Uint8Array,
  names: readonly string[],
  not: boolean,
  before?: Uint8Array,
): Uint8Array {
  let both = choosers.get(names)
  if (both === undefined) {
    both = { named: new FieldChooser(names, false), others: new FieldChooser(names, true) }
    choosers.set(names, both)
  }
  const chooser = not ? both.others : both.named
  const octets = chooser.choose(header, table)
  const out = Buffer.allocUnsafe((before?.length ?? 0) + octets)
  let length = 0
  if (before !== undefined) {
    out.set(before)
    length = before.length
  }
  const block = bufferOf(header)
  for (let run = 0; run < chooser.runs; run += 1)
    length += block.copy(out, length, chooser.start(run), chooser.end(run))
  return out
}
