/** Character classes of RFC 9051 §9 as sticky patterns, and helpers on binary strings. @module */
import { isUtf8 } from 'node:buffer'

// ATOM-CHAR: any CHAR except ( ) { SP CTL % * " \ ]
export const ATOM: RegExp = /[!#$&'+,\-./0-9:;<=>?@A-Z[^_`a-z|}~]+/y
// ASTRING-CHAR = ATOM-CHAR / "]"
export const ASTRING: RegExp = /[!#$&'+,\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]+/y
// tag = 1*<any ASTRING-CHAR except "+">
export const TAG: RegExp = /[!#$&',\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]+/y
// list-char = ATOM-CHAR / list-wildcards / resp-specials
export const LIST_CHARS: RegExp = /[!#$%&'*+,\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]+/y
/** Names of FETCH items and of what stands in a section. */
export const ITEM_NAME: RegExp = /[A-Z0-9.-]+/iy
export const DIGITS: RegExp = /[0-9]+/y

/** A whole string that can go out as an astring without quotes. */
export const WHOLE_ASTRING: RegExp = /^[!#$&'+,\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]+$/

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a quoted string cannot hold
export const UNQUOTABLE: RegExp = /[\0\r\n]/
export const EIGHT_BIT: RegExp = /[\x80-\xff]/

/** Bytes of a binary string. */
export function binaryBytes(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

/** Bytes as a binary string. */
export function latin1(bytes: Buffer, from = 0, to: number = bytes.length): string {
  return bytes.toString('latin1', from, to)
}

/** UTF-8 bytes of a Unicode string as a binary string. */
export function toBinary(text: string): string {
  return EIGHT_BIT_OR_MORE.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text
}
const EIGHT_BIT_OR_MORE = /[^\0-\x7f]/

/** A binary string read as UTF-8; `undefined` where it is not UTF-8. */
export function fromBinary(text: string): string | undefined {
  if (!EIGHT_BIT.test(text)) return text
  const bytes = binaryBytes(text)
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}
