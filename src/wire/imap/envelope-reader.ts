/** Reads ENVELOPE; `mail/format-structure.ts` writes it (RFC 9051 §7.5.2, §9 envelope). @module */
import type { Envelope, EnvelopeAddress } from '#mail/envelope.ts'
import type { ElementReader } from './element-reader.ts'

/** The value with its parentheses. */
export function readEnvelope(r: ElementReader): Envelope {
  const date = r.expect('(').nstring()
  const subject = r.sp().nstring()
  const from = readAddresses(r.sp())
  const sender = readAddresses(r.sp())
  const replyTo = readAddresses(r.sp())
  const to = readAddresses(r.sp())
  const cc = readAddresses(r.sp())
  const bcc = readAddresses(r.sp())
  const inReplyTo = r.sp().nstring()
  const messageId = r.sp().nstring()
  r.spaces()
  r.expect(')')
  return { date, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageId }
}

// env-from = "(" 1*address ")" / nil: no spaces between, though some servers send them
function readAddresses(r: ElementReader): readonly EnvelopeAddress[] | undefined {
  if (r.nil()) return undefined
  const addresses: EnvelopeAddress[] = []
  r.expect('(').spaces()
  while (!r.skip(')')) {
    addresses.push(readAddress(r))
    r.spaces()
  }
  return addresses.length === 0 ? undefined : addresses
}

// address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"
function readAddress(r: ElementReader): EnvelopeAddress {
  const name = r.expect('(').nstring()
  const route = r.sp().nstring()
  const mailbox = r.sp().nstring()
  const host = r.sp().nstring()
  r.expect(')')
  return { name, route, mailbox, host }
}
