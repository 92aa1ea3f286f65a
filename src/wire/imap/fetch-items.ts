/** What FETCH asks for (RFC 9051 §6.4.5, RFC 3516, RFC 7162 §3.1.4, RFC 8474 §5.3, RFC 8514 §4.4, RFC 8970 §3, RFC 9394 §3.3). @module */
import type { Modseq } from '#mail/ids.ts'
import type { ElementReader } from './element-reader.ts'
import type { ElementWriter } from './element-writer.ts'
import { SECTION_DEPTH } from './limits.ts'
import { formatPartialRange, type PartialRange, readPartialRange } from './partial-range.ts'

/** What stands between the brackets of `BODY[…]`. */
export interface Section {
  /** `[1, 2]` for part 1.2; empty for the message itself. */
  readonly part: readonly number[]
  readonly text: 'HEADER' | 'TEXT' | 'MIME' | 'HEADER.FIELDS' | 'HEADER.FIELDS.NOT' | undefined
  /** Field names as written; empty unless `text` is HEADER.FIELDS or HEADER.FIELDS.NOT. */
  readonly fields: readonly string[]
}

/** `<offset.length>`, octets; `length` is at least 1. */
export interface OctetRange {
  readonly offset: number
  readonly length: number
}

/** Items without arguments. BODY is BODYSTRUCTURE without its extensions. */
export type PlainFetchItem =
  | 'BODY'
  | 'BODYSTRUCTURE'
  | 'EMAILID'
  | 'ENVELOPE'
  | 'FLAGS'
  | 'INTERNALDATE'
  | 'MODSEQ'
  | 'RFC822'
  | 'RFC822.HEADER'
  | 'RFC822.SIZE'
  | 'RFC822.TEXT'
  | 'SAVEDATE'
  | 'THREADID'
  | 'UID'

export type FetchItem =
  | { readonly kind: PlainFetchItem }
  /** With LAZY the server may answer NIL rather than compute (RFC 8970 §3.1). */
  | { readonly kind: 'PREVIEW'; readonly lazy: boolean }
  | {
      readonly kind: 'BODY[]'
      readonly section: Section
      readonly peek: boolean
      readonly partial: OctetRange | undefined
    }
  | {
      readonly kind: 'BINARY[]'
      readonly part: readonly number[]
      readonly peek: boolean
      readonly partial: OctetRange | undefined
    }
  | { readonly kind: 'BINARY.SIZE[]'; readonly part: readonly number[] }

/** Everything after the message set of FETCH; macros are expanded. */
export interface FetchRequest {
  readonly items: readonly FetchItem[]
  /** CHANGEDSINCE (RFC 7162 §3.1.4.1). */
  readonly changedSince: Modseq | undefined
  /** VANISHED, only with `changedSince` (RFC 7162 §3.2.6). */
  readonly vanished: boolean
  /** PARTIAL (RFC 9394 §3.3). */
  readonly partial: PartialRange | undefined
}

/** ALL, FAST and FULL stand for these (RFC 9051 §6.4.5). */
const MACROS: ReadonlyMap<string, readonly FetchItem[]> = new Map([
  ['FAST', (['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'] as const).map((kind) => ({ kind }))],
  ['ALL', (['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE'] as const).map((kind) => ({ kind }))],
  ['FULL', (['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'BODY'] as const).map((kind) => ({ kind }))],
])

const PLAIN: ReadonlyMap<string, PlainFetchItem> = new Map(
  (
    [
      ...(['BODY', 'BODYSTRUCTURE', 'EMAILID', 'ENVELOPE', 'FLAGS', 'INTERNALDATE', 'MODSEQ', 'RFC822'] as const),
      ...(['RFC822.HEADER', 'RFC822.SIZE', 'RFC822.TEXT', 'SAVEDATE', 'THREADID', 'UID'] as const),
    ] satisfies PlainFetchItem[]
  ).map((name) => [name, name]),
)

/** Items and modifiers of FETCH. */
export function readFetchRequest(r: ElementReader): FetchRequest {
  const items = readFetchItems(r)
  let changedSince: Modseq | undefined
  let vanished = false
  let partial: PartialRange | undefined
  // fetch-modifiers = SP "(" fetch-modifier *(SP fetch-modifier) ")" (RFC 4466 §2.4)
  const start = r.position
  if (r.spaces() && r.peek() === '(')
    r.list(() => {
      const at = r.position
      const name = r.keyword()
      if (name === 'CHANGEDSINCE') changedSince = readChangedSince(r.sp())
      else if (name === 'VANISHED') vanished = true
      else if (name === 'PARTIAL') partial = readPartialRange(r.sp())
      else r.fault('FETCH modifier is not known', at)
    }, 1)
  if (vanished && changedSince === undefined) r.fault('VANISHED needs CHANGEDSINCE', start)
  return { items, changedSince, vanished, partial }
}

// chgsince-fetch-mod = "CHANGEDSINCE" SP mod-sequence-value
function readChangedSince(r: ElementReader): Modseq {
  // 0 is read as 1: see quirks.ts, changedsince-zero. MODSEQ 1 is of the first mailbox of an account, and no message has it.
  return Math.max(1, r.number64()) as Modseq
}

/** mod-sequence-value (RFC 7162 §7): from 1 on. */
export function readModseq(r: ElementReader): Modseq {
  const start = r.position
  const modseq = r.number64()
  if (modseq === 0) r.fault('A modification sequence from 1 on is expected', start)
  return modseq as Modseq
}

// fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")")
function readFetchItems(r: ElementReader): readonly FetchItem[] {
  // A macro inside the list is tolerated: see quirks.ts, macro-in-list.
  if (r.peek() === '(') return readFetchItemList(r)
  return readItemOrMacro(r)
}

/** Items in parentheses, at least one (RFC 5465 §8, RFC 5267 §2.2). */
export function readFetchItemList(r: ElementReader): readonly FetchItem[] {
  return r.list(() => readItemOrMacro(r), 1).flat()
}

function readItemOrMacro(r: ElementReader): readonly FetchItem[] {
  const start = r.position
  const name = r.itemName()
  return MACROS.get(name) ?? [readItem(r, name, start)]
}

function readItem(r: ElementReader, name: string, start: number): FetchItem {
  if (r.peek() === '[') {
    const peek = name.endsWith('.PEEK')
    if (name === 'BODY' || name === 'BODY.PEEK')
      return { kind: 'BODY[]', section: readSection(r), peek, partial: readOctetRange(r) }
    if (name === 'BINARY' || name === 'BINARY.PEEK')
      return { kind: 'BINARY[]', part: readSectionBinary(r), peek, partial: readOctetRange(r) }
    if (name === 'BINARY.SIZE') return { kind: 'BINARY.SIZE[]', part: readSectionBinary(r) }
  }
  if (name === 'PREVIEW') return { kind: 'PREVIEW', lazy: readLazy(r) }
  const kind = PLAIN.get(name)
  return kind === undefined ? r.fault('FETCH item is not known', start) : { kind }
}

// "PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"] (RFC 8970 §6)
function readLazy(r: ElementReader): boolean {
  if (!r.looksAt(' (LAZY)')) return false
  return r.skip(' (LAZY)')
}

// section = "[" [section-spec] "]"
export function readSection(r: ElementReader): Section {
  r.expect('[')
  const part = /[0-9]/.test(r.peek()) ? readPart(r) : []
  let text: Section['text']
  let fields: readonly string[] = []
  if (r.peek() !== ']') {
    const start = r.position
    const name = r.itemName()
    switch (name) {
      case 'HEADER.FIELDS':
      case 'HEADER.FIELDS.NOT':
        text = name
        // header-list = "(" header-fld-name *(SP header-fld-name) ")"
        fields = r.sp().list(() => r.astring(), 1)
        break
      case 'HEADER':
      case 'TEXT':
        text = name
        break
      case 'MIME':
        if (part.length === 0) r.fault('MIME needs a part number', start)
        text = name
        break
      default:
        r.fault('Section is not known', start)
    }
  }
  r.expect(']')
  return { part, text, fields }
}

// section-binary = "[" [section-part] "]"
export function readSectionBinary(r: ElementReader): readonly number[] {
  r.expect('[')
  if (r.skip(']')) return []
  const part = readPart(r)
  r.expect(']')
  return part
}

/** Numbers, and the dot before what else follows. */
function readPart(r: ElementReader): readonly number[] {
  const part = [r.nzNumber()]
  while (r.skip('.')) {
    if (!/[0-9]/.test(r.peek())) {
      if (!/[a-z]/i.test(r.peek())) r.fault('A section is expected')
      return part
    }
    if (part.length === SECTION_DEPTH) r.fault('The section is too deep')
    part.push(r.nzNumber())
  }
  if (r.peek() !== ']') r.fault('"]" is expected')
  return part
}

// partial = "<" number64 "." nz-number64 ">"
function readOctetRange(r: ElementReader): OctetRange | undefined {
  if (!r.skip('<')) return undefined
  const offset = r.number64()
  const start = r.expect('.').position
  const length = r.number64()
  if (length === 0) r.fault('The length of a partial FETCH is at least 1', start)
  r.expect('>')
  return { offset, length }
}

/** Items and modifiers as FETCH takes them, always as a list. */
export function writeFetchRequest(w: ElementWriter, request: FetchRequest): void {
  const { items, changedSince, vanished, partial } = request
  writeFetchItems(w, items)
  const modifiers: string[] = []
  if (changedSince !== undefined) modifiers.push(`CHANGEDSINCE ${changedSince}${vanished ? ' VANISHED' : ''}`)
  if (partial !== undefined) modifiers.push(`PARTIAL ${formatPartialRange(partial)}`)
  if (modifiers.length > 0) w.text(` (${modifiers.join(' ')})`)
}

/** Items in parentheses. */
export function writeFetchItems(w: ElementWriter, items: readonly FetchItem[]): void {
  w.list(items, (item) => writeItem(w, item))
}

function writeItem(w: ElementWriter, item: FetchItem): void {
  switch (item.kind) {
    case 'PREVIEW':
      w.text(item.lazy ? 'PREVIEW (LAZY)' : 'PREVIEW')
      return
    case 'BODY[]':
      w.text(item.peek ? 'BODY.PEEK' : 'BODY')
      writeSection(w, item.section)
      writeOctetRange(w, item.partial)
      return
    case 'BINARY[]':
      w.text(`${item.peek ? 'BINARY.PEEK' : 'BINARY'}[${item.part.join('.')}]`)
      writeOctetRange(w, item.partial)
      return
    case 'BINARY.SIZE[]':
      w.text(`BINARY.SIZE[${item.part.join('.')}]`)
      return
    default:
      w.text(item.kind)
  }
}

/** `[1.2.HEADER.FIELDS (From To)]`. */
export function writeSection(w: ElementWriter, { part, text, fields }: Section): void {
  w.text(`[${part.join('.')}`)
  if (text !== undefined) w.text(part.length > 0 ? `.${text}` : text)
  if (text === 'HEADER.FIELDS' || text === 'HEADER.FIELDS.NOT') w.sp().list(fields, (field) => w.astring(field))
  w.text(']')
}

function writeOctetRange(w: ElementWriter, range: OctetRange | undefined): void {
  if (range !== undefined) w.text(`<${range.offset}.${range.length}>`)
}
