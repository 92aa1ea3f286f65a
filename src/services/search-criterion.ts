/** What a search asks of a message, without any protocol's words, and how it is answered from facts that cost more and more. @module */
import type { EmailKey, Modseq, ThreadKey } from '#mail/ids.ts'
import { type UidSet, uidSetHas } from '#mail/uid-set.ts'
import type { TextColumn } from '#store/columns.ts'
import type { EmailRow } from '#store/types.ts'

/** Days count from 1970-01-01. Texts are folded (`mail/fold.ts`). */
export type Criterion =
  | { readonly kind: 'all' }
  /** The system flags of `mask` are exactly `value`. */
  | { readonly kind: 'flags'; readonly mask: number; readonly value: number }
  /** The keyword set is one of these. */
  | { readonly kind: 'keyword-sets'; readonly ids: ReadonlySet<number> }
  | { readonly kind: 'uids'; readonly set: UidSet }
  | { readonly kind: 'modseq'; readonly atLeast: Modseq }
  | { readonly kind: 'larger' | 'smaller'; readonly octets: number }
  /** `from` ≤ day < `before`. */
  | { readonly kind: 'day'; readonly of: 'internal' | 'saved' | 'sent'; readonly from: number; readonly before: number }
  /** `from` ≤ INTERNALDATE ≤ `to`, ms since 1970. */
  | { readonly kind: 'time'; readonly from: number; readonly to: number }
  | { readonly kind: 'email'; readonly key: EmailKey | undefined }
  | { readonly kind: 'thread'; readonly key: ThreadKey | undefined }
  | { readonly kind: 'column'; readonly column: 'subject' | 'from' | 'to' | 'cc'; readonly text: string }
  /** A header field of that name (lower case), also of the trace lines, has the text; an empty one: is there. */
  | { readonly kind: 'header'; readonly field: string; readonly text: string }
  | { readonly kind: 'body'; readonly text: string }
  /** In header or body. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'not'; readonly inner: Criterion }
  | { readonly kind: 'and' | 'or'; readonly all: readonly Criterion[] }

/** What is known of a message so far; each is asked only when those before did not decide. */
export interface Facts {
  readonly uid: number
  readonly flags: number
  readonly modseq: number
  /** What an index knows of the texts. */
  readonly texts?: IndexFacts
  readonly row?: EmailRow
  /** Folded on demand. */
  readonly columns?: FoldedColumns
  readonly header?: HeaderFacts
  readonly body?: BodyFacts
}

/** Criteria that ask for a text. */
export type TextCriterion = Extract<Criterion, { readonly kind: 'column' | 'header' | 'body' | 'text' }>

export interface IndexFacts {
  /** Whether the message has the text; asked of UIDs in ascending order it is cheap. */
  meets(criterion: TextCriterion, uid: number): Answer
}

/** Narrow columns, folded when first compared. */
export interface FoldedColumns {
  has(column: 'subject' | 'from' | 'to' | 'cc', text: string): boolean
  readonly sentDay: number | undefined
}

export interface HeaderFacts {
  has(field: string, text: string): boolean
  /** In any field. */
  hasText(text: string): boolean
}

export interface BodyFacts {
  hasText(text: string): boolean
}

/** `undefined`: the facts do not decide yet. */
export type Answer = boolean | undefined

/** A day. */
export const DAY_MS = 86_400_000

/** Whether a message meets a criterion, as far as the facts go. */
export function meets(criterion: Criterion, facts: Facts): Answer {
  const { row } = facts
  switch (criterion.kind) {
    case 'all':
      return true
    case 'flags':
      return (facts.flags & criterion.mask) === criterion.value
    case 'keyword-sets':
      return criterion.ids.has(facts.flags >>> 8)
    case 'uids':
      return uidSetHas(criterion.set, facts.uid)
    case 'modseq':
      return facts.modseq >= criterion.atLeast
    case 'larger':
      return row === undefined ? undefined : row.size > criterion.octets
    case 'smaller':
      return row === undefined ? undefined : row.size < criterion.octets
    case 'day':
      return dayIn(criterion, facts)
    case 'time':
      return row === undefined ? undefined : row.internalDate >= criterion.from && row.internalDate <= criterion.to
    case 'email':
      return row === undefined ? undefined : row.email === criterion.key
    case 'thread':
      return row === undefined ? undefined : row.thread === criterion.key
    case 'column':
    case 'header':
    case 'body':
    case 'text':
      return facts.texts?.meets(criterion, facts.uid) ?? hasText(criterion, facts)
    case 'not': {
      const inner = meets(criterion.inner, facts)
      return inner === undefined ? undefined : !inner
    }
    case 'and':
      return combine(criterion.all, facts, false)
    case 'or':
      return combine(criterion.all, facts, true)
  }
}

/** What was read of the message itself. */
function hasText(criterion: TextCriterion, { columns, header, body }: Facts): Answer {
  switch (criterion.kind) {
    case 'column':
      return columns?.has(criterion.column, criterion.text)
    case 'header':
      return header?.has(criterion.field, criterion.text)
    case 'body':
      return body?.hasText(criterion.text)
    case 'text':
      return header?.hasText(criterion.text) === true ? true : body?.hasText(criterion.text)
  }
}

/** AND ends at the first `false`, OR at the first `true`; what is not known yet waits for the rest. */
function combine(all: readonly Criterion[], facts: Facts, decisive: boolean): Answer {
  let known = true
  for (const one of all) {
    const answer = meets(one, facts)
    if (answer === decisive) return decisive
    if (answer === undefined) known = false
  }
  return known ? !decisive : undefined
}

function dayIn({ of, from, before }: Extract<Criterion, { kind: 'day' }>, { row, columns }: Facts): Answer {
  if (of === 'sent') {
    if (columns === undefined) return undefined
    const { sentDay } = columns
    return sentDay !== undefined && sentDay >= from && sentDay < before
  }
  if (row === undefined) return undefined
  // INTERNALDATE is compared as it was given, whatever its zone (RFC 9051 §6.4.4)
  const at = of === 'saved' ? row.savedAt : row.internalDate + row.internalZone * 60_000
  const day = Math.floor(at / DAY_MS)
  return day >= from && day < before
}

/** What must be read of messages to decide a criterion, besides what the snapshot has. */
export interface Needs {
  /** Subjects and addresses. */
  readonly textColumns: ReadonlySet<TextColumn>
  readonly sentDay: boolean
  /** Whether anything else of the message is asked: its row, header or body. */
  readonly message: boolean
  /** Looked for in bodies. */
  readonly bodyTexts: ReadonlySet<string>
}

export function needsOf(criterion: Criterion): Needs {
  const needs = { textColumns: new Set<TextColumn>(), sentDay: false, message: false, bodyTexts: new Set<string>() }
  const gather = (one: Criterion): void => {
    switch (one.kind) {
      case 'all':
      case 'flags':
      case 'keyword-sets':
      case 'uids':
      case 'modseq':
        return
      case 'column':
        needs.textColumns.add(one.column)
        return
      case 'day':
        needs.message = true
        if (one.of === 'sent') needs.sentDay = true
        return
      case 'larger':
      case 'smaller':
      case 'time':
      case 'email':
      case 'thread':
      case 'header':
        needs.message = true
        return
      case 'body':
      case 'text':
        needs.message = true
        needs.bodyTexts.add(one.text)
        return
      case 'not':
        return gather(one.inner)
      case 'and':
      case 'or':
        for (const inner of one.all) gather(inner)
    }
  }
  gather(criterion)
  return needs
}
