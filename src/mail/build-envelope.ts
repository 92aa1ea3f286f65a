/** ENVELOPE out of a header (RFC 9051 §7.5.2). @module */
import { parseAddresses } from './addresses.ts'
import type { Envelope, EnvelopeAddress } from './envelope.ts'
import { firstValue, type HeaderField, unfold } from './headers.ts'

/** Addresses of fields that stand several times are joined; of other fields the first counts. */
export function envelopeOf(fields: readonly HeaderField[]): Envelope {
  const from = addressesOf(fields, 'from')
  return {
    date: firstValue(fields, 'date'),
    subject: firstValue(fields, 'subject'),
    from,
    sender: addressesOf(fields, 'sender') ?? from,
    replyTo: addressesOf(fields, 'reply-to') ?? from,
    to: addressesOf(fields, 'to'),
    cc: addressesOf(fields, 'cc'),
    bcc: addressesOf(fields, 'bcc'),
    inReplyTo: firstValue(fields, 'in-reply-to'),
    messageId: firstValue(fields, 'message-id'),
  }
}

function addressesOf(fields: readonly HeaderField[], lowerName: string): readonly EnvelopeAddress[] | undefined {
  const found: EnvelopeAddress[] = []
  for (const field of fields) {
    if (field.lowerName === lowerName) for (const address of parseAddresses(unfold(field.rawValue))) found.push(address)
  }
  return found.length === 0 ? undefined : found
}
