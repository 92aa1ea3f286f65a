/** Writes what a server says, the mirror of response-reader.ts; the hot path of FETCH writes for itself. @module */
import { formatUidSet } from '#mail/uid-set.ts'
import { writeAclResponse } from './acl.ts'
import { toBinary } from './characters.ts'
import { writeExtensionValue } from './extension-value.ts'
import { writeFetchValues } from './fetch-values.ts'
import { writeIdParams } from './id-params.ts'
import { writeMetadataContent } from './metadata.ts'
import { formatPartialRange } from './partial-range.ts'
import { formatQuotaUsages } from './quota-resources.ts'
import { writeResponseCode } from './response-codes.ts'
import { ResponseWriter } from './response-writer.ts'
import type {
  ConditionResponse,
  EsearchResponse,
  ListResponse,
  Namespace,
  Response,
  StatusValues,
} from './responses.ts'
import { formatThreadLists } from './thread-list.ts'

/** One response with its line end. `UNKNOWN` cannot be written: a TypeError. */
export function writeResponse(w: ResponseWriter, response: Response): void {
  if (response.kind === 'CONDITION') writeCondition(w, response)
  else if (response.kind === 'CONTINUATION') w.text(`+ ${oneLine(response.text)}`)
  else writeUntagged(w.text('* '), response)
  w.text('\r\n')
}

/** Like {@link writeResponse}, as bytes. */
export function formatResponse(response: Response, utf8 = false): Uint8Array {
  const w = new ResponseWriter({ utf8 })
  writeResponse(w, response)
  return Buffer.concat(w.take())
}

function writeUntagged(
  w: ResponseWriter,
  response: Exclude<Response, { readonly kind: 'CONDITION' | 'CONTINUATION' }>,
): void {
  switch (response.kind) {
    case 'CAPABILITY':
    case 'ENABLED':
      w.text([response.kind, ...response.names].join(' '))
      return
    case 'LIST':
    case 'LSUB':
      writeList(w, response)
      return
    case 'STATUS':
      w.text('STATUS ').mailbox(response.mailbox).sp()
      writeStatusValues(w, response.values)
      return
    case 'SEARCH':
    case 'SORT':
      w.text([response.kind, ...response.numbers].join(' '))
      if (response.modseq !== undefined) w.text(` (MODSEQ ${response.modseq})`)
      return
    case 'ESEARCH':
      writeEsearch(w, response)
      return
    case 'THREAD':
      w.text(response.threads.length === 0 ? 'THREAD' : `THREAD ${formatThreadLists(response.threads)}`)
      return
    case 'FLAGS':
      w.text('FLAGS ').flagList(response.flags)
      return
    case 'EXISTS':
    case 'RECENT':
    case 'EXPUNGE':
      w.text(`${response.number} ${response.kind}`)
      return
    case 'VANISHED':
      w.text(`VANISHED ${response.earlier ? '(EARLIER) ' : ''}${formatUidSet(response.uids)}`)
      return
    case 'FETCH':
      w.text(`${response.number} FETCH `)
      writeFetchValues(w, response.values)
      return
    case 'UIDFETCH':
      w.text(`${response.uid} UIDFETCH `)
      writeFetchValues(w, response.values)
      return
    case 'UIDBATCHES': {
      w.text('UIDBATCHES')
      if (response.tag !== undefined) w.text(' (TAG ').string(response.tag).text(')')
      const batches = response.batches.map(([lowest, highest]) => `${highest}:${lowest}`)
      if (batches.length > 0) w.text(` ${batches.join(',')}`)
      return
    }
    case 'LANGUAGE':
      w.text('LANGUAGE ').list(response.tags, (tag) => w.astring(tag))
      return
    case 'ID':
      writeIdParams(w.text('ID '), response.params)
      return
    case 'NAMESPACE':
      w.text('NAMESPACE')
      for (const namespaces of [response.personal, response.others, response.shared])
        writeNamespaces(w.sp(), namespaces)
      return
    case 'QUOTA':
      w.text('QUOTA ')
        .utf8String(response.root)
        .text(` ${formatQuotaUsages(response.resources)}`)
      return
    case 'QUOTAROOT':
      w.text('QUOTAROOT ').mailbox(response.mailbox)
      for (const root of response.roots) w.sp().utf8String(root)
      return
    case 'METADATA':
      writeMetadataContent(w.text('METADATA ').mailbox(response.mailbox).sp(), response.content)
      return
    case 'ACL':
    case 'LISTRIGHTS':
    case 'MYRIGHTS':
      writeAclResponse(w, response)
      return
    case 'UNKNOWN':
      throw new TypeError('A response that is not known cannot be written')
  }
}

function writeCondition(w: ResponseWriter, { tag, condition, code, text }: ConditionResponse): void {
  w.text(`${tag ?? '*'} ${condition} `)
  if (code !== undefined) {
    writeResponseCode(w, code)
    w.sp()
  }
  w.text(oneLine(text))
}

/** Text for people as a binary string that cannot end the line early. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the point
  return toBinary(text.replace(/[\0\r\n]/g, ' '))
}

function writeList(w: ResponseWriter, response: ListResponse): void {
  w.text(`${response.kind} `).flagList(response.attributes).sp().nstring(response.delimiter).sp()
  if (response.wireName === undefined) w.mailbox(response.mailbox)
  else w.astring(response.wireName)
  const items: (() => void)[] = []
  const { childInfo, oldName, others } = response
  if (childInfo !== undefined) items.push(() => w.text('CHILDINFO ').list(childInfo, (option) => w.string(option)))
  if (oldName !== undefined) items.push(() => w.text('OLDNAME ').list([oldName], (name) => w.mailbox(name)))
  for (const [name, value] of others) items.push(() => writeExtensionValue(w.astring(name).sp(), value))
  if (items.length > 0) w.sp().list(items, (write) => write())
}

/** `(MESSAGES 3 UIDNEXT 4)`. */
function writeStatusValues(w: ResponseWriter, values: StatusValues): void {
  w.list(Object.entries(values), ([name, value]: [string, string | number | null]) => {
    if (name === 'MAILBOXID') w.text(`MAILBOXID (${value})`)
    else w.text(`${name} ${value ?? 'NIL'}`)
  })
}

function writeEsearch(w: ResponseWriter, response: EsearchResponse): void {
  w.text('ESEARCH')
  // tag-string = astring; quoted as in every example of the RFC, which some clients insist on
  const correlators: (() => unknown)[] = []
  const { tag, mailbox, uidValidity, partial, relevancy } = response
  if (tag !== undefined) correlators.push(() => w.text('TAG ').string(tag))
  if (mailbox !== undefined) correlators.push(() => w.text('MAILBOX ').mailbox(mailbox))
  if (uidValidity !== undefined) correlators.push(() => w.text(`UIDVALIDITY ${uidValidity}`))
  if (correlators.length > 0) w.sp().list(correlators, (write) => write())
  if (response.uid) w.text(' UID')
  if (response.min !== undefined) w.text(` MIN ${response.min}`)
  if (response.max !== undefined) w.text(` MAX ${response.max}`)
  if (response.all !== undefined) w.text(` ALL ${formatUidSet(response.all)}`)
  if (response.count !== undefined) w.text(` COUNT ${response.count}`)
  if (response.modseq !== undefined) w.text(` MODSEQ ${response.modseq}`)
  if (partial !== undefined) {
    const { range, results } = partial
    w.text(` PARTIAL (${formatPartialRange(range)} ${results === undefined ? 'NIL' : formatUidSet(results)})`)
  }
  if (relevancy !== undefined) w.text(` RELEVANCY (${relevancy.join(' ')})`)
  for (const [name, value] of response.others) writeExtensionValue(w.text(` ${name} `), value)
}

function writeNamespaces(w: ResponseWriter, namespaces: readonly Namespace[] | undefined): void {
  if (namespaces === undefined) {
    w.text('NIL')
    return
  }
  w.text('(')
  for (const { prefix, delimiter, extensions } of namespaces) {
    w.text('(').mailboxString(prefix).sp().nstring(delimiter)
    for (const [name, values] of extensions)
      w.sp()
        .string(name)
        .sp()
        .list(values, (value) => w.string(value))
    w.text(')')
  }
  w.text(')')
}
