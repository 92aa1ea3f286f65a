/** Whether the certificate of another mail server is what the policy asks for. @module */
import type { TLSSocket } from 'node:tls'
import { peerFault, peerOf } from './peer-verdict.ts'
import type { TlsPolicy } from './tls-policy.ts'

/** @returns why not, as the rest of a sentence; `undefined`: it is, or nobody asks. */
export function checkCertificate(socket: TLSSocket, policy: TlsPolicy): string | undefined {
  const fault = peerFault(peerOf(socket), policy, Date.now())
  return fault === undefined ? undefined : `it ${fault.words}`
}
