/** DANE for SMTP (RFC 7672): certificates against TLSA records (RFC 6698, RFC 7671). Pure: no DNS, no sockets. @module */
import { createHash, X509Certificate } from 'node:crypto'
import type { TlsaRecord } from '#services/resolver.ts'
import { publicKeyInfo } from './public-key-info.ts'

/** RFC 6698 §2.1.1, with the names of RFC 7218. */
const DANE_TA = 2
const DANE_EE = 3
const FULL = 0
const SHA256 = 1
const SHA512 = 2
const DIGEST_OCTETS: Readonly<Record<number, number>> = { [SHA256]: 32, [SHA512]: 64 }
/** Longest way from a certificate to its trust anchor. */
const MOST_ISSUERS = 8

/**
 * The records that count: usage 2 and 3 (RFC 7672 §3.1.3 takes no others), known selector and matching type, a digest of
 * the right length; of digests of one usage and selector the strongest alone (RFC 7671 §9).
 */
export function usableTlsa(records: readonly TlsaRecord[]): readonly TlsaRecord[] {
  const known = records.filter(isKnown)
  const strongest = (one: TlsaRecord): boolean =>
    one.matching === FULL ||
    !known.some(
      (other) => other.usage === one.usage && other.selector === one.selector && other.matching > one.matching,
    )
  return known.filter(strongest)
}

function isKnown({ usage, selector, matching, data }: TlsaRecord): boolean {
  if ((usage !== DANE_TA && usage !== DANE_EE) || selector > 1) return false
  return matching === FULL ? data.length > 0 : data.length === DIGEST_OCTETS[matching]
}

/** Whether a record tells of this certificate: of all of it, or of its public key. */
export function tlsaMatches({ selector, matching, data }: TlsaRecord, certificate: X509Certificate): boolean {
  const told = selector === 0 ? certificate.raw : publicKeyInfo(certificate.raw)
  if (told === undefined) return false
  if (matching === FULL) return Buffer.compare(told, data) === 0
  const digest = createHash(matching === SHA256 ? 'sha256' : 'sha512')
    .update(told)
    .digest()
  return digest.equals(data)
}

/** Why a certificate is not the one that the records tell of. */
export type DaneFault = 'no-match' | 'name' | 'date'

/**
 * @param chain As the peer sent it, its own certificate first.
 * @param tlsa As {@link usableTlsa} leaves them.
 * @param names One of them must be in a certificate that a trust anchor vouches for; with usage 3 neither names nor dates
 * count (RFC 7672 §3.1.1).
 * @returns `undefined`: it is.
 */
export function daneFault(
  chain: readonly X509Certificate[],
  tlsa: readonly TlsaRecord[],
  names: readonly string[],
  now: number,
): DaneFault | undefined {
  const [leaf] = chain
  if (leaf === undefined) return 'no-match'
  if (tlsa.some((record) => record.usage === DANE_EE && tlsaMatches(record, leaf))) return undefined
  const anchors = tlsa.filter((record) => record.usage === DANE_TA)
  const way = wayToAnchor(leaf, [...chain.slice(1), ...certificatesOf(anchors)], anchors)
  if (way === undefined) return 'no-match'
  if (!way.every((one) => one.validFromDate.getTime() <= now && now <= one.validToDate.getTime())) return 'date'
  return names.some((name) => leaf.checkHost(name, { partialWildcards: false }) !== undefined) ? undefined : 'name'
}

/** The certificates from the peer's own to one that a record tells of, each signed by the next. */
function wayToAnchor(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  anchors: readonly TlsaRecord[],
): readonly X509Certificate[] | undefined {
  const way = [leaf]
  const left = new Set(others)
  while (way.length <= MOST_ISSUERS) {
    const last = way.at(-1)
    const issuers = last === undefined ? [] : [...left].filter((one) => hasSigned(one, last))
    const issuer = issuers.find((one) => anchors.some((record) => tlsaMatches(record, one))) ?? issuers[0]
    if (issuer === undefined) return undefined
    way.push(issuer)
    left.delete(issuer)
    if (anchors.some((record) => tlsaMatches(record, issuer))) return way
  }
  return undefined
}

function hasSigned(issuer: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
  } catch {
    // a key of a kind that OpenSSL cannot read
    return false
  }
}

/** Trust anchors that stand whole in the DNS (`2 0 0`): the peer need not send them. */
function certificatesOf(records: readonly TlsaRecord[]): X509Certificate[] {
  return records.flatMap(({ selector, matching, data }) => {
    if (selector !== 0 || matching !== FULL) return []
    try {
      return [new X509Certificate(data)]
    } catch {
      return []
    }
  })
}
