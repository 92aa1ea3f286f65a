/** Base64 lines of SASL (RFC 9051 §9 base64). @module */
import { SyntaxFault } from './syntax-fault.ts'

/** Bytes of a base64 line such as a SASL answer; `*` (cancel) must be looked for before. */
export function parseBase64(line: string, offset = 0): Uint8Array {
  // base64 = *(4base64-char) [base64-terminal]
  if (line.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(line)) throw new SyntaxFault('Base64 is expected', offset)
  return Buffer.from(line, 'base64')
}

/** The mirror of {@link parseBase64}. */
export function formatBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
