import type { ScannedMessage } from './scanned.ts'

/** What is kept beside an email's bytes, ready to send (design §4 "Rows"). */
export interface PreparedEmail {
  /** Octets of the body as stored. */
  readonly size: number
  readonly lines: number
  /** `formatEnvelope`. */
  readonly envelope: Uint8Array
  /** `formatBodyStructure`, extended. */
  readonly bodyStructure: Uint8Array
  /** `encodePartTable`. */
  readonly parts: Uint8Array
  /** Octets of the header block with its blank line. */
  readonly headerSize: number
  /** The raw header, its first 4,096 octets at most; shorter than `headerSize` means: serve from the body instead. */
  readonly header: Uint8Array
  /** `encodeFieldTable(header)`; of no use where `header` is cut. */
  readonly fields: Uint8Array
  /** At most 200 characters (RFC 8970). */
  readonly preview: string
  readonly hasAttachment: boolean
  /** Whole header texts, decoded, several fields of a name joined by a space: for substring SEARCH. */
  readonly subject: string
  readonly from: string
  readonly to: string
  readonly cc: string
  /** The Date: field as ms since 1970, `undefined` when unreadable. */
  readonly sentAt: number | undefined
  /** Days since 1970-01-01 of the Date: field disregarding its zone, for SENTSINCE & co (RFC 9051 §6.4.4). */
  readonly sentDay: number | undefined
  /** With its angle brackets. */
  readonly messageId: string | undefined
  /** Message ids of References, else of In-Reply-To, in their order. */
  readonly references: readonly string[]
  /** RFC 5256 §2.1. */
  readonly baseSubject: string
}

/** Prepares what the store keeps with an email. */
export function prepareEmail(_scanned: ScannedMessage): PreparedEmail {
  throw new Error('prepareEmail is not built yet')
}
