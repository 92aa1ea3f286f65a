/** Addresses in the one form in which the directory keeps them. @module */
import { domainToASCII } from 'node:url'

/** A canonical address: two that mean the same mailbox are the same text. */
export interface Address {
  /** `local@domain` */
  readonly address: string
  /** Lower case, NFC; quoted only where it must be (RFC 5321 §4.1.2). */
  readonly local: string
  /** Lower case, A-labels. */
  readonly domain: string
}

/** RFC 5321 §4.5.3.1.1 */
const LOCAL_OCTETS = 64
/** RFC 1035 §2.3.4, without the root's dot. */
const DOMAIN_OCTETS = 253

// atext of RFC 5322 §3.2.3 with RFC 6531 §3.3, and dots wherever people put them
const ATOM = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-\u0080-\u{10ffff}]+$/u
const QUOTED = /^"((?:[^"\\\p{Cc}]|\\[^\p{Cc}])*)"$/u
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/

/**
 * Reads `local@domain` into its canonical form; `undefined` when it is no address we could have.
 * @example parseAddress('Jörg@Exämple.DE')?.address // 'jörg@xn--exmple-cua.de'
 */
export function parseAddress(text: string): Address | undefined {
  const at = text.lastIndexOf('@')
  if (at <= 0) return undefined
  const local = canonicalLocal(text.slice(0, at))
  const domain = parseDomain(text.slice(at + 1))
  if (local === undefined || domain === undefined) return undefined
  return { address: `${local}@${domain}`, local, domain }
}

/**
 * Reads an address of another server: what its local part means is that server's own business (RFC 5321 §2.4), so it stays
 * as it is written; the domain is in A-labels.
 */
export function parseOutsideAddress(text: string): string | undefined {
  const parsed = parseAddress(text)
  return parsed && `${text.slice(0, text.lastIndexOf('@'))}@${parsed.domain}`
}

/** Reads a local part into its canonical form: any case is the same (design §7), quotes go where they need not be. */
export function canonicalLocal(text: string): string | undefined {
  const content = QUOTED.exec(text)?.[1]?.replace(/\\(.)/gu, '$1') ?? text
  const folded = content.toLowerCase().normalize('NFC')
  if (Buffer.byteLength(folded) > LOCAL_OCTETS || !folded.isWellFormed()) return undefined
  if (ATOM.test(folded)) return folded
  return content === text ? undefined : `"${folded.replace(/["\\]/g, '\\$&')}"`
}

/** Reads a domain name into A-labels, lower case, without a final dot; `undefined` for anything else, address literals too. */
export function parseDomain(text: string): string | undefined {
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  if (name.length > DOMAIN_OCTETS) return undefined
  const ascii = /^[\x20-\x7e]*$/.test(name) ? name.toLowerCase() : fromUnicode(name)
  const labels = ascii.split('.')
  if (ascii.length > DOMAIN_OCTETS || !labels.every((label) => LABEL.test(label))) return undefined
  // a last label of digits is an IP address
  return /^[0-9]+$/.test(labels.at(-1) ?? '') ? undefined : ascii
}

/** The converter also reads URLs (`%41`, `a/b`), so only letters and marks reach it. */
function fromUnicode(name: string): string {
  return /^(?:[\p{L}\p{N}\p{M}\p{S}._\-\u3002\uff0e\u00b7]|\u200c|\u200d)+$/u.test(name) ? domainToASCII(name) : ''
}

/** Parts a local part at its first `+`; `undefined` when there is none or nothing before it. */
export function splitDetail(local: string): { readonly base: string; readonly detail: string } | undefined {
  const plus = local.indexOf('+')
  if (plus <= 0 || local.startsWith('"')) return undefined
  return { base: local.slice(0, plus), detail: local.slice(plus + 1) }
}
