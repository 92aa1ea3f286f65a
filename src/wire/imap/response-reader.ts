/** Reads what a server says (RFC 9051 §7), more leniently than commands: servers cannot be asked again. @module */
import type { Modseq, Uid } from '#mail/ids.ts'
import type { UidSet } from '#mail/uid-set.ts'
import { readAclEntries, readRightsList } from './acl.ts'
import { ASTRING, DIGITS, fromBinary } from './characters.ts'
import { ElementReader } from './element-reader.ts'
import { type ExtensionValue, readExtensionValue } from './extension-value.ts'
import { readFetchValues } from './fetch-values.ts'
import type { Frame } from './frame.ts'
import { readIdParams } from './id-params.ts'
import { decodeMailboxName } from './mailbox-name.ts'
import { readMetadataContent } from './metadata.ts'
import { type PartialRange, readPartialRange } from './partial-range.ts'
import { readQuotaUsages } from './quota-resources.ts'
import { readCapabilities, readResponseCode } from './response-codes.ts'
import type {
  ConditionResponse,
  EsearchResponse,
  ListResponse,
  Namespace,
  Response,
  SearchResponse,
  StatusValues,
} from './responses.ts'
import { isStatusItem } from './status-items.ts'
import { SyntaxFault } from './syntax-fault.ts'
import { readThreadLists } from './thread-list.ts'

export interface ParseResponseOptions {
  /** UTF8=ACCEPT or IMAP4rev2 was enabled: mailbox names are UTF-8. */
  readonly utf8?: boolean
}

/**
 * Reads one framed response. Untagged responses that are not known come back as they are.
 * @throws SyntaxFault where a known response cannot be read; the next one can be.
 */
export function parseResponse(frame: Frame, options: ParseResponseOptions = {}): Response {
  const r = new ElementReader(frame, { utf8: options.utf8 ?? false, lenient: true })
  // continue-req = "+" SP (resp-text / base64) CRLF; some send a bare "+"
  if (r.skip('+')) return { kind: 'CONTINUATION', text: unicode((r.skip(' '), r.rest())) }
  if (!r.skip('* ')) {
    const tag = r.tag()
    const name = r.sp().keyword()
    return readCondition(r, tag, isCondition(name) ? name : r.fault('OK, NO or BAD is expected'))
  }
  r.spaces()
  if (/[0-9]/.test(r.peek())) return readNumbered(r, frame)
  return readNamed(r, r.match(ASTRING).toUpperCase(), frame)
}

function readNumbered(r: ElementReader, frame: Frame): Response {
  const number = r.number()
  const kind = r.sp().match(ASTRING).toUpperCase()
  switch (kind) {
    case 'EXISTS':
    case 'RECENT':
    case 'EXPUNGE':
      return ended(r, { kind, number })
    case 'FETCH':
      return ended(r, { kind, number, values: readFetchValues(r.sp()) })
    case 'UIDFETCH':
      return ended(r, { kind, uid: number as Uid, values: readFetchValues(r.sp()) })
    default:
      return { kind: 'UNKNOWN', frame }
  }
}

function readNamed(r: ElementReader, kind: string, frame: Frame): Response {
  switch (kind) {
    case 'OK':
    case 'NO':
    case 'BAD':
    case 'BYE':
    case 'PREAUTH':
      return readCondition(r, undefined, kind)
    case 'CAPABILITY':
    case 'ENABLED':
      return ended(r, { kind, names: readCapabilities(r) })
    case 'LIST':
    case 'LSUB':
      return ended(r, readList(r.sp(), kind))
    case 'STATUS': {
      const { name } = readName(r.sp())
      return ended(r, { kind, mailbox: name, values: readStatusValues(r) })
    }
    case 'SEARCH':
    case 'SORT':
      return ended(r, readSearch(r, kind))
    case 'THREAD':
      return ended(r, { kind, threads: readThreadLists(r) })
    case 'ESEARCH':
      return ended(r, readEsearch(r))
    case 'FLAGS':
      return ended(r, { kind, flags: r.sp().list(() => r.flagPerm()) })
    case 'VANISHED': {
      const earlier = r.sp().skip('(EARLIER)')
      return ended(r, { kind, earlier, uids: (earlier ? r.sp() : r).orderedUids() })
    }
    case 'UIDBATCHES': {
      const tag = readCorrelator(r)
      return ended(r, { kind, tag, batches: r.spaces() && !r.atEnd ? r.orderedUids() : [] })
    }
    case 'LANGUAGE':
      return ended(r, { kind, tags: r.sp().list(() => r.astring(), 1) })
    case 'ID':
      return ended(r, { kind, params: readIdParams(r.sp()) })
    case 'NAMESPACE': {
      const personal = readNamespaces(r.sp())
      const others = readNamespaces(r.sp())
      return ended(r, { kind, personal, others, shared: readNamespaces(r.sp()) })
    }
    case 'QUOTA': {
      const root = unicode(r.sp().astring())
      return ended(r, { kind, root, resources: readQuotaUsages(r.sp()) })
    }
    case 'QUOTAROOT': {
      const { name } = readName(r.sp())
      const roots: string[] = []
      while (r.spaces() && !r.atEnd) roots.push(unicode(r.astring()))
      return ended(r, { kind, mailbox: name, roots })
    }
    case 'ACL': {
      const { name } = readName(r.sp())
      return ended(r, { kind, mailbox: name, entries: readAclEntries(r) })
    }
    case 'LISTRIGHTS': {
      const { name } = readName(r.sp())
      return ended(r, { kind, mailbox: name, ...readRightsList(r.sp()) })
    }
    case 'MYRIGHTS': {
      const { name } = readName(r.sp())
      return ended(r, { kind, mailbox: name, rights: r.sp().astring() })
    }
    case 'METADATA': {
      const { name } = readName(r.sp())
      return ended(r, { kind, mailbox: name, content: readMetadataContent(r.sp()) })
    }
    default:
      return { kind: 'UNKNOWN', frame }
  }
}

function ended<T extends Response>(r: ElementReader, response: T): T {
  r.end()
  return response
}

function isCondition(name: string): name is 'OK' | 'NO' | 'BAD' {
  return name === 'OK' || name === 'NO' || name === 'BAD'
}

// resp-text = ["[" resp-text-code "]" SP] [text]
function readCondition(
  r: ElementReader,
  tag: string | undefined,
  condition: ConditionResponse['condition'],
): ConditionResponse {
  r.skip(' ')
  const code = readResponseCode(r)
  if (code !== undefined) r.skip(' ')
  return { kind: 'CONDITION', tag, condition, code, text: unicode(r.rest()) }
}

/** Text of people: UTF-8 where it is, else one char a byte. */
function unicode(binary: string): string {
  return fromBinary(binary) ?? binary
}

/** A mailbox name; `wire` where it cannot be decoded, or would be encoded in another way. */
function readName(r: ElementReader): { readonly name: string; readonly wire: string | undefined } {
  const wire = r.astring()
  try {
    return { name: decodeMailboxName(wire, r.utf8), wire: undefined }
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error
    return { name: unicode(wire), wire }
  }
}

// mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox [SP mbox-list-extended]
function readList(r: ElementReader, kind: 'LIST' | 'LSUB'): ListResponse {
  const attributes = r.flagList()
  const delimiter = r.sp().nstring()
  const { name, wire } = readName(r.sp())
  let childInfo: readonly string[] | undefined
  let oldName: string | undefined
  const others: [string, ExtensionValue][] = []
  if (r.spaces() && r.peek() === '(')
    r.list(() => {
      const tag = r.astring().toUpperCase()
      r.sp()
      if (tag === 'CHILDINFO') childInfo = r.list(() => r.astring().toUpperCase())
      else if (tag === 'OLDNAME') oldName = r.list(() => readName(r).name, 1)[0]
      else others.push([tag, readExtensionValue(r)])
    })
  return { kind, attributes, delimiter, mailbox: name, wireName: wire, childInfo, oldName, others }
}

// "(" [status-att-val *(SP status-att-val)] ")"
function readStatusValues(r: ElementReader): StatusValues {
  const values: { -readonly [K in keyof StatusValues]: StatusValues[K] } = {}
  // Some servers leave a space too many before the list.
  r.sp().list(() => {
    const name = r.keyword()
    r.sp()
    if (!isStatusItem(name)) readExtensionValue(r)
    else if (name === 'MAILBOXID') values.MAILBOXID = r.list(() => r.astring(), 1)[0] ?? ''
    else if (name === 'APPENDLIMIT') values.APPENDLIMIT = r.nil() ? null : r.number64()
    else values[name] = r.number64()
  })
  return values
}

// "SEARCH" *(SP nz-number) [SP "(" "MODSEQ" SP mod-sequence-value ")"]
function readSearch(r: ElementReader, kind: SearchResponse['kind']): SearchResponse {
  const numbers: number[] = []
  let modseq: Modseq | undefined
  while (r.spaces() && !r.atEnd) {
    if (r.skip('(MODSEQ ')) {
      modseq = r.number64() as Modseq
      r.expect(')')
      break
    }
    const digits = r.match(DIGITS)
    const number = Number(digits)
    if (digits === '' || number > 4_294_967_295) r.fault('A message number is expected')
    numbers.push(number)
  }
  return { kind, numbers, modseq }
}

// search-correlator = SP "(" "TAG" SP tag-string ")"
function readCorrelator(r: ElementReader): string | undefined {
  if (!r.skip(' (TAG ')) return undefined
  const tag = r.astring()
  r.expect(')')
  return tag
}

// esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)
function readEsearch(r: ElementReader): EsearchResponse {
  let tag: string | undefined
  let mailbox: string | undefined
  let uidValidity: number | undefined
  // search-correlator = SP "(" one-correlator *(SP one-correlator) ")" (RFC 7377 §4)
  if (r.skip(' ('))
    for (let more = true; more; more = !r.skip(')')) {
      r.spaces()
      const name = r.keyword()
      r.sp()
      if (name === 'TAG') tag = r.astring()
      else if (name === 'MAILBOX') mailbox = readName(r).name
      else if (name === 'UIDVALIDITY') uidValidity = r.number()
      else readExtensionValue(r)
      r.spaces()
    }
  let uid = false
  let min: number | undefined
  let max: number | undefined
  let all: UidSet | undefined
  let count: number | undefined
  let modseq: Modseq | undefined
  let partial: EsearchResponse['partial']
  let relevancy: readonly number[] | undefined
  const others: [string, ExtensionValue][] = []
  while (r.spaces() && !r.atEnd) {
    const name = r.keyword()
    if (name === 'UID') {
      uid = true
      continue
    }
    r.sp()
    if (name === 'MIN') min = r.number()
    else if (name === 'MAX') max = r.number()
    else if (name === 'ALL') all = r.orderedUids()
    else if (name === 'COUNT') count = r.number()
    else if (name === 'MODSEQ') modseq = r.number64() as Modseq
    else if (name === 'PARTIAL') partial = readPartial(r)
    else if (name === 'RELEVANCY') relevancy = r.list(() => r.number())
    else others.push([name, readExtensionValue(r)])
  }
  return { kind: 'ESEARCH', tag, mailbox, uidValidity, uid, min, max, all, count, modseq, partial, relevancy, others }
}

// ret-data-partial = "PARTIAL" SP "(" partial-range SP partial-results ")" (RFC 9394 §4)
function readPartial(r: ElementReader): { readonly range: PartialRange; readonly results: UidSet | undefined } {
  const range = readPartialRange(r.expect('('))
  const results = r.sp().nil() ? undefined : r.orderedUids()
  r.expect(')')
  return { range, results }
}

// namespace = nil / "(" 1*namespace-descr ")"
function readNamespaces(r: ElementReader): readonly Namespace[] | undefined {
  if (r.nil()) return undefined
  const namespaces: Namespace[] = []
  r.expect('(')
  while (!r.skip(')')) {
    namespaces.push(readNamespace(r))
    r.spaces()
  }
  return namespaces
}

// namespace-descr = "(" string SP (DQUOTE QUOTED-CHAR DQUOTE / nil) [namespace-response-extensions] ")"
function readNamespace(r: ElementReader): Namespace {
  const { name: prefix } = readName(r.expect('('))
  const delimiter = r.sp().nstring()
  const extensions: [string, readonly string[]][] = []
  while (r.spaces() && r.peek() !== ')') {
    const name = r.string()
    extensions.push([name, r.sp().list(() => r.string())])
  }
  r.expect(')')
  return { prefix, delimiter, extensions }
}
