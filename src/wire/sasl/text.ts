import { LOGIN_OCTETS, PASSWORD_OCTETS } from './limits.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Text of a client: UTF-8, and where it is none ISO 8859-1.
 * Quirk: mail programs older than SASL send passwords in the machine's own charset.
 */
export function decodeText(octets: Uint8Array): string {
  return strictUtf8(octets) ?? Buffer.from(octets).toString('latin1')
}

/** UTF-8 or `undefined`. */
export function strictUtf8(octets: Uint8Array): string | undefined {
  try {
    return utf8.decode(octets)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

/** A login as a mechanism may carry it: not empty, bounded, without NUL. */
export function isLogin(octets: Uint8Array): boolean {
  return octets.length > 0 && octets.length <= LOGIN_OCTETS && !octets.includes(0)
}

/** A password as a mechanism may carry it. An empty one is left to the authority: it is wrong, not malformed. */
export function isPassword(octets: Uint8Array): boolean {
  return octets.length <= PASSWORD_OCTETS && !octets.includes(0)
}
