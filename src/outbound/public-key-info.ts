/** The octets of a certificate that a TLSA record with selector 1 tells of (RFC 6698 §2.1.2). @module */

/** One element of DER: where its contents begin, and where it ends. */
interface Element {
  readonly tag: number
  readonly start: number
  readonly contents: number
  readonly end: number
}

const SEQUENCE = 0x30
const VERSION = 0xa0

/**
 * The SubjectPublicKeyInfo of a certificate (RFC 5280 §4.1) as it stands there: an export of the key could write the same
 * key in another way. `undefined` when it is none.
 */
export function publicKeyInfo(certificate: Uint8Array): Uint8Array | undefined {
  const outer = elementAt(certificate, 0)
  const signed = outer === undefined ? undefined : elementAt(certificate, outer.contents)
  if (outer?.tag !== SEQUENCE || signed?.tag !== SEQUENCE) return undefined
  let at = signed.contents
  // [version] serialNumber signature issuer validity subject subjectPublicKeyInfo
  let before = elementAt(certificate, at)?.tag === VERSION ? 6 : 5
  for (; before > 0; before -= 1) {
    const skipped = elementAt(certificate, at)
    if (skipped === undefined) return undefined
    at = skipped.end
  }
  const info = elementAt(certificate, at)
  return info?.tag === SEQUENCE && info.end <= signed.end ? certificate.subarray(info.start, info.end) : undefined
}

function elementAt(bytes: Uint8Array, start: number): Element | undefined {
  const tag = bytes[start]
  const first = bytes[start + 1]
  if (tag === undefined || first === undefined) return undefined
  let contents = start + 2
  let length = first
  if (first >= 0x80) {
    const octets = first - 0x80
    if (octets === 0 || octets > 4) return undefined
    length = 0
    for (let i = 0; i < octets; i += 1) length = length * 256 + (bytes[contents + i] ?? 0)
    contents += octets
  }
  const end = contents + length
  return end <= bytes.length ? { tag, start, contents, end } : undefined
}
