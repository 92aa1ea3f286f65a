/** Writes delivery status notifications: what became of a message (RFC 3461 §6, RFC 3464, RFC 6522). @module */
import { formatDate } from './dates.ts'

export interface ReportedRecipient {
  /** As in the envelope, never what an alias led to (RFC 3461 §5.2.7.4, §6.3 (e)). */
  readonly address: string
  /** ORCPT, decoded. */
  readonly original: { readonly type: string; readonly address: string } | undefined
  /** `expanded`: an alias of several, each of whom has the message (RFC 3461 §5.2.7.3 (c)). */
  readonly action: 'delivered' | 'expanded'
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
  /** ms since 1970, of the message and of the report. */
  readonly at: number
  readonly recipients: readonly ReportedRecipient[]
  /** Header block of the message with its blank line. */
  readonly header: Uint8Array
}

/** What is returned of a header. */
const MOST_HEADER = 65_536

const NOT_ASCII = /[^\u0000-\u007f]/

/**
 * A report of success: it returns the header alone (RFC 3461 §6.2). Addresses that are not ASCII make its parts the
 * global ones of RFC 6533 §4.
 */
export function composeDeliveryReport(report: DeliveryReport): Uint8Array {
  const { hostname, from, to, id, at } = report
  const header = returnedHeader(report.header)
  const status = statusFields(report)
  let boundary = `=_${id}_${at.toString(36)}`
  while (header.includes(boundary)) boundary += '_'
  const utf8 = NOT_ASCII.test(status)
  const head = [
    `Date: ${formatDate(at)}`,
    `From: Malle <${from}>`,
    `To: <${to}>`,
    `Message-ID: <report.${id}.${at.toString(36)}@${hostname}>`,
    'Subject: Delivery report / Avis de remise',
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
    'Content-Transfer-Encoding: 8bit',
    '',
    sentences(report.recipients),
    `--${boundary}`,
    `Content-Type: message/${utf8 ? 'global-delivery-status' : 'delivery-status'}`,
    ...(utf8 ? ['Content-Transfer-Encoding: 8bit'] : []),
    '',
    status,
    `--${boundary}`,
    `Content-Type: ${NOT_ASCII.test(header) ? 'message/global-headers\r\nContent-Transfer-Encoding: 8bit' : 'text/rfc822-headers'}`,
    '',
    header,
    `--${boundary}--`,
    '',
  ].join('\r\n')
  return Buffer.from(text, 'utf8')
}

/** English and French: nobody knows what the sender reads. */
function sentences(recipients: readonly ReportedRecipient[]): string {
  const list = recipients.map(({ address }) => `    ${address}\r\n`).join('')
  return (
    `Your message was delivered to:\r\n\r\n${list}\r\nNobody says whether it was read.\r\n\r\n` +
    `Votre message a été remis à :\r\n\r\n${list}\r\nRien ne dit s’il a été lu.\r\n`
  )
}

/** RFC 3464 §2.2, §2.3; RFC 3461 §6.3. */
function statusFields({ envelopeId, hostname, at, recipients }: DeliveryReport): string {
  const message = [
    ...(envelopeId === undefined ? [] : [`Original-Envelope-Id: ${envelopeId}`]),
    `Reporting-MTA: dns; ${hostname}`,
    `Arrival-Date: ${formatDate(at)}`,
  ]
  const each = recipients.flatMap(({ address, original, action }) => [
    '',
    ...(original === undefined ? [] : [`Original-Recipient: ${original.type}; ${original.address}`]),
    `Final-Recipient: ${NOT_ASCII.test(address) ? 'utf-8' : 'rfc822'}; ${address}`,
    `Action: ${action}`,
    'Status: 2.0.0',
  ])
  return `${[...message, ...each].join('\r\n')}\r\n`
}

/** Whole lines without the blank one, cut where they are too many. */
function returnedHeader(header: Uint8Array): string {
  const text = Buffer.from(header.buffer, header.byteOffset, Math.min(header.length, MOST_HEADER)).toString('utf8')
  const end = text.indexOf('\r\n\r\n')
  if (end !== -1) return text.slice(0, end + 2)
  return text.slice(0, text.lastIndexOf('\r\n') + 2)
}
