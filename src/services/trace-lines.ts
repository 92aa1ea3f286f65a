/** The lines a server puts before a message it takes in (RFC 5321 §4.4). They are each recipient's own. @module */
import { formatDate } from '#mail/dates.ts'

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
}

/** Return-Path, Delivered-To and Received, CRLF each. Values are checked by the session; controls never get in. */
export function traceLines(
  origin: Origin,
  recipient: string,
  account: string,
  hostname: string,
  at: number,
): Uint8Array {
  const from = `${clean(origin.helo) || 'unknown'} ([${clean(origin.remoteAddress)}])`
  const tls = origin.tls === undefined ? '' : `\r\n\t(${clean(origin.tls)})`
  const text =
    `Return-Path: <${clean(origin.sender)}>\r\n` +
    `Delivered-To: ${clean(account)}\r\n` +
    `Received: from ${from}${tls}\r\n` +
    `\tby ${clean(hostname)} (Malle) with ${clean(origin.protocol)} id ${clean(origin.id)}\r\n` +
    `\tfor <${clean(recipient)}>; ${formatDate(at)}\r\n`
  return Buffer.from(text, 'utf8')
}

/** A header field must not be broken by what a client said. */
function clean(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f<>]/g, '?').slice(0, 998)
}

/** What {@link traceLines} was given, as far as it can be read back; `undefined` when the lines are not ours. */
export function originOfTrace(trace: Uint8Array): Origin | undefined {
  const match =
    /^Return-Path: <(?<sender>[^>\r\n]*)>\r\nDelivered-To: [^\r\n]*\r\nReceived: from (?<helo>[^\r\n]*) \(\[(?<remoteAddress>[^\]\r\n]*)\]\)(?:\r\n\t\((?<tls>[^\r\n]*)\))?\r\n\tby [^\r\n]* \(Malle\) with (?<protocol>\S+) id (?<id>\S+)\r\n/.exec(
      Buffer.from(trace.buffer, trace.byteOffset, trace.length).toString('utf8'),
    )
  const { sender, helo, remoteAddress, protocol, tls, id } = match?.groups ?? {}
  if (sender === undefined || helo === undefined || remoteAddress === undefined) return undefined
  return protocol === undefined || id === undefined ? undefined : { sender, helo, remoteAddress, protocol, tls, id }
}
