/**
 * What a client gets of a message with 8-bit octets in its header when it did not say UTF8: "the server MUST either
 * send the client a surrogate message […] or fail the request" (RFC 6856 §2.1). The surrogate has its header in ASCII;
 * the body is as stored, since 8-bit bodies go without UTF8 too. LIST and STAT tell of the message as stored.
 * @module
 */
import { downgradeHeader, isEightBit } from '#mail/downgrade-header.ts'

const LF = 10
const CR = 13

/** Trace lines and first piece of the body as they go out. */
export interface Start {
  readonly trace: Uint8Array
  readonly piece: Uint8Array
}

/**
 * @param piece The first of the body, or all of it.
 * @param whole Whether nothing of the body follows.
 * @returns `undefined` when it cannot be done: the header goes on behind the piece.
 */
export function surrogate(trace: Uint8Array, piece: Uint8Array, whole: boolean): Start | undefined {
  const end = headerEnd(piece) ?? (whole ? piece.length : undefined)
  const header = piece.subarray(0, end ?? piece.length)
  const headerChanges = isEightBit(header)
  if (headerChanges && end === undefined) return undefined
  return {
    trace: isEightBit(trace) ? downgraded(trace) : trace,
    piece: headerChanges ? Buffer.concat([downgraded(header), piece.subarray(end)]) : piece,
  }
}

function downgraded(block: Uint8Array): Uint8Array {
  const text = Buffer.from(block.buffer, block.byteOffset, block.length).toString('latin1')
  return Buffer.from(downgradeHeader(text), 'latin1')
}

/** The offset behind the blank line. */
function headerEnd(piece: Uint8Array): number | undefined {
  for (let start = 0; start < piece.length; ) {
    const end = piece.indexOf(LF, start)
    if (end < 0) return undefined
    if (end === start || (end === start + 1 && piece[start] === CR)) return end + 1
    start = end + 1
  }
  return undefined
}
