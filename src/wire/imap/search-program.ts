/** SEARCH as a value (RFC 9051 §6.4.4, RFC 4731, RFC 5032, RFC 7162 §3.1.5, RFC 8474 §5.4, RFC 8514 §4.3). @module */
import type { Modseq } from '#mail/ids.ts'
import type { CalendarDate } from './date-time.ts'
import type { MessageSet } from './message-set.ts'

export type FlagSearchKey =
  | 'ANSWERED'
  | 'DELETED'
  | 'DRAFT'
  | 'FLAGGED'
  | 'SEEN'
  | 'UNANSWERED'
  | 'UNDELETED'
  | 'UNDRAFT'
  | 'UNFLAGGED'
  | 'UNSEEN'
  /** RFC 3501 only. */
  | 'NEW'
  | 'OLD'
  | 'RECENT'

export type TextSearchKey = 'BCC' | 'BODY' | 'CC' | 'FROM' | 'SUBJECT' | 'TEXT' | 'TO'

export type DateSearchKey =
  | 'BEFORE'
  | 'ON'
  | 'SINCE'
  | 'SENTBEFORE'
  | 'SENTON'
  | 'SENTSINCE'
  | 'SAVEDBEFORE'
  | 'SAVEDON'
  | 'SAVEDSINCE'

export type SearchKey =
  | { readonly kind: 'ALL' | 'SAVEDATESUPPORTED' | FlagSearchKey }
  /** `text` is Unicode when the charset is UTF-8 or US-ASCII, else bytes, one char each. */
  | { readonly kind: TextSearchKey; readonly text: string }
  | { readonly kind: 'HEADER'; readonly field: string; readonly text: string }
  | { readonly kind: 'KEYWORD' | 'UNKEYWORD'; readonly flag: string }
  | { readonly kind: DateSearchKey; readonly date: CalendarDate }
  /** Octets. */
  | { readonly kind: 'LARGER' | 'SMALLER'; readonly size: number }
  | { readonly kind: 'OLDER' | 'YOUNGER'; readonly seconds: number }
  /** `entry` is kept but has no meaning without METADATA on flags (RFC 7162 §3.1.5). */
  | { readonly kind: 'MODSEQ'; readonly modseq: Modseq; readonly entry: ModseqEntry | undefined }
  | { readonly kind: 'EMAILID' | 'THREADID'; readonly id: string }
  /** Message numbers. */
  | { readonly kind: 'SET'; readonly set: MessageSet }
  | { readonly kind: 'UID'; readonly set: MessageSet }
  | { readonly kind: 'NOT'; readonly key: SearchKey }
  | { readonly kind: 'OR'; readonly left: SearchKey; readonly right: SearchKey }
  /** A list in parentheses; at least one key. */
  | { readonly kind: 'AND'; readonly keys: readonly SearchKey[] }

export interface ModseqEntry {
  readonly name: string
  readonly type: 'priv' | 'shared' | 'all'
}

export type SearchReturn = 'ALL' | 'COUNT' | 'MAX' | 'MIN' | 'SAVE'

/** Everything after SEARCH. */
export interface SearchProgram {
  /** `undefined` without RETURN: answer with `* SEARCH` (rev1). `RETURN ()` is empty and means ALL. */
  readonly returns: readonly SearchReturn[] | undefined
  /** Upper case, as written by CHARSET. */
  readonly charset: string | undefined
  /** All must match; at least one. */
  readonly keys: readonly SearchKey[]
}
