/** First lines of responses: status, response code, text (RFC 1939 §3, RFC 2449 §3, §8), and the lines of AUTH. @module */
import { SyntaxFault } from '../imap/syntax-fault.ts'
import { RESPONSE_OCTETS } from './limits.ts'

export interface StatusLine {
  readonly status: '+OK' | '-ERR'
  /** `IN-USE`, `SYS/TEMP`, in capitals, without brackets. */
  readonly code: string | undefined
  readonly text: string
}

/** A server's challenge in AUTH (RFC 5034 §4). */
export interface Continuation {
  readonly status: '+'
  /** Base64, possibly empty. */
  readonly data: string
}

// resp-code = "[" resp-level *("/" resp-level) "]"
const CODE = /^\[([\x21-\x2e\x30-\x5a\x5c\x5e-\x7e]+(?:\/[\x21-\x2e\x30-\x5a\x5c\x5e-\x7e]+)*)\] ?/
const CODE_ALONE = /^[\x21-\x2e\x30-\x5a\x5c\x5e-\x7e]+(?:\/[\x21-\x2e\x30-\x5a\x5c\x5e-\x7e]+)*$/

/**
 * Reads a first line (one character an octet, without line end), as clients do.
 * @throws {SyntaxFault}
 */
export function parseStatusLine(line: string): StatusLine | Continuation {
  // quirk status-case
  const status = /^(?:\+OK|-ERR)(?= |\[|$)/i.exec(line)?.[0]
  if (status === undefined) {
    if (line === '+' || line.startsWith('+ ')) return { status: '+', data: line.slice(2) }
    throw new SyntaxFault('Neither +OK nor -ERR', 0)
  }
  const rest = line.slice(status.length).replace(/^ /, '')
  const code = CODE.exec(rest)
  return {
    status: status.startsWith('+') ? '+OK' : '-ERR',
    code: code?.[1]?.toUpperCase(),
    text: code === null ? rest : rest.slice(code[0].length),
  }
}

/**
 * Writes a first line with its end. Text too long for it is cut.
 * @throws {RangeError} when code or text cannot be in one; sessions build both from constants.
 */
export function formatStatusLine({ status, code, text }: StatusLine): string {
  if (code !== undefined && !CODE_ALONE.test(code)) throw new RangeError(`"${code}" is no POP3 response code`)
  if (code === undefined && text.startsWith('[')) throw new RangeError('The text would be read as a response code')
  if (/[\x00-\x1f\x7f]/.test(text)) throw new RangeError('A control character cannot be in a POP3 response')
  const start = code === undefined ? status : `${status} [${code}]`
  return text === '' ? `${start}\r\n` : `${`${start} ${text}`.slice(0, RESPONSE_OCTETS - 2)}\r\n`
}

/** `+ ` and base64 with its line end; the space is there also before nothing (RFC 5034 §4). */
export function formatContinuation(data: string): string {
  return `+ ${data}\r\n`
}
