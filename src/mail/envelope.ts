/** ENVELOPE as a value (RFC 9051 §2.3.5, §7.5.2). @module */

/**
 * One address of an ENVELOPE. Bytes of the header as they stood, one char a byte (latin1 "binary" string),
 * still RFC 2047-encoded. `undefined` is NIL.
 * A group begins with `host` undefined and `mailbox` its name, and ends with both undefined (RFC 9051 §7.5.2).
 */
export interface EnvelopeAddress {
  readonly name: string | undefined
  /** Source route (RFC 5322 obs-route), nearly always undefined. */
  readonly route: string | undefined
  readonly mailbox: string | undefined
  readonly host: string | undefined
}

/** Fields are binary strings, unfolded, still encoded; `undefined` is NIL: the field is missing (or empty list). */
export interface Envelope {
  readonly date: string | undefined
  readonly subject: string | undefined
  readonly from: readonly EnvelopeAddress[] | undefined
  /** Defaults to `from` when missing or empty, as the server must fill it in. */
  readonly sender: readonly EnvelopeAddress[] | undefined
  readonly replyTo: readonly EnvelopeAddress[] | undefined
  readonly to: readonly EnvelopeAddress[] | undefined
  readonly cc: readonly EnvelopeAddress[] | undefined
  readonly bcc: readonly EnvelopeAddress[] | undefined
  readonly inReplyTo: string | undefined
  readonly messageId: string | undefined
}
