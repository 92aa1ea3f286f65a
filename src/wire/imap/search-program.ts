/** SEARCH as a value (RFC 9051 §6.4.4, RFC 4731, RFC 5032, RFC 6203, RFC 7162 §3.1.5, RFC 8474 §5.4, RFC 8514 §4.3, RFC 9394). @module */
import type { Modseq, Uid } from '#mail/ids.ts'
import type { CalendarDate } from './date-time.ts'
import type { ElementReader } from './element-reader.ts'
import type { ElementWriter } from './element-writer.ts'
import { SEARCH_DEPTH, SEARCH_KEYS } from './limits.ts'
import type { MessageSet } from './message-set.ts'
import { formatPartialRange, type PartialRange, readPartialRange } from './partial-range.ts'

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
  /** Above and below, without the UID itself (RFC 9738 §3.2). */
  | { readonly kind: 'UIDAFTER' | 'UIDBEFORE'; readonly uid: Uid }
  | { readonly kind: 'NOT'; readonly key: SearchKey }
  /** May be met more or less (RFC 6203 §3). */
  | { readonly kind: 'FUZZY'; readonly key: SearchKey }
  | { readonly kind: 'OR'; readonly left: SearchKey; readonly right: SearchKey }
  /** A list in parentheses; at least one key. */
  | { readonly kind: 'AND'; readonly keys: readonly SearchKey[] }

export interface ModseqEntry {
  readonly name: string
  readonly type: 'priv' | 'shared' | 'all'
}

/** CONTEXT and UPDATE: RFC 5267 §4. */
export type SearchReturn = 'ALL' | 'CONTEXT' | 'COUNT' | 'MAX' | 'MIN' | 'PARTIAL' | 'RELEVANCY' | 'SAVE' | 'UPDATE'

/** RETURN and its options. */
export interface SearchReturns {
  /** `undefined` without RETURN: answer with `* SEARCH` (rev1). `RETURN ()` is empty and means ALL. */
  readonly returns: readonly SearchReturn[] | undefined
  /** Of the option PARTIAL, there with it alone. */
  readonly partial: PartialRange | undefined
}

/** Everything after SEARCH. */
export interface SearchProgram extends SearchReturns {
  /** Upper case, as written by CHARSET. */
  readonly charset: string | undefined
  /** All must match; at least one. */
  readonly keys: readonly SearchKey[]
}

const RETURNS: ReadonlySet<string> = new Set<SearchReturn>([
  'ALL',
  'CONTEXT',
  'COUNT',
  'MAX',
  'MIN',
  'PARTIAL',
  'RELEVANCY',
  'SAVE',
  'UPDATE',
] as const)

/** Charsets whose text is decoded here; the session refuses the others (BADCHARSET). */
const DECODED: ReadonlySet<string> = new Set(['UTF-8', 'US-ASCII', 'UTF8'])

/** What a keyword reads; `read` gets a reader of keys for NOT and OR. */
type KeyReader = (r: ElementReader, context: Context) => SearchKey

interface Context {
  /** Text of a key, decoded. */
  text(r: ElementReader): string
  /** A key one level deeper. */
  key(r: ElementReader): SearchKey
}

const KEYS: ReadonlyMap<string, KeyReader> = new Map<string, KeyReader>([
  ...plain('ALL', 'SAVEDATESUPPORTED', 'NEW', 'OLD', 'RECENT'),
  ...plain('ANSWERED', 'DELETED', 'DRAFT', 'FLAGGED', 'SEEN'),
  ...plain('UNANSWERED', 'UNDELETED', 'UNDRAFT', 'UNFLAGGED', 'UNSEEN'),
  ...keys(['BCC', 'BODY', 'CC', 'FROM', 'SUBJECT', 'TEXT', 'TO'], (kind) => (r, context) => ({
    kind,
    text: context.text(r.sp()),
  })),
  ...keys(['BEFORE', 'ON', 'SINCE', 'SENTBEFORE', 'SENTON', 'SENTSINCE'], dateKey),
  ...keys(['SAVEDBEFORE', 'SAVEDON', 'SAVEDSINCE'], dateKey),
  ...keys(['KEYWORD', 'UNKEYWORD'], (kind) => (r) => ({ kind, flag: r.sp().atom() })),
  ...keys(['LARGER', 'SMALLER'], (kind) => (r) => ({ kind, size: r.sp().number64() })),
  // OLDER and YOUNGER: nz-number of seconds (RFC 5032 §4)
  ...keys(['OLDER', 'YOUNGER'], (kind) => (r) => ({ kind, seconds: r.sp().nzNumber() })),
  // objectid = 1*255(ALPHA / DIGIT / "_" / "-") (RFC 8474 §7); an unknown one finds nothing, so any astring is taken
  ...keys(['EMAILID', 'THREADID'], (kind) => (r) => ({ kind, id: r.sp().astring() })),
  ...keys(['UID'], (kind) => (r) => ({ kind, set: r.sp().messageSet() })),
  ...keys(['UIDAFTER', 'UIDBEFORE'], (kind) => (r) => ({ kind, uid: r.sp().nzNumber() as Uid })),
  ...keys(['HEADER'], (kind) => (r, context) => {
    const field = r.sp().astring()
    return { kind, field, text: context.text(r.sp()) }
  }),
  ...keys(['MODSEQ'], () => readModseqKey),
  ...keys(['NOT', 'FUZZY'], (kind) => (r, context) => ({ kind, key: context.key(r.sp()) })),
  ...keys(['OR'], (kind) => (r, context) => {
    const left = context.key(r.sp())
    return { kind, left, right: context.key(r.sp()) }
  }),
])

function plain(...kinds: Extract<SearchKey, { readonly kind: 'ALL' | 'SAVEDATESUPPORTED' | FlagSearchKey }>['kind'][]) {
  return keys(kinds, (kind) => () => ({ kind }))
}

function keys<K extends string>(names: readonly K[], make: (kind: K) => KeyReader): [string, KeyReader][] {
  return names.map((name) => [name, make(name)])
}

function dateKey(kind: DateSearchKey): KeyReader {
  return (r) => ({ kind, date: r.sp().date() })
}

// "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer (RFC 7162 §7)
function readModseqKey(r: ElementReader): SearchKey {
  r.sp()
  if (r.peek() !== '"') return { kind: 'MODSEQ', modseq: r.number64() as Modseq, entry: undefined }
  const name = r.string()
  const start = r.sp().position
  const type = r.atom().toLowerCase()
  if (type !== 'priv' && type !== 'shared' && type !== 'all') r.fault('"priv", "shared" or "all" is expected', start)
  return { kind: 'MODSEQ', modseq: r.sp().number64() as Modseq, entry: { name, type } }
}

/** Everything after SEARCH and its space. */
export function readSearchProgram(r: ElementReader): SearchProgram {
  const returns = readSearchReturns(r)
  let charset: string | undefined
  // search-program = ["CHARSET" SP charset SP] search-key *(SP search-key); charset = atom / quoted
  if (r.skip('CHARSET ')) {
    r.spaces()
    charset = readSearchCharset(r)
    r.sp()
  }
  return { ...returns, charset, keys: readSearchKeys(r, charset) }
}

/** Optional RETURN with the space behind it. */
export function readSearchReturns(r: ElementReader): SearchReturns {
  // search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"
  if (!r.skip('RETURN ')) return { returns: undefined, partial: undefined }
  r.spaces()
  let partial: PartialRange | undefined
  const start = r.position
  const returns = r.list(() => {
    const at = r.position
    const name = readReturn(r)
    if (name !== 'PARTIAL') return name
    if (partial !== undefined) r.fault('PARTIAL is there already', at)
    partial = readPartialRange(r.sp())
    return name
  })
  // RFC 9394 §3.1: one PARTIAL, one ALL, or neither
  if (partial !== undefined && returns.includes('ALL')) r.fault('PARTIAL and ALL exclude each other', start)
  r.sp()
  return { returns, partial }
}

/** A charset, in upper case. */
export function readSearchCharset(r: ElementReader): string {
  return r.astring().toUpperCase()
}

function readReturn(r: ElementReader): SearchReturn {
  const start = r.position
  const name = r.keyword()
  return isReturn(name) ? name : r.fault('SEARCH return option is not known', start)
}

function isReturn(name: string): name is SearchReturn {
  return RETURNS.has(name)
}

/** Search keys up to the end, at least one. */
export function readSearchKeys(r: ElementReader, charset: string | undefined): readonly SearchKey[] {
  const decode = charset === undefined || DECODED.has(charset)
  let depth = 0
  let count = 0
  const context: Context = {
    text: (reader) => (decode ? reader.utf8String() : reader.astring()),
    key(reader) {
      const start = reader.position
      depth += 1
      count += 1
      if (depth > SEARCH_DEPTH) reader.fault('The search is nested too deep', start)
      if (count > SEARCH_KEYS) reader.fault('The search has too many keys', start)
      const key = readKey(reader, context)
      depth -= 1
      return key
    },
  }
  const all = [context.key(r)]
  while (r.spaces() && !r.atEnd) all.push(context.key(r))
  return all
}

function readKey(r: ElementReader, context: Context): SearchKey {
  const next = r.peek()
  if (next === '(') return { kind: 'AND', keys: r.list(() => context.key(r), 1) }
  if (/[0-9*$]/.test(next)) return { kind: 'SET', set: r.messageSet() }
  const start = r.position
  const read = KEYS.get(r.keyword())
  return read === undefined ? r.fault('Search key is not known', start) : read(r, context)
}

/** Everything after SEARCH and its space. */
export function writeSearchProgram(w: ElementWriter, program: SearchProgram): void {
  writeSearchReturns(w, program)
  if (program.charset !== undefined) w.text('CHARSET ').astring(program.charset).sp()
  writeSearchKeys(w, program)
}

/** RETURN, if there is one, with the space behind it. */
export function writeSearchReturns(w: ElementWriter, { returns, partial }: SearchReturns): void {
  if (returns === undefined) return
  w.text('RETURN ')
    .list(returns, (name) =>
      w.text(name === 'PARTIAL' && partial !== undefined ? `PARTIAL ${formatPartialRange(partial)}` : name),
    )
    .sp()
}

/** Search keys with their texts in the charset. */
export function writeSearchKeys(
  w: ElementWriter,
  { charset, keys: all }: Pick<SearchProgram, 'charset' | 'keys'>,
): void {
  const decoded = charset === undefined || DECODED.has(charset)
  const text = (value: string): unknown => (decoded ? w.utf8String(value) : w.astring(value))
  all.forEach((key, i) => {
    if (i > 0) w.sp()
    writeKey(w, key, text)
  })
}

function writeKey(w: ElementWriter, key: SearchKey, text: (value: string) => unknown): void {
  if (key.kind === 'SET') {
    w.messageSet(key.set)
    return
  }
  if (key.kind === 'AND') {
    w.list(key.keys, (inner) => writeKey(w, inner, text))
    return
  }
  w.text(key.kind)
  switch (key.kind) {
    case 'BCC':
    case 'BODY':
    case 'CC':
    case 'FROM':
    case 'SUBJECT':
    case 'TEXT':
    case 'TO':
      w.sp()
      text(key.text)
      return
    case 'HEADER':
      w.sp().astring(key.field).sp()
      text(key.text)
      return
    case 'KEYWORD':
    case 'UNKEYWORD':
      w.text(` ${key.flag}`)
      return
    case 'BEFORE':
    case 'ON':
    case 'SINCE':
    case 'SENTBEFORE':
    case 'SENTON':
    case 'SENTSINCE':
    case 'SAVEDBEFORE':
    case 'SAVEDON':
    case 'SAVEDSINCE':
      w.sp().date(key.date)
      return
    case 'LARGER':
    case 'SMALLER':
      w.sp().number(key.size)
      return
    case 'OLDER':
    case 'YOUNGER':
      w.sp().number(key.seconds)
      return
    case 'MODSEQ':
      if (key.entry !== undefined)
        w.text(' "').text(key.entry.name.replace(/["\\]/g, '\\$&')).text(`" ${key.entry.type}`)
      w.sp().number(key.modseq)
      return
    case 'EMAILID':
    case 'THREADID':
      w.sp().astring(key.id)
      return
    case 'UIDAFTER':
    case 'UIDBEFORE':
      w.sp().number(key.uid)
      return
    case 'UID':
      w.sp().messageSet(key.set)
      return
    case 'FUZZY':
    case 'NOT':
      w.sp()
      writeKey(w, key.key, text)
      return
    case 'OR':
      w.sp()
      writeKey(w, key.left, text)
      w.sp()
      writeKey(w, key.right, text)
      return
    default:
  }
}
