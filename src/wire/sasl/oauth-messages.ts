/** The messages of OAUTHBEARER (RFC 7628 §3) and of XOAUTH2, which Google and Microsoft had before it. @module */
import { Buffer } from 'node:buffer'
import { LOGIN_OCTETS } from './limits.ts'
import { strictUtf8 } from './text.ts'

/** What the client's message carries. */
export interface BearerMessage {
  /** Who the client wants to be; empty: whomever the token is for. */
  readonly name: string
  /** Empty: the client asks where tokens are to be had (RFC 7628 §4.3). */
  readonly token: string
}

/** Why a token was refused, for the client's eyes (RFC 7628 §3.2.2). */
export interface BearerFault {
  /** Of the OAuth error registry: `invalid_token`, `insufficient_scope`, `temporarily_unavailable`. */
  readonly status: string
  /** A scope with which it would work. */
  readonly scope?: string
  /** Where the issuer's OpenID configuration is. */
  readonly configuration?: string
}

// gs2-header = ("n" / "y") "," ["a=" saslname] ","; `p=` is impossible, as nothing is bound to the channel.
// Quirk oauth-user: `user=` in place of `a=`, as the example of RFC 7628 §4.4 has it.
const GS2_HEADER = /^[ny],(?:(?:a|user)=([^,\x01]*))?,/
// b64token of RFC 6750 §2.1. Quirk oauth-spaces: any number of spaces around it, and the scheme in any case.
const BEARER = /^ *bearer +([A-Za-z0-9._~+/-]+=*)[ \t\r\n]*$/i
// value = *(VCHAR / SP / HTAB / CR / LF)
const VALUE = /^[\t\r\n\x20-\x7e]*$/

/**
 * Reads OAUTHBEARER's message; `undefined` when it is none.
 * `host` and `port` are read over: with many names, and behind proxies, a server does not know what its clients call
 * it, and a bearer token is bound to neither (against the letter of RFC 7628 §3.2).
 */
export function parseBearer(octets: Uint8Array): BearerMessage | undefined {
  const text = strictUtf8(octets)
  const header = text === undefined ? null : GS2_HEADER.exec(text)
  if (text === undefined || header === null) return undefined
  const name = parseName(header[1] ?? '')
  const auth = pairs(text.slice(header[0].length))?.get('auth')
  const token = auth === undefined ? undefined : parseAuthorization(auth)
  return name === undefined || token === undefined ? undefined : { name, token }
}

/** Writes OAUTHBEARER's message. */
export function formatBearer({ name, token }: BearerMessage): Uint8Array {
  const authzid = name === '' ? '' : `a=${name.replaceAll('=', '=3D').replaceAll(',', '=2C')}`
  return Buffer.from(`n,${authzid},\x01auth=${formatAuthorization(token)}\x01\x01`)
}

// initial-response = "user=" user %x01 "auth=Bearer " token %x01 %x01
/** Reads XOAUTH2's message; `undefined` when it is none. */
export function parseXoauth2(octets: Uint8Array): BearerMessage | undefined {
  const text = strictUtf8(octets)
  const found = text === undefined ? undefined : pairs(`\x01${text}`)
  const name = found?.get('user')
  const auth = found?.get('auth')
  const token = auth === undefined ? undefined : parseAuthorization(auth)
  if (name === undefined || token === undefined || !isName(name)) return undefined
  return { name: name.trim(), token }
}

/** Writes XOAUTH2's message. */
export function formatXoauth2({ name, token }: BearerMessage): Uint8Array {
  return Buffer.from(`user=${name}\x01auth=${formatAuthorization(token)}\x01\x01`)
}

/** What OAUTHBEARER's server says of a refusal. */
export function formatBearerFault({ status, scope, configuration }: BearerFault): Uint8Array {
  return Buffer.from(JSON.stringify({ status, scope, 'openid-configuration': configuration }))
}

/** The same in XOAUTH2's form, whose clients look for a number. */
export function formatXoauth2Fault({ status, scope }: BearerFault): Uint8Array {
  const number = status === 'insufficient_scope' ? '403' : status === 'invalid_token' ? '401' : '503'
  return Buffer.from(JSON.stringify({ status: number, schemes: 'bearer', scope }))
}

// kvsep *kvpair kvsep. Quirk oauth-end: the last separators may be missing.
function pairs(text: string): ReadonlyMap<string, string> | undefined {
  if (!text.startsWith('\x01')) return undefined
  const found = new Map<string, string>()
  for (const pair of text.split('\x01')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const key = pair.slice(0, Math.max(equals, 0)).toLowerCase()
    const value = pair.slice(equals + 1)
    // XOAUTH2 has addresses in UTF-8 here
    if (!/^[a-z]+$/.test(key) || !(key === 'user' || VALUE.test(value)) || found.has(key)) return undefined
    found.set(key, value)
  }
  return found
}

function parseAuthorization(value: string): string | undefined {
  return /^[ \t\r\n]*$/.test(value) ? '' : BEARER.exec(value)?.[1]
}

function formatAuthorization(token: string): string {
  return token === '' ? '' : `Bearer ${token}`
}

// saslname = 1*(value-safe-char / "=2C" / "=3D")
function parseName(text: string): string | undefined {
  if (/=(?!2C|3D)/i.test(text)) return undefined
  const name = text.replace(/=(2C|3D)/gi, (_, code: string) => (code.toUpperCase() === '2C' ? ',' : '='))
  return name === '' || isName(name) ? name.trim() : undefined
}

function isName(name: string): boolean {
  return Buffer.byteLength(name) <= LOGIN_OCTETS && !/[\x00-\x1f\x7f]/.test(name)
}
