import type { ScannedMessage } from './scanned.ts'

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
  /** Only of `message`: the message inside, `BODY[n.HEADER]` and `BODY[n.TEXT]`. */
  readonly message: { readonly header: Range; readonly text: Range } | undefined
}

/** The part tree with its offsets, compact (varints). */
export function encodePartTable(_scanned: ScannedMessage): Uint8Array {
  throw new Error('encodePartTable is not built yet')
}

/** A part tree read back. */
export class PartTable {
  /** @param shift Octets that stand before the scanned bytes (the recipient's trace lines). */
  static decode(_bytes: Uint8Array, _shift = 0): PartTable {
    throw new Error('PartTable is not built yet')
  }
  /** `undefined` when there is no such part. An empty section is the whole message: `message` has HEADER and TEXT. */
  find(_section: readonly number[]): PartPlace | undefined {
    throw new Error('PartTable is not built yet')
  }
}
