/** Writes delivery status notifications: what became of a message (RFC 3461 §6, RFC 3464, RFC 6522). @module */
import { formatDate } from './dates.ts'
import { type ReportAction, reportText, SUBJECTS } from './report-words.ts'

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
  /** What the sender reads; absent: nobody knows, so both. */
  readonly language?: 'en' | 'fr' | undefined
  /** When a delayed message is given up. */
  readonly until?: number | undefined
}

/** What is returned of a header. */
const MOST_HEADER = 65_536

const NOT_ASCII = /[^\u0000-\u007f]/

/**
 * A report. Unless it tells of a failure, it returns the header alone (RFC 3461 §6.2). Addresses that are not ASCII make
 * its parts the global ones of RFC 6533 §4. What is ours in it is 7-bit, unless an address is not ASCII.
 */
export function composeDeliveryReport(report: DeliveryReport): Uint8Array {
  const { hostname, from, to, id, at } = report
  const returned = report.whole ?? Buffer.from(returnedHeader(report.header), 'utf8')
  const returnedText = asBuffer(returned)
  const status = statusFields(report)
  let boundary = `=_${id}_${at.toString(36)}`
  while (returnedText.includes(boundary)) boundary += '_'
  const utf8 = NOT_ASCII.test(status)
  const { language = 'both' } = report
  const [first] = report.recipients
  const until = report.until === undefined ? undefined : formatDate(report.until)
  const people = quotedPrintable(reportText(report.recipients, language, until))
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
    ...returnedFields(returnedText, report.whole !== undefined),
    '',
    '',
  ].join('\r\n')
  return Buffer.concat([Buffer.from(text, 'utf8'), returned, Buffer.from(`\r\n--${boundary}--\r\n`)])
}

/** RFC 6522 §3, RFC 6533 §4.2, §4.3. */
function returnedFields(returned: Buffer, whole: boolean): readonly string[] {
  const end = whole ? returned.indexOf('\r\n\r\n') : -1
  const eightBitHeader = hasEightBit(end === -1 ? returned : returned.subarray(0, end))
  const eightBit = eightBitHeader || hasEightBit(returned)
  const type = whole ? (eightBitHeader ? 'message/global' : 'message/rfc822') : 'text/rfc822-headers'
  return [
    `Content-Type: ${eightBitHeader && !whole ? 'message/global-headers' : type}`,
    ...(eightBit ? ['Content-Transfer-Encoding: 8bit'] : []),
  ]
}

/** Whether a message needs 8BITMIME (RFC 6152). */
export function hasEightBit(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte > 127) return true
  return false
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** RFC 2045 §6.7, lines of at most 76 characters. */
function quotedPrintable(text: string): string {
  return text
    .split('\r\n')
    .map((line) => {
      let out = ''
      let width = 0
      for (const byte of Buffer.from(line, 'utf8')) {
        const plain = byte >= 32 && byte < 127 && byte !== 61
        const piece = plain ? String.fromCharCode(byte) : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
        if (width + piece.length > 75) {
          out += '=\r\n'
          width = 0
        }
        out += piece
        width += piece.length
      }
      return out.replace(/ $/, '=20')
    })
    .join('\r\n')
}

/** RFC 3464 §2.2, §2.3; RFC 3461 §6.3. */
function statusFields({ envelopeId, hostname, arrival, at, recipients, until }: DeliveryReport): string {
  const message = [
    ...(envelopeId === undefined ? [] : [`Original-Envelope-Id: ${envelopeId}`]),
    `Reporting-MTA: dns; ${hostname}`,
    `Arrival-Date: ${formatDate(arrival ?? at)}`,
  ]
  const each = recipients.flatMap(({ address, original, action, status = '2.0.0', remote, words, lastAttempt }) => [
    '',
    ...(original === undefined ? [] : [`Original-Recipient: ${original.type}; ${original.address}`]),
    `Final-Recipient: ${NOT_ASCII.test(address) ? 'utf-8' : 'rfc822'}; ${address}`,
    `Action: ${action}`,
    `Status: ${status}`,
    ...(remote === undefined ? [] : [`Remote-MTA: dns; ${mtaName(remote)}`]),
    ...(words === undefined ? [] : [`Diagnostic-Code: ${diagnostic(words)}`]),
    ...(lastAttempt === undefined ? [] : [`Last-Attempt-Date: ${formatDate(lastAttempt)}`]),
    ...(until === undefined || action !== 'delayed' ? [] : [`Will-Retry-Until: ${formatDate(until)}`]),
  ])
  return `${[...message, ...each].join('\r\n')}\r\n`
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
function returnedHeader(header: Uint8Array): string {
  const text = Buffer.from(header.buffer, header.byteOffset, Math.min(header.length, MOST_HEADER)).toString('utf8')
  const end = text.indexOf('\r\n\r\n')
  if (end !== -1) return text.slice(0, end + 2)
  return text.slice(0, text.lastIndexOf('\r\n') + 2)
}
