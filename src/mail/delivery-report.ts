/** Writes delivery status notifications: what became of a message (RFC 3461 §6, RFC 3464, RFC 6522). @module */
import { formatDate } from './dates.ts'
import { hasEightBit, quotedPrintable } from './quoted-printable.ts'
import { type ReportAction, reportText, SUBJECTS } from './report-words.ts'
import { sevenBitMessage } from './seven-bit.ts'

export interface ReportedRecipient {
  /** As in the envelope, never what an alias led to (RFC 3461 §5.2.7.4, §6.3 (e)). */
  readonly address: string
  /** ORCPT, decoded. */
  readonly original: { readonly type: string; readonly address: string } | undefined
  /**
   * `expanded`: an alias of several, each of whom has the message (RFC 3461 §5.2.7.3 (c)); `relayed`: handed over to a
   * server that makes no reports (§5.2.2).
   */
  readonly action: ReportAction
  /** Enhanced status (RFC 3463); `2.0.0` where it is absent. */
  readonly status?: string | undefined
  /** `mx.example.net [192.0.2.1]:25`: who said so; absent: we did. */
  readonly remote?: string | undefined
  /** The remote's words, or ours. */
  readonly words?: string | undefined
  /** ms since 1970, of the last try. */
  readonly lastAttempt?: number | undefined
}

export interface DeliveryReport {
  /** Who reports. */
  readonly hostname: string
  /** Whom people may answer. */
  readonly from: string
  /** The envelope sender of the message. */
  readonly to: string
  /** Of the message; makes the Message-ID and the boundary. */
  readonly id: string
  /** ENVID, decoded. */
  readonly envelopeId: string | undefined
  /** ms since 1970, of the report. */
  readonly at: number
  /** Of the message, where that is another time. */
  readonly arrival?: number | undefined
  readonly recipients: readonly ReportedRecipient[]
  /** Header block of the message with its blank line. */
  readonly header: Uint8Array
  /** The whole message, where it goes back as such (RET=FULL); only with a failure (RFC 3461 §6.2). */
  readonly whole?: Uint8Array | undefined
  /** The message came with SMTPUTF8: its header is UTF-8 (RFC 6532). */
  readonly smtpUtf8?: boolean | undefined
  /** What the sender reads; absent: nobody knows, so both. */
  readonly language?: 'en' | 'fr' | undefined
  /** When a delayed message is given up. */
  readonly until?: number | undefined
}

/** What is returned of a header. */
const MOST_HEADER = 65_536

const NOT_ASCII = /[^\u0000-\u007f]/

/**
 * A report. Unless it tells of a failure, it returns the header alone (RFC 3461 §6.2). It is 7-bit, whatever is returned,
 * so that every server on the way back takes it; only where the sender's address is not ASCII, and none goes there without
 * SMTPUTF8 and so 8BITMIME, its parts are the 8-bit ones of RFC 6533 §4.
 */
export function composeDeliveryReport(report: DeliveryReport): Uint8Array {
  const { hostname, from, to, id, at } = report
  const eightBit = NOT_ASCII.test(to)
  const { fields: returnedFields, bytes: returned } = returnedPart(report, eightBit)
  const returnedText = asBuffer(returned)
  const status = statusFields(report, eightBit)
  let boundary = `=_${id}_${at.toString(36)}`
  while (returnedText.includes(boundary)) boundary += '_'
  const utf8 = NOT_ASCII.test(status)
  const { language = 'both' } = report
  const [first] = report.recipients
  const until = report.until === undefined ? undefined : formatDate(report.until)
  const people = quotedPrintable(Buffer.from(reportText(report.recipients, language, until), 'utf8'))
  const head = [
    `Date: ${formatDate(at)}`,
    `From: Malle <${from}>`,
    `To: <${to}>`,
    `Message-ID: <report.${id}.${at.toString(36)}@${hostname}>`,
    `Subject: ${SUBJECTS[language][first?.action ?? 'delivered']}`,
    // RFC 3834 §3.1.7: nothing should answer it.
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="${boundary}"`,
  ]
  const text = [
    ...head,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    people,
    `--${boundary}`,
    `Content-Type: message/${utf8 ? 'global-delivery-status' : 'delivery-status'}`,
    ...(utf8 ? ['Content-Transfer-Encoding: 8bit'] : []),
    '',
    status,
    `--${boundary}`,
    ...returnedFields,
    '',
    '',
  ].join('\r\n')
  return Buffer.concat([Buffer.from(text, 'utf8'), returned, Buffer.from(`\r\n--${boundary}--\r\n`)])
}

interface ReturnedPart {
  readonly fields: readonly string[]
  readonly bytes: Uint8Array
}

/** What goes back, and as what (RFC 6522 §3, RFC 6533 §4.2, §4.3, §4.5). */
function returnedPart({ whole, header, smtpUtf8 = false }: DeliveryReport, eightBit: boolean): ReturnedPart {
  const fields = returnedHeader(header)
  const isUnicode = hasEightBit(fields)
  if (whole !== undefined) {
    const utf8 = isUnicode && (eightBit || smtpUtf8)
    if (eightBit || !hasEightBit(whole)) return part(utf8 ? 'message/global' : 'message/rfc822', whole)
    // no other type of message may be encoded (RFC 2046 §5.2.1, RFC 6532 §3.7)
    if (utf8) return encoded('message/global', whole)
    const converted = sevenBitMessage(whole)
    if (converted !== undefined) return part('message/rfc822', converted)
  }
  if (eightBit) return part(isUnicode ? 'message/global-headers' : 'text/rfc822-headers', fields)
  if (!isUnicode) return part('text/rfc822-headers', fields)
  return encoded(smtpUtf8 ? 'message/global-headers' : 'text/rfc822-headers', fields)
}

function part(type: string, bytes: Uint8Array): ReturnedPart {
  const encoding = hasEightBit(bytes) ? ['Content-Transfer-Encoding: 8bit'] : []
  return { fields: [`Content-Type: ${type}`, ...encoding], bytes }
}

function encoded(type: string, bytes: Uint8Array): ReturnedPart {
  const fields = [`Content-Type: ${type}`, 'Content-Transfer-Encoding: quoted-printable']
  return { fields, bytes: Buffer.from(quotedPrintable(bytes), 'latin1') }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** RFC 3464 §2.2, §2.3; RFC 3461 §6.3. */
function statusFields(report: DeliveryReport, eightBit: boolean): string {
  const { envelopeId, hostname, arrival, at, recipients, until } = report
  const message = [
    ...(envelopeId === undefined ? [] : [`Original-Envelope-Id: ${envelopeId}`]),
    `Reporting-MTA: dns; ${hostname}`,
    `Arrival-Date: ${formatDate(arrival ?? at)}`,
  ]
  const each = recipients.flatMap(({ address, original, action, status = '2.0.0', remote, words, lastAttempt }) => [
    '',
    ...(original === undefined
      ? []
      : [`Original-Recipient: ${original.type}; ${addressText(original.address, eightBit)}`]),
    `Final-Recipient: ${NOT_ASCII.test(address) ? 'utf-8' : 'rfc822'}; ${addressText(address, eightBit)}`,
    `Action: ${action}`,
    `Status: ${status}`,
    ...(remote === undefined ? [] : [`Remote-MTA: dns; ${mtaName(remote)}`]),
    ...(words === undefined ? [] : [`Diagnostic-Code: ${diagnostic(words)}`]),
    ...(lastAttempt === undefined ? [] : [`Last-Attempt-Date: ${formatDate(lastAttempt)}`]),
    ...(until === undefined || action !== 'delayed' ? [] : [`Will-Retry-Until: ${formatDate(until)}`]),
  ])
  const text = `${[...message, ...each].join('\r\n')}\r\n`
  return eightBit ? text : text.replace(/[^\0-\x7f]/gu, escaped)
}

/** As it is, or as utf-8-addr-xtext, which is ASCII (RFC 6533 §3). */
function addressText(address: string, eightBit: boolean): string {
  return eightBit || !NOT_ASCII.test(address) ? address : address.replace(/[^!-*,-<>-[\]-~]/gu, escaped)
}

function escaped(character: string): string {
  const point = (character.codePointAt(0) ?? 0).toString(16).toUpperCase()
  return `\\x{${point.padStart(2, '0')}}`
}

/** `mx.example.net`, or `[192.0.2.1]` where it has no name (RFC 3464 §2.3.5). */
function mtaName(remote: string): string {
  return (remote.split(' ')[0] ?? remote).replace(/\]:\d+$/, ']')
}

/** A reply is SMTP's (RFC 3464 §2.3.6, folded after RFC 5322 §2.2.3); what we say ourselves is of a type of its own. */
function diagnostic(words: string): string {
  const type = /^[245]\d\d(?: |$)/.test(words) ? 'smtp' : 'x-malle'
  return `${type}; ${words}`.replace(/(.{60,}?) (?=\S)/g, '$1\r\n ')
}

/** Whole lines without the blank one, cut where they are too many. */
function returnedHeader(header: Uint8Array): Uint8Array {
  const bytes = asBuffer(header).subarray(0, MOST_HEADER)
  const end = bytes.indexOf('\r\n\r\n')
  return bytes.subarray(0, (end === -1 ? bytes.lastIndexOf('\r\n') : end) + 2)
}
