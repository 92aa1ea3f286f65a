/** Mailbox names on the wire: modified UTF-7 (RFC 3501 §5.1.3) or UTF-8 (RFC 9051 §5.1, RFC 6855 §3). @module */
import { fromBinary, toBinary } from './characters.ts'
import { SyntaxFault } from './syntax-fault.ts'

/**
 * Name as Unicode from the binary string on the wire; `INBOX` in any case is `INBOX`.
 * @throws SyntaxFault, its offset counted from `offset`, where the name is not in the one right encoding.
 */
export function decodeMailboxName(wire: string, utf8 = false, offset = 0): string {
  if (/^inbox$/i.test(wire)) return 'INBOX'
  const name = utf8 ? fromBinary(wire) : decodeModifiedUtf7(wire, offset)
  if (name === undefined) throw new SyntaxFault('Mailbox name is not UTF-8', offset)
  const bad = name.search(FORBIDDEN)
  if (bad >= 0) throw new SyntaxFault('NUL, CR and LF cannot be in a mailbox name', offset)
  return name
}
// biome-ignore lint/suspicious/noControlCharactersInRegex: they would break lines
const FORBIDDEN = /[\0\r\n]/

/** Binary string for the wire from a Unicode name; unpaired surrogates become U+FFFD. */
export function encodeMailboxName(name: string, utf8 = false): string {
  return utf8 ? toBinary(name) : encodeModifiedUtf7(name)
}

/** Modified UTF-7 of a Unicode string. */
export function encodeModifiedUtf7(text: string): string {
  if (PLAIN.test(text)) return text
  return text.toWellFormed().replace(/&|[^\x20-\x7e]+/g, (run) => (run === '&' ? '&-' : `&${modifiedBase64(run)}-`))
}
const PLAIN = /^[\x20-\x25\x27-\x7e]*$/

/**
 * Unicode of modified UTF-7. Only the canonical form is taken, so that no name has two spellings.
 * @throws SyntaxFault
 */
export function decodeModifiedUtf7(wire: string, offset = 0): string {
  if (PLAIN.test(wire)) return wire
  let text = ''
  let at = 0
  let afterShift = false
  while (at < wire.length) {
    const shift = wire.indexOf('&', at)
    const plain = wire.slice(at, shift < 0 ? wire.length : shift)
    const bad = plain.search(/[^\x20-\x7e]/)
    if (bad >= 0) throw new SyntaxFault('Mailbox name has a character that must be encoded', offset + at + bad)
    text += plain
    if (shift < 0) break
    const end = wire.indexOf('-', shift)
    if (end < 0) throw new SyntaxFault('Encoded run of the mailbox name has no end', offset + shift)
    if (end === shift + 1) {
      text += '&'
      afterShift = false
    } else {
      if (afterShift && plain === '') throw new SyntaxFault('Two encoded runs must be one', offset + shift)
      text += decodeRun(wire.slice(shift + 1, end), offset + shift)
      afterShift = true
    }
    at = end + 1
  }
  return text
}

function decodeRun(run: string, offset: number): string {
  if (!/^[A-Za-z0-9+,]+$/.test(run)) throw new SyntaxFault('Encoded run of the mailbox name is not base64', offset)
  const bytes = Buffer.from(run.replaceAll(',', '/'), 'base64')
  if (bytes.length % 2 !== 0) throw new SyntaxFault('Encoded run of the mailbox name is not UTF-16', offset)
  const decoded = bytes.swap16().toString('utf16le')
  if (!decoded.isWellFormed()) throw new SyntaxFault('Half a surrogate pair in the mailbox name', offset)
  if (/[\x20-\x7e]/.test(decoded)) throw new SyntaxFault('ASCII must not be encoded in a mailbox name', offset)
  // Covers bits left over and missing: any other spelling of the same run differs from this one.
  if (modifiedBase64(decoded) !== run) throw new SyntaxFault('Encoded run of the mailbox name is not canonical', offset)
  return decoded
}

function modifiedBase64(text: string): string {
  return Buffer.from(text, 'utf16le').swap16().toString('base64').replaceAll('/', ',').replace(/=+$/, '')
}
