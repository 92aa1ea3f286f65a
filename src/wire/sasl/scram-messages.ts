/**
 * The four messages of SCRAM (RFC 5802 §7). Texts are binary strings, one character an octet: the proof covers the
 * octets as they were sent.
 * @module
 */
import { Buffer } from 'node:buffer'
import { NONCE_CHARACTERS, SALT_OCTETS } from './limits.ts'
import { decodeBase64, encodeBase64 } from './lines.ts'
import { isLogin, strictUtf8 } from './text.ts'

/** `n`: the client has no channel binding; `y`: it has, but believes that the server has none; else the type it used. */
export type BindingFlag = 'n' | 'y' | { readonly type: string }

export interface ClientFirst {
  readonly flag: BindingFlag
  readonly authorizeAs: string
  readonly login: string
  readonly nonce: string
}
/** A client-first message with the pieces that later messages repeat. */
export interface ParsedClientFirst extends ClientFirst {
  readonly gs2Header: string
  readonly bare: string
}
export interface ServerFirst {
  readonly nonce: string
  readonly salt: Uint8Array
  readonly iterations: number
}
export interface ClientFinal {
  /** gs2-header and binding data, decoded from `c=`. */
  readonly binding: Uint8Array
  readonly nonce: string
  readonly proof: Uint8Array
  /** The message up to the proof. */
  readonly withoutProof: string
}
export type ServerFinal =
  | { readonly kind: 'verifier'; readonly signature: Uint8Array }
  | { readonly kind: 'error'; readonly error: string }

// gs2-header = gs2-cbind-flag "," [ "a=" saslname ] ","
const GS2_HEADER = /^(?:p=([A-Za-z0-9.-]{1,64})|([ny])),(?:a=([^,]*))?,/
// client-first-message-bare = "n=" saslname "," "r=" c-nonce ["," extensions]; an "m=" before it is not understood
const BARE = /^n=([^,]*),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,]+)*$/
const SERVER_FIRST = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=([1-9][0-9]{0,9})(?:,[A-Za-z]=[^,]+)*$/
// client-final-message-without-proof = "c=" base64 "," "r=" nonce ["," extensions]
const WITHOUT_PROOF = /^c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,]+)*$/

/** Reads a client-first message; `undefined` when it is none. */
export function parseClientFirst(octets: Uint8Array): ParsedClientFirst | undefined {
  const text = binary(octets)
  const header = GS2_HEADER.exec(text)
  if (header === null) return undefined
  const [gs2Header, type, letter, authzid] = header
  const bare = text.slice(gs2Header.length)
  const fields = BARE.exec(bare)
  if (fields === null) return undefined
  const login = parseSaslName(fields[1] ?? '')
  const authorizeAs = authzid === undefined ? '' : parseSaslName(authzid)
  const nonce = fields[2] ?? ''
  if (login === undefined || authorizeAs === undefined || nonce.length > NONCE_CHARACTERS) return undefined
  const flag = type === undefined ? (letter === 'y' ? 'y' : 'n') : { type }
  return { flag, authorizeAs, login, nonce, gs2Header, bare }
}

/** Writes a client-first message; `bare` and `gs2Header` are needed again. */
export function formatClientFirst(message: ClientFirst): { readonly gs2Header: string; readonly bare: string } {
  const { flag, authorizeAs } = message
  const binding = typeof flag === 'string' ? flag : `p=${flag.type}`
  const authzid = authorizeAs === '' ? '' : `a=${formatSaslName(authorizeAs)}`
  return { gs2Header: `${binding},${authzid},`, bare: `n=${formatSaslName(message.login)},r=${message.nonce}` }
}

/** Reads a server-first message; `undefined` when it is none. */
export function parseServerFirst(octets: Uint8Array): ServerFirst | undefined {
  const fields = SERVER_FIRST.exec(binary(octets))
  if (fields === null) return undefined
  const salt = decodeBase64(fields[2] ?? '')
  const nonce = fields[1] ?? ''
  if (salt === undefined || salt.length > SALT_OCTETS || nonce.length > NONCE_CHARACTERS) return undefined
  return { nonce, salt, iterations: Number(fields[3]) }
}

/** Writes a server-first message. */
export function formatServerFirst(message: ServerFirst): string {
  return `r=${message.nonce},s=${encodeBase64(message.salt)},i=${message.iterations}`
}

/** Reads a client-final message; `undefined` when it is none. */
export function parseClientFinal(octets: Uint8Array): ClientFinal | undefined {
  const text = binary(octets)
  const end = text.lastIndexOf(',p=')
  if (end === -1) return undefined
  const withoutProof = text.slice(0, end)
  const fields = WITHOUT_PROOF.exec(withoutProof)
  const proof = decodeBase64(text.slice(end + 3))
  const binding = fields === null ? undefined : decodeBase64(fields[1] ?? '')
  if (fields === null || proof === undefined || binding === undefined) return undefined
  return { binding, nonce: fields[2] ?? '', proof, withoutProof }
}

/** Writes a client-final message up to its proof. */
export function formatWithoutProof(binding: Uint8Array, nonce: string): string {
  return `c=${encodeBase64(binding)},r=${nonce}`
}

/** Reads a server-final message; `undefined` when it is none. */
export function parseServerFinal(octets: Uint8Array): ServerFinal | undefined {
  const fields = /^([ve])=([^,]+)(?:,[A-Za-z]=[^,]+)*$/.exec(binary(octets))
  if (fields === null) return undefined
  if (fields[1] === 'e') return { kind: 'error', error: fields[2] ?? '' }
  const signature = decodeBase64(fields[2] ?? '')
  return signature === undefined ? undefined : { kind: 'verifier', signature }
}

// saslname = 1*(value-safe-char / "=2C" / "=3D")
function parseSaslName(text: string): string | undefined {
  const octets = text.replace(/=(2C|3D)/g, (_, code: string) => (code === '2C' ? ',' : '\0'))
  if (octets.includes('=')) return undefined
  const bytes = Buffer.from(octets.replaceAll('\0', '='), 'latin1')
  return isLogin(bytes) && !text.includes('\0') ? strictUtf8(bytes) : undefined
}

function formatSaslName(name: string): string {
  return Buffer.from(name.replaceAll('=', '=3D').replaceAll(',', '=2C'), 'utf8').toString('latin1')
}

function binary(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1')
}
