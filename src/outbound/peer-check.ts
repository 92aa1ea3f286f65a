/** Whether the certificate of another mail server is what the policy asks for. @module */
import { checkServerIdentity, type TLSSocket } from 'node:tls'
import type { TlsPolicy } from './tls-policy.ts'

/** @returns why not, as the rest of a sentence; `undefined`: it is, or nobody asks. */
export function checkCertificate(socket: TLSSocket, policy: TlsPolicy): string | undefined {
  if (policy.level !== 'verified') return policy.level === 'dane' ? 'DANE cannot be checked here' : undefined
  // Node says a code here, whatever its types say
  const error = String(socket.authorizationError ?? '')
  const chain = socket.authorized || error === 'ERR_TLS_CERT_ALTNAME_INVALID'
  if (!chain) return WORDS.get(error) ?? error
  const certificate = socket.getPeerCertificate()
  const fits = policy.names.some((name) => checkServerIdentity(name, certificate) === undefined)
  return fits ? undefined : `it is not for ${policy.names.join(' or ')}`
}

const WORDS: ReadonlyMap<string, string> = new Map([
  ['CERT_HAS_EXPIRED', 'it has expired'],
  ['CERT_NOT_YET_VALID', 'it is not valid yet'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'it is signed by itself'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'it comes from an authority that is not trusted'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'it comes from an authority that is not trusted'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'it comes from an authority that is not known'],
])
