/** Whether the other end of a TLS connection is who the policy asks for. @module */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { daneFault } from './dane.ts'
import type { TlsPolicy } from './tls-policy.ts'

/** What the peer showed. */
export interface Peer {
  /** As it was sent, its own certificate first. */
  readonly chain: readonly X509Certificate[]
  /** Why no authority that this machine trusts vouches for it, as a code of OpenSSL; `undefined`: one does. */
  readonly untrusted?: string | undefined
}

/** How TLS failed, in the words of reports (RFC 8460 §4.3). */
export type TlsFailure =
  | 'starttls-not-supported'
  | 'certificate-host-mismatch'
  | 'certificate-expired'
  | 'certificate-not-trusted'
  | 'validation-failure'
  | 'tlsa-invalid'
  | 'dnssec-invalid'
  | 'sts-policy-fetch-error'
  | 'sts-policy-invalid'
  | 'sts-webpki-invalid'

export interface PeerFault {
  readonly failure: TlsFailure
  /** Goes on after "the certificate of mx.example.org …". */
  readonly words: string
}

/** A host that the MTA-STS policy of the domain does not know (RFC 8461 §4.1). */
export const NOT_LISTED: PeerFault = { failure: 'validation-failure', words: 'is not in the policy' }

/** Certificates that anybody sends; more are not looked at. */
const MOST_CERTIFICATES = 16

/** What the peer of a connection showed. Its own checks must not include the name (`checkServerIdentity`). */
export function peerOf(socket: TLSSocket): Peer {
  const chain: X509Certificate[] = []
  for (
    let one = socket.getPeerX509Certificate();
    one !== undefined && chain.length < MOST_CERTIFICATES;
    one = one.issuerCertificate
  ) {
    // a root that signs itself is its own issuer
    if (chain.at(-1)?.fingerprint512 === one.fingerprint512) break
    chain.push(one)
  }
  // Node has a code here, whatever its types say
  const error = socket.authorized ? undefined : String(socket.authorizationError ?? 'unknown')
  return { chain, untrusted: error === NAME_ALONE ? undefined : error }
}

/** The chain is right, and Node looked at a name that is not the one that counts. */
const NAME_ALONE = 'ERR_TLS_CERT_ALTNAME_INVALID'

/** @returns what is wrong with the peer under a policy that looks at certificates; `undefined`: nothing, or nobody looks. */
export function peerFault(peer: Peer, policy: TlsPolicy, now: number): PeerFault | undefined {
  switch (policy.level) {
    case 'none':
    case 'opportunistic':
    case 'encrypted':
      return undefined
    case 'dane':
      return danePeerFault(peer, policy, now)
    case 'verified':
      return webPeerFault(peer, policy)
  }
}

function danePeerFault({ chain }: Peer, { tlsa, names }: TlsPolicy, now: number): PeerFault | undefined {
  switch (daneFault(chain, tlsa, names, now)) {
    case undefined:
      return undefined
    case 'no-match':
      return { failure: 'validation-failure', words: 'is not the one that its TLSA records tell of' }
    case 'date':
      return { failure: 'certificate-expired', words: 'or one that vouches for it has expired' }
    case 'name':
      return { failure: 'certificate-host-mismatch', words: `is not for ${names.join(' or ')}` }
  }
}

/** An authority, and a name in subjectAltName: RFC 8461 §4.1, RFC 6125 §6.4. */
function webPeerFault({ chain, untrusted }: Peer, { names }: TlsPolicy): PeerFault | undefined {
  const [leaf] = chain
  if (leaf === undefined) return { failure: 'certificate-not-trusted', words: 'is missing' }
  if (untrusted !== undefined) {
    const expired = untrusted === 'CERT_HAS_EXPIRED'
    const words = UNTRUSTED.get(untrusted) ?? `cannot be verified (${untrusted})`
    return { failure: expired ? 'certificate-expired' : 'certificate-not-trusted', words }
  }
  const fits = names.some((name) => leaf.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined)
  return fits ? undefined : { failure: 'certificate-host-mismatch', words: `is not for ${names.join(' or ')}` }
}

const UNTRUSTED: ReadonlyMap<string, string> = new Map([
  ['CERT_HAS_EXPIRED', 'has expired'],
  ['CERT_NOT_YET_VALID', 'is not valid yet'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'is signed by itself'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'comes from an authority that is not trusted'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'comes from an authority that is not trusted'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'comes from an authority that is not trusted'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'comes from an authority that is not known'],
])
