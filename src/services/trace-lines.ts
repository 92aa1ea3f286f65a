/** The lines a server puts before a message it takes in (RFC 5321 §4.4). They are each recipient's own. @module */
import { type MethodResult, parseAuthenticationResults } from '#mail/authentication-results.ts'
import { formatDate } from '#mail/dates.ts'
import { parseOutsideAddress } from './addresses.ts'

/** Where a message came from, for its trace lines and the log. */
export interface Origin {
  /** Envelope sender, empty for the null sender. */
  readonly sender: string
  /** What the client called itself in EHLO, HELO or LHLO. */
  readonly helo: string
  readonly remoteAddress: string
  /** `with` keyword: SMTP, ESMTP, ESMTPS, ESMTPSA, LMTP … (RFC 3848), UTF8SMTP forms (RFC 6531 §4.3). */
  readonly protocol: string
  /** TLS version and cipher where there is TLS. */
  readonly tls: string | undefined
  /** One id for the reply, the log and the trace. */
  readonly id: string
  /** Name of the address that leads back to it (FCrDNS), where that was looked up. */
  readonly reverseName?: string | undefined
  /** What the checks found, as {@link parseAuthenticationResults} reads it; absent: there were none. */
  readonly results?: readonly MethodResult[] | undefined
  /** Where the client is, and what it calls itself, is told nobody. */
  readonly hidden?: boolean
}

/**
 * Return-Path, Delivered-To and Received, CRLF each, after what the checks put above all trace lines (RFC 8601 §5).
 * Values are checked by the session; controls never get in.
 */
export function traceLines(
  origin: Origin,
  recipient: string,
  account: string,
  hostname: string,
  at: number,
  above = '',
): Uint8Array {
  const text =
    above +
    `Return-Path: <${clean(origin.sender)}>\r\n` +
    `Delivered-To: ${clean(account)}\r\n` +
    received(origin, recipient, hostname, at)
  return Buffer.from(text, 'utf8')
}

export interface RelayLines {
  /** The recipient, where it is for one alone. */
  readonly only: string | undefined
  /** The alias that forwards it. */
  readonly through: string | undefined
  /** What the checks found. */
  readonly above: string
}

/**
 * What goes before a message on its way to other servers: Received, and for what an alias forwards Delivered-To, by which
 * it is known when it comes back. Return-Path is the last server's (RFC 5321 §4.4). All of it is ASCII: our lines must not
 * be what needs SMTPUTF8 of the others (RFC 6531 §3.4).
 */
export function relayLines(
  origin: Origin,
  { only, through, above }: RelayLines,
  hostname: string,
  at: number,
): Uint8Array {
  const alias = through === undefined ? '' : `Delivered-To: ${clean(tracedAddress(through))}\r\n`
  const { helo, reverseName } = origin
  const plain = { ...origin, helo: ascii(helo), reverseName: reverseName && ascii(reverseName) }
  const named = only && (parseOutsideAddress(only) ?? only)
  const recipient = named === undefined || NOT_ASCII.test(named) ? undefined : named
  return Buffer.from(above + alias + received(plain, recipient, hostname, at), 'utf8')
}

/** An address in ASCII, the same each time: a local part that is not has its octets as `%C3%A9`. */
export function tracedAddress(address: string): string {
  if (!NOT_ASCII.test(address)) return address
  const at = address.lastIndexOf('@')
  return `${encodeURIComponent(address.slice(0, at))}${address.slice(at)}`
}

const NOT_ASCII = /[^\u0000-\u007f]/

function ascii(text: string): string {
  return text.replace(/[^\u0000-\u007f]/g, '?')
}

function received(origin: Origin, recipient: string | undefined, hostname: string, at: number): string {
  // TCP-info = address-literal / ( Domain FWS address-literal )
  const name = origin.reverseName === undefined ? '' : `${clean(origin.reverseName)} `
  const from = `from ${clean(origin.helo) || 'unknown'} (${name}[${clean(origin.remoteAddress)}])`
  const tls = origin.tls === undefined ? '' : `\r\n\t(${clean(origin.tls)})`
  const opt = recipient === undefined ? '' : `\r\n\tfor <${clean(recipient)}>`
  return (
    `Received: ${origin.hidden === true ? '' : `${from}${tls}\r\n\t`}` +
    `by ${clean(hostname)} (Malle) with ${clean(origin.protocol)} id ${clean(origin.id)}${opt}; ${formatDate(at)}\r\n`
  )
}

/** A header field must not be broken by what a client said. */
function clean(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f<>]/g, '?').slice(0, 998)
}

/** Who sent it, and for whom it is, by {@link traceLines}: the same at each try. `undefined` when the lines are not ours. */
export function envelopeOfTrace(trace: Uint8Array): string | undefined {
  const text = Buffer.from(trace.buffer, trace.byteOffset, trace.length).toString('utf8')
  const lines =
    /^(?:Authentication-Results:(?:[^\r\n]|\r\n[ \t])*\r\n)?(Return-Path: <[^>\r\n]*>\r\nDelivered-To: [^\r\n]*\r\n)Received: [^]*? \(Malle\) with \S+ id \S+(\r\n\tfor <[^>\r\n]*>)?; [^\r\n]*\r\n$/.exec(
      text,
    )
  return lines === null ? undefined : `${lines[1]}${lines[2] ?? ''}`
}

/** What {@link traceLines} was given, as far as it can be read back; `undefined` when the lines are not ours. */
export function originOfTrace(trace: Uint8Array): Origin | undefined {
  const text = Buffer.from(trace.buffer, trace.byteOffset, trace.length).toString('utf8')
  const [above = '', body] = /^Authentication-Results:((?:[^\r\n]|\r\n[ \t])*)\r\n/.exec(text) ?? []
  const match =
    /^Return-Path: <(?<sender>[^>\r\n]*)>\r\nDelivered-To: [^\r\n]*\r\nReceived: (?:from (?<helo>[^\r\n]*) \((?:(?<reverseName>[^\r\n ]*) )?\[(?<remoteAddress>[^\]\r\n]*)\]\)(?:\r\n\t\((?<tls>[^\r\n]*)\))?\r\n\t)?by [^\r\n]* \(Malle\) with (?<protocol>\S+) id (?<id>\S+)\r\n/.exec(
      text.slice(above.length),
    )
  const { sender, helo, remoteAddress, protocol, tls, id, reverseName } = match?.groups ?? {}
  if (sender === undefined || protocol === undefined || id === undefined) return undefined
  if (helo === undefined || remoteAddress === undefined) {
    return { sender, helo: '', remoteAddress: '', protocol, tls, id, hidden: true }
  }
  const results = body === undefined ? undefined : parseAuthenticationResults(body)?.results
  return { sender, helo, remoteAddress, protocol, tls, id, reverseName, results }
}
