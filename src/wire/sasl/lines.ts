/** SASL messages as lines of IMAP, POP3 and SMTP: base64, `*` to cancel, `=` for an empty initial response. @module */
import { SASL_LINE_CHARACTERS } from './limits.ts'

// base64 = *(4base64-char) [base64-terminal]
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** The octets of a base64 text; `undefined` when it is none (RFC 9051 §6.2.2: such must be refused) or too long. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length > SASL_LINE_CHARACTERS || !BASE64.test(text)) return undefined
  return Buffer.from(text, 'base64')
}

/** A challenge or response as it goes on the wire; empty for no octets. */
export function encodeBase64(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('base64')
}

/** An initial response in its command: a lone `=` says empty (RFC 4959 §3, RFC 4954 §4). */
export function encodeInitialResponse(octets: Uint8Array): string {
  return octets.length === 0 ? '=' : encodeBase64(octets)
}
