/**
 * The header of a surrogate message: a header with 8-bit octets made ASCII, for clients that know no others
 * (RFC 6855 §7, RFC 6856 §2.1). All that can be said in ASCII is kept: texts and display names as encoded words
 * (RFC 2047), parameters as extended ones (RFC 2231), domains as A-labels. What cannot, an address with a local part
 * in Unicode, becomes one that nobody can answer to. Fields that are ASCII stay as they are, octet for octet.
 * @module
 */
import { isAscii } from 'node:buffer'
import { domainToASCII } from 'node:url'
import { parseAddresses } from './addresses.ts'
import { decodeHeaderText } from './encoded-words.ts'
import type { EnvelopeAddress } from './envelope.ts'
import { unfold } from './headers.ts'
import { decodedParameter, parseParameterised } from './parameters.ts'

const EIGHT_BIT = /[\x80-\xff]/
const ADDRESS_FIELDS: ReadonlySet<string> = new Set(
  ['from', 'sender', 'reply-to', 'to', 'cc', 'bcc'].flatMap((name) => [name, `resent-${name}`]),
)
const PARAMETER_FIELDS: ReadonlySet<string> = new Set(['content-type', 'content-disposition'])
/** `.invalid` is nobody's (RFC 2606 §2). */
const NOBODY = 'unknown@internationalized-address.invalid'
/** Octets of text in one encoded word: 60 characters of base64, 72 with what is around them (RFC 2047 §2: 75). */
const WORD_OCTETS = 45

/** Whether a header block has octets that are not ASCII. */
export function isEightBit(block: Uint8Array): boolean {
  return !isAscii(block)
}

/** @param block Fields, and the blank line if it is there; a binary string. */
export function downgradeHeader(block: string): string {
  // a field is a line and those after it that begin with white space
  return block.replace(/[^\n]*(?:\n[ \t][^\n]*)*\n?/g, (field) =>
    EIGHT_BIT.test(field) ? downgradeField(field) : field,
  )
}

function downgradeField(field: string): string {
  const [, name, raw = ''] = /^([\x21-\x39\x3b-\x7e]+)[ \t]*:([^]*)$/.exec(field) ?? []
  const end = /\r?\n$/.exec(field)?.[0] ?? ''
  if (name === undefined) return field.replace(/[\x80-\xff]/g, '?')
  const lower = name.toLowerCase()
  const fold = `${end === '' ? '\r\n' : end} `
  if (ADDRESS_FIELDS.has(lower)) return `${name}: ${addresses(unfold(raw), fold)}${end}`
  if (PARAMETER_FIELDS.has(lower)) return `${name}: ${parameters(unfold(raw), fold)}${end}`
  return `${name}: ${encodedWords(decodeHeaderText(raw), fold)}${end}`
}

/** Whole characters in each word. */
function encodedWords(text: string, fold: string): string {
  const words: string[] = []
  let piece = ''
  let octets = 0
  const flush = (): void => {
    if (piece !== '') words.push(`=?UTF-8?B?${Buffer.from(piece, 'utf8').toString('base64')}?=`)
    piece = ''
    octets = 0
  }
  for (const character of text.toWellFormed()) {
    const more = Buffer.byteLength(character)
    if (octets + more > WORD_OCTETS) flush()
    piece += character
    octets += more
  }
  flush()
  return words.join(fold)
}

function addresses(text: string, fold: string): string {
  let list = ''
  // what stands before the next address; a group opens without comma and closes with its own sign
  let before = ''
  for (const address of parseAddresses(text)) {
    if (address.host === undefined && address.mailbox === undefined) {
      list += ';'
      before = `,${fold}`
    } else if (address.host === undefined) {
      list += `${before}${phrase(address.mailbox ?? '', fold)}:`
      before = ' '
    } else {
      list += before + mailbox(address, fold)
      before = `,${fold}`
    }
  }
  return list
}

function mailbox({ name, mailbox: local = '', host = '' }: EnvelopeAddress, fold: string): string {
  const address = addressOf(local, host)
  return name === undefined || name === '' ? address : `${phrase(name, fold)} <${address}>`
}

function addressOf(local: string, host: string): string {
  const domain = EIGHT_BIT.test(host) ? domainToASCII(decodeHeaderText(host)) : host
  if (EIGHT_BIT.test(local) || domain === '' || /[^\x21-\x7e]/.test(domain)) return NOBODY
  const atoms = /^[\w!#$%&'*+/=?^`{|}~.-]+$/.test(local)
  return `${atoms ? local : quoted(local)}@${domain}`
}

function phrase(name: string, fold: string): string {
  if (EIGHT_BIT.test(name)) return encodedWords(decodeHeaderText(name), fold)
  // encoded words as they were, which must not be quoted
  return /^[\w!#$%&'*+/=?^`{|}~. -]+$/.test(name) ? name : quoted(name)
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

function parameters(text: string, fold: string): string {
  const { value, parameters: found } = parseParameterised(text)
  let list = value.replace(/[\x80-\xff]/g, '?')
  for (const [name, raw] of found) {
    if (EIGHT_BIT.test(name)) continue
    const plain = name.replace(/\*$/, '')
    const decoded = EIGHT_BIT.test(raw) ? decodedParameter([[name, raw]], plain.toLowerCase()) : undefined
    list += `;${fold}`
    if (decoded !== undefined) list += `${plain}*=UTF-8''${percentEncoded(decoded)}`
    else if (name.endsWith('*')) list += `${name}=${raw.replace(/[\x80-\xff]/g, '?')}`
    else list += `${name}=${quoted(raw.replace(/[\x80-\xff]/g, '?'))}`
  }
  return list
}

// attribute-char = <any ASCII CHAR except SPACE, CTLs, "*", "'", "%", or tspecials> (RFC 2231 §7)
function percentEncoded(text: string): string {
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/[^\w!#$&+.^`{|}~-]/g, (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}
