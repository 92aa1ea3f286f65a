/** The header field TLS-Required (RFC 8689 §3). @module */
import { binaryOf } from './bytes.ts'
import { headerFields, unfold } from './headers.ts'

/**
 * Whether the sender wants a message to arrive rather than to be protected: what the recipient's domain asks of TLS does
 * not keep it. More than one such field must not be there, and then none counts.
 */
export function isTlsOptional(header: Uint8Array): boolean {
  const [first, ...others] = headerFields(binaryOf(header)).filter(({ lowerName }) => lowerName === 'tls-required')
  // requiretls-field = "TLS-Required:" [FWS] "No" CRLF
  return first !== undefined && others.length === 0 && unfold(first.rawValue).toLowerCase() === 'no'
}
