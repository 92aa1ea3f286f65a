/** What FETCH is asked for (RFC 9051 §6.4.5, RFC 3516, RFC 7162, RFC 8474, RFC 8514, RFC 8970). @module */
import type { BodyStructure } from '#mail/body-structure.ts'
import type { Envelope } from '#mail/envelope.ts'
import type { Modseq, Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import type { DateTime } from '#wire/imap/date-time.ts'
import type { FetchItem, OctetRange, PlainFetchItem } from '#wire/imap/fetch-items.ts'
import type { Capabilities } from './capabilities.ts'
import type { FetchedBody, FetchedPart } from './fetched-body.ts'

/** One part of a message. */
export interface PartQuery {
  /** `[1, 2]` for part 1.2; empty for the message itself. */
  readonly part: readonly number[]
  /** Default: the content. */
  readonly text?: 'HEADER' | 'TEXT' | 'MIME'
  /** Without its transfer encoding (BINARY). */
  readonly decoded?: boolean
  readonly range?: OctetRange
}

/** What to tell of each message; the UID is always told. */
export interface FetchQuery {
  readonly flags?: boolean
  readonly envelope?: boolean
  readonly bodyStructure?: boolean
  readonly internalDate?: boolean
  readonly size?: boolean
  readonly modseq?: boolean
  readonly emailId?: boolean
  readonly threadId?: boolean
  readonly saveDate?: boolean
  /** `lazy`: only where the server has it ready. */
  readonly preview?: boolean | 'lazy'
  /** The whole header, or these fields of it. */
  readonly headers?: boolean | readonly string[]
  /** The whole message, or some of its octets. */
  readonly body?: boolean | OctetRange
  readonly parts?: readonly PartQuery[]
  /** Reading a body sets `\Seen`. Default `false`. */
  readonly markSeen?: boolean
}

/** What a message can tell. */
interface FetchedItems {
  readonly flags: readonly string[]
  /** Raw, as the header has it: see `decodeHeaderText`. */
  readonly envelope: Envelope
  readonly bodyStructure: BodyStructure
  readonly internalDate: DateTime
  /** Octets. */
  readonly size: number
  /** `undefined` as all that follow where the server cannot tell. */
  readonly modseq: Modseq | undefined
  readonly emailId: string | undefined
  readonly threadId: string | undefined
  readonly saveDate: DateTime | undefined
  readonly preview: string | undefined
  /** As it is in the message, with the empty line at its end. */
  readonly headers: Uint8Array | undefined
  /** `undefined`: the server has nothing (NIL). To be read, or skipped, before the next message. */
  readonly body: FetchedBody | undefined
  /** In the order in which they come; each to be read, or skipped, before the next. */
  readonly parts: AsyncIterable<FetchedPart>
}

/** A message as it was asked for. */
export type FetchedMessage<Q extends FetchQuery = FetchQuery> = {
  /** At the time it came. */
  readonly number: number
  readonly uid: Uid
} & {
  readonly [K in Extract<keyof Q, keyof FetchedItems> as Q[K] extends false | undefined ? never : K]: FetchedItems[K]
}

/** Which of the messages. */
export interface FetchOptions {
  /** Only those changed after this (CONDSTORE). */
  readonly changedSince?: Modseq
  /** With `changedSince`: hears of those that are gone (QRESYNC). */
  readonly onVanished?: (uids: UidSet) => void
  /** The set has message numbers rather than UIDs. */
  readonly byNumber?: boolean
}

/** Everything a message may have, before the types say what it has. */
export type AnyFetched = { number: number; uid: Uid } & { -readonly [K in keyof FetchedItems]?: FetchedItems[K] }

/** The items in the order in which they are best told: what streams is last. */
export function fetchItems(query: FetchQuery, capabilities: Capabilities): readonly FetchItem[] {
  const plain: PlainFetchItem[] = ['UID']
  if (query.flags === true) plain.push('FLAGS')
  if (query.modseq === true && (capabilities.has('CONDSTORE') || capabilities.has('QRESYNC'))) plain.push('MODSEQ')
  if (query.internalDate === true) plain.push('INTERNALDATE')
  if (query.size === true) plain.push('RFC822.SIZE')
  if (query.emailId === true && capabilities.has('OBJECTID')) plain.push('EMAILID')
  if (query.threadId === true && capabilities.has('OBJECTID')) plain.push('THREADID')
  if (query.saveDate === true && capabilities.has('SAVEDATE')) plain.push('SAVEDATE')
  if (query.envelope === true) plain.push('ENVELOPE')
  if (query.bodyStructure === true) plain.push('BODYSTRUCTURE')
  const items: FetchItem[] = plain.map((kind) => ({ kind }))
  const { preview, headers, body } = query
  if (preview !== undefined && preview !== false && capabilities.has('PREVIEW'))
    items.push({ kind: 'PREVIEW', lazy: preview === 'lazy' })
  const peek = query.markSeen !== true
  if (headers !== undefined && headers !== false) {
    const section = {
      part: [],
      text: headers === true ? 'HEADER' : 'HEADER.FIELDS',
      fields: headers === true ? [] : headers,
    } as const
    items.push({ kind: 'BODY[]', section, peek, partial: undefined })
  }
  for (const { part, text, decoded, range } of query.parts ?? []) {
    if (decoded === true) items.push({ kind: 'BINARY[]', part, peek, partial: range })
    else items.push({ kind: 'BODY[]', section: { part, text, fields: [] }, peek, partial: range })
  }
  if (body !== undefined && body !== false) {
    const partial = body === true ? undefined : body
    items.push({ kind: 'BODY[]', section: { part: [], text: undefined, fields: [] }, peek, partial })
  }
  return items
}

/** Whether large literals are to be expected. */
export function wantsBodies(query: FetchQuery): boolean {
  return (query.body !== undefined && query.body !== false) || (query.parts?.length ?? 0) > 0
}
