/** FETCH answers as what was asked for: which answer belongs to which question, and where its values go. @module */
import type { FetchItem, Section } from '#wire/imap/fetch-items.ts'
import type { FetchValue } from '#wire/imap/fetch-values.ts'
import type { LiteralAnnounced } from '#wire/imap/frame-events.ts'
import type { MessageSet } from '#wire/imap/message-set.ts'
import { parseResponse } from '#wire/imap/response-reader.ts'
import type { FetchResponse } from '#wire/imap/responses.ts'
import { SyntaxFault } from '#wire/imap/syntax-fault.ts'
import type { AnyFetched, FetchQuery } from '../fetch-query.ts'
import { FetchedBody, type FetchedParts } from '../fetched-body.ts'

/** Whether only who asked is told of it: flags, and UIDs with them, come unasked. */
export function isData({ kind }: FetchValue): boolean {
  return kind !== 'UID' && kind !== 'FLAGS' && kind !== 'MODSEQ'
}

/** What is asked for, as a name; {@link valueKey} gives the same for its answer. */
export function itemKey(item: FetchItem): string {
  if (item.kind === 'BODY[]') return sectionKey(item.section)
  return item.kind === 'BINARY[]' || item.kind === 'BINARY.SIZE[]' ? `${item.kind}${item.part.join('.')}` : item.kind
}

/** See {@link itemKey}. */
export function valueKey(value: FetchValue): string {
  if (value.kind === 'BODY[]') return sectionKey(value.section)
  if (value.kind === 'BINARY[]' || value.kind === 'BINARY.SIZE[]') return `${value.kind}${value.part.join('.')}`
  return value.kind === 'OTHER' ? value.name : value.kind
}

function sectionKey({ part, text }: Section): string {
  return `BODY[]${part.join('.')} ${text ?? ''}`
}

/** The UID that was told. */
export function uidIn(values: readonly FetchValue[]): number | undefined {
  for (const value of values) if (value.kind === 'UID') return value.uid
  return undefined
}

/** Whether the set names the message. */
export function holds(set: MessageSet, number: number): boolean {
  if (set === '$') return true
  for (const [first, last] of set) {
    // `5:*` is also the last message where there are fewer
    if (first === '*' || last === '*') return true
    if (number >= first && number <= last) return true
  }
  return false
}

/** What every server can tell, so that an answer without it is none. */
export function mandatory(query: FetchQuery): readonly (keyof AnyFetched)[] {
  const items = ['flags', 'envelope', 'bodyStructure', 'internalDate', 'size'] as const
  return items.filter((item) => query[item] === true)
}

/** What was said before a literal, as a response of its own; the literal is its last value. */
export function soFar(frame: LiteralAnnounced['frame'], utf8: boolean): FetchResponse | undefined {
  try {
    const response = parseResponse({ text: `${frame.text})`, literals: frame.literals }, { utf8 })
    return response.kind === 'FETCH' ? response : undefined
  } catch (error) {
    if (error instanceof SyntaxFault) return undefined
    throw error
  }
}

type BodyValue = Extract<FetchValue, { readonly kind: 'BODY[]' | 'BINARY[]' }>

/** Whether it may be large. */
export function isBody(value: FetchValue): value is BodyValue {
  return value.kind === 'BODY[]' || value.kind === 'BINARY[]'
}

/** Whether it answers `headers` of the query. */
export function isHeader(
  { section }: Extract<FetchValue, { readonly kind: 'BODY[]' }>,
  { headers }: FetchQuery,
): boolean {
  if (headers === undefined || headers === false || section.part.length > 0) return false
  return section.text === (headers === true ? 'HEADER' : 'HEADER.FIELDS')
}

/**
 * Fills in what values tell; bodies before the `done`th are there already.
 * @returns Whether anything was asked for.
 */
export function fill(
  message: AnyFetched,
  values: readonly FetchValue[],
  parts: FetchedParts,
  query: FetchQuery,
  done: number,
): boolean {
  let bodies = 0
  let asked = false
  for (const value of values) {
    switch (value.kind) {
      case 'UID':
        message.uid = value.uid
        break
      case 'FLAGS':
        if (query.flags === true) {
          message.flags = value.flags
          asked = true
        }
        break
      case 'MODSEQ':
        if (query.modseq === true) message.modseq = value.modseq
        break
      case 'ENVELOPE':
        message.envelope = value.envelope
        asked = true
        break
      case 'BODYSTRUCTURE':
        message.bodyStructure = value.body
        asked = true
        break
      case 'INTERNALDATE':
        message.internalDate = value.date
        asked = true
        break
      case 'RFC822.SIZE':
        message.size = value.size
        asked = true
        break
      case 'EMAILID':
        message.emailId = value.id
        asked = true
        break
      case 'THREADID':
        message.threadId = value.id
        asked = true
        break
      case 'SAVEDATE':
        message.saveDate = value.date
        asked = true
        break
      case 'PREVIEW':
        message.preview = value.text
        asked = true
        break
      case 'BODY[]':
      case 'BINARY[]': {
        asked = true
        bodies += 1
        const { bytes } = value
        if (bodies <= done || (bytes !== undefined && !(bytes instanceof Uint8Array))) break
        if (value.kind === 'BODY[]' && isHeader(value, query)) message.headers = bytes
        else give(message, value, bytes === undefined ? undefined : FetchedBody.of(bytes), parts, query)
        break
      }
      default:
    }
  }
  return asked || onlyUids(query)
}

/** A query for nothing but UIDs: every FETCH with one answers it. */
function onlyUids(query: FetchQuery): boolean {
  return !Object.entries(query).some(
    ([name, value]) => name !== 'markSeen' && name !== 'modseq' && value !== undefined && value !== false,
  )
}

/** Puts a body where the query wanted it. */
export function give(
  message: AnyFetched,
  value: BodyValue,
  body: FetchedBody | undefined,
  parts: FetchedParts,
  query: FetchQuery,
): void {
  const whole = value.kind === 'BODY[]' && value.section.part.length === 0 && value.section.text === undefined
  if (whole && query.body !== undefined && query.body !== false) {
    message.body = body
    return
  }
  const part = value.kind === 'BODY[]' ? value.section.part : value.part
  const text = value.kind === 'BODY[]' ? value.section.text : undefined
  const known = text === 'HEADER' || text === 'TEXT' || text === 'MIME' ? text : undefined
  parts.add({ part, text: known, decoded: value.kind === 'BINARY[]', body })
}

/** Only what is known. */
export function definedOf(message: AnyFetched): Partial<AnyFetched> {
  return Object.fromEntries(Object.entries(message).filter(([, value]) => value !== undefined && value !== 0))
}
