/** The MIME tree as offsets, compact enough to be kept with each email, and parts found by number in it. @module */
import { VarintReader, VarintWriter } from './bytes.ts'
import type { ScannedMessage, ScannedPart } from './scanned.ts'
import { normaliseEncoding } from './transfer-decoding.ts'

/** Octets from `start` up to, not including, `end`. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** Where a part is (RFC 9051 §6.4.5.1), offsets from the start of the message (trace lines included when told). */
export interface PartPlace {
  readonly kind: 'text' | 'message' | 'basic' | 'multipart'
  /** `BODY[n.MIME]`, with the blank line; for part 1 of a message that is no multipart it is the message's header. */
  readonly mimeHeader: Range
  /** `BODY[n]`. */
  readonly body: Range
  /** Content-Transfer-Encoding, lower case, `7bit` where missing. */
  readonly encoding: string
  /** Only of `message`, and of the empty section: the message, `BODY[n.HEADER]` and `BODY[n.TEXT]`. */
  readonly message: { readonly header: Range; readonly text: Range } | undefined
}

/** One node of the tree: as {@link ScannedPart}, without what the headers say beyond the encoding. */
export interface PartNode {
  readonly kind: PartPlace['kind']
  readonly encoding: string
  readonly headerStart: number
  readonly bodyStart: number
  readonly bodyEnd: number
  readonly children: readonly PartNode[]
}

const VERSION = 1
const KINDS = ['text', 'basic', 'message', 'multipart'] as const
const ENCODINGS = ['7bit', '8bit', 'binary', 'base64', 'quoted-printable'] as const

/**
 * The part tree with its offsets, compact: for each part, in order, kind and encoding, octets since the last offset,
 * of its header and of its body, and of multiparts the number of parts. A plain message takes 5 to 8 bytes.
 */
export function encodePartTable(scanned: ScannedMessage): Uint8Array {
  const out = new VarintWriter()
  out.put(VERSION)
  encodePart(out, scanned.root, 0)
  return out.bytes()
}

function encodePart(out: VarintWriter, part: ScannedPart, from: number): void {
  const encoding = normaliseEncoding(part.content.encoding)
  const known = ENCODINGS.findIndex((each) => each === encoding)
  const code = known < 0 ? ENCODINGS.length : known
  out.put(code * KINDS.length + KINDS.indexOf(part.kind))
  if (known < 0) out.putText(encoding)
  out.put(part.headerStart - from)
  out.put(part.bodyStart - part.headerStart)
  out.put(part.bodyEnd - part.bodyStart)
  if (part.kind === 'multipart') out.put(part.children.length)
  let last = part.bodyStart
  for (const child of part.children) {
    encodePart(out, child, last)
    last = child.bodyEnd
  }
}

function decodePart(from: VarintReader, last: number): PartNode {
  const code = from.take()
  const kind = KINDS[code % KINDS.length] ?? 'basic'
  const encoding = ENCODINGS[Math.floor(code / KINDS.length)] ?? from.takeText()
  const headerStart = last + from.take()
  const bodyStart = headerStart + from.take()
  const bodyEnd = bodyStart + from.take()
  const count = kind === 'multipart' ? from.take() : kind === 'message' ? 1 : 0
  const children: PartNode[] = []
  let at = bodyStart
  for (let i = 0; i < count; i += 1) {
    const child = decodePart(from, at)
    children.push(child)
    at = child.bodyEnd
  }
  return { kind, encoding, headerStart, bodyStart, bodyEnd, children }
}

/** A part tree read back. */
export class PartTable {
  /** The message itself, offsets as scanned: without the shift. */
  readonly root: PartNode
  readonly #shift: number

  private constructor(root: PartNode, shift: number) {
    this.root = root
    this.#shift = shift
  }

  /**
   * Bytes that {@link encodePartTable} did not write are a fault.
   * @param shift Octets that stand before the scanned bytes (the recipient's trace lines): they count as the beginning
   * of the message's header, and all offsets of {@link find} move by them.
   */
  static decode(bytes: Uint8Array, shift = 0): PartTable {
    const reader = new VarintReader(bytes)
    const version = reader.take()
    if (version !== VERSION) throw new RangeError(`Cannot read a part table of version ${version}`)
    return new PartTable(decodePart(reader, 0), shift)
  }

  /**
   * The part of that number (RFC 9051 §6.4.5.1), `undefined` when there is none. The empty section is the whole message:
   * its `body` is all of it, its `message` is HEADER and TEXT.
   */
  find(section: readonly number[]): PartPlace | undefined {
    if (section.length === 0) return this.#whole()
    // A message's parts are numbered as those of its multipart; without one the body itself is part 1.
    let node: PartNode = this.root
    let isRoot = true
    for (const number of section) {
      const inside: PartNode | undefined = isRoot ? node : node.kind === 'message' ? node.children[0] : node
      if (inside === undefined) return undefined
      if (inside.kind === 'multipart') {
        const child = inside.children[number - 1]
        if (child === undefined) return undefined
        node = child
      } else {
        if (number !== 1 || (!isRoot && node.kind !== 'message')) return undefined
        node = inside
      }
      isRoot = false
    }
    return this.#place(node)
  }

  #whole(): PartPlace {
    const { kind, encoding, bodyStart, bodyEnd } = this.root
    const header = this.#range(0, bodyStart)
    const text = this.#range(bodyStart, bodyEnd)
    return { kind, encoding, mimeHeader: header, body: this.#range(0, bodyEnd), message: { header, text } }
  }

  #place(node: PartNode): PartPlace {
    const inner = node.kind === 'message' ? node.children[0] : undefined
    const message =
      inner === undefined
        ? undefined
        : {
            header: this.#range(inner.headerStart, inner.bodyStart),
            text: this.#range(inner.bodyStart, inner.bodyEnd),
          }
    return {
      kind: node.kind,
      encoding: node.encoding,
      mimeHeader: this.#range(node.headerStart, node.bodyStart),
      body: this.#range(node.bodyStart, node.bodyEnd),
      message,
    }
  }

  #range(start: number, end: number): Range {
    const shift = this.#shift
    return { start: start === 0 ? 0 : start + shift, end: end + shift }
  }
}
