import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc, { type Arbitrary } from 'fast-check'
import { writeAppendMessage } from './append-message.ts'
import {
  atom,
  binary,
  bytes,
  calendarDate,
  dateTime,
  flags,
  mailbox,
  maybe,
  messageSet,
  metadataName,
  metadataValues,
  modseq,
  name,
  number64,
  nzNumber,
  orderedUids,
  part,
  partialRange,
  section,
  uid,
  uidSet,
  unicode,
} from './arbitraries.ts'
import { formatBase64 } from './base64.ts'
import { CommandWriter } from './command-writer.ts'
import type { ElementWriter } from './element-writer.ts'
import { type EsearchRequest, type SearchSource, writeEsearchRequest } from './esearch-request.ts'
import { type FetchItem, type FetchRequest, writeFetchRequest } from './fetch-items.ts'
import type { Frame } from './frame.ts'
import { CommandFramer } from './framer.ts'
import { type IdParams, writeIdParams } from './id-params.ts'
import { type ListRequest, writeListRequest } from './list-options.ts'
import { type MetadataRequest, writeMetadataRequest, writeMetadataValues } from './metadata.ts'
import {
  NOTIFY_EVENTS,
  type NotifyEvent,
  type NotifyGroup,
  type NotifyRequest,
  writeNotifyRequest,
} from './notify-request.ts'
import { formatQuotaLimits } from './quota-resources.ts'
import { CommandReader } from './reader.ts'
import { type SearchKey, type SearchProgram, type SearchReturns, writeSearchProgram } from './search-program.ts'
import { formatSelectParams, type SelectParams } from './select-params.ts'
import { SORT_KEYS, type SortCriterion, type SortProgram, writeSortProgram } from './sort-program.ts'
import { formatStatusItems, type StatusItem } from './status-items.ts'
import { formatStoreRequest, type StoreRequest } from './store-request.ts'
import { type ThreadRequest, writeThreadRequest } from './thread-request.ts'

const record = <T>(model: { [K in keyof T]: Arbitrary<T[K]> }): Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true })

/** Frames what a writer wrote, as a server would get it. */
function framed(writer: CommandWriter): Frame {
  const framer = new CommandFramer()
  for (const chunk of writer.chunks()) framer.push(chunk.bytes)
  for (let event = framer.next(); event !== undefined; event = framer.next()) {
    if (event.kind === 'frame') return event.frame
    assert.equal(event.kind, 'literal')
    framer.buffer()
  }
  assert.fail('The framer found no command')
}

function readsBack<T>(
  subject: string,
  value: Arbitrary<T>,
  write: (w: ElementWriter, value: T) => unknown,
  read: (r: CommandReader) => unknown,
): void {
  test(`${subject} reads back what was written`, () => {
    fc.assert(
      fc.property(
        value,
        fc.boolean(),
        fc.constantFrom('none' as const, 'minus' as const, 'plus' as const),
        (x, utf8, literals) => {
          const writer = new CommandWriter({ utf8, literals })
          write(writer.text('a X '), x)
          const r = new CommandReader(framed(writer), { utf8 })
          assert.equal(r.tag(), 'a')
          assert.equal(r.sp().commandName(), 'X')
          assert.deepEqual(read(r.sp()), x)
          r.end()
        },
      ),
      { numRuns: 150 },
    )
  })
}

const fetchItem: Arbitrary<FetchItem> = fc.oneof(
  fc
    .constantFrom(
      'BODY',
      'BODYSTRUCTURE',
      'EMAILID',
      'ENVELOPE',
      'FLAGS',
      'INTERNALDATE',
      'MODSEQ',
      'RFC822',
      'RFC822.HEADER',
      'RFC822.SIZE',
      'RFC822.TEXT',
      'SAVEDATE',
      'THREADID',
      'UID',
    )
    .map((kind) => ({ kind })),
  fc.boolean().map((lazy): FetchItem => ({ kind: 'PREVIEW', lazy })),
  fc.tuple(section, fc.boolean(), maybe(fc.tuple(number64, nzNumber))).map(
    ([where, peek, range]): FetchItem => ({
      kind: 'BODY[]',
      section: where,
      peek,
      partial: range === undefined ? undefined : { offset: range[0], length: range[1] },
    }),
  ),
  fc
    .tuple(part, fc.boolean())
    .map(([numbers, peek]): FetchItem => ({ kind: 'BINARY[]', part: numbers, peek, partial: undefined })),
  part.map((numbers): FetchItem => ({ kind: 'BINARY.SIZE[]', part: numbers })),
)

const fetchRequest: Arbitrary<FetchRequest> = fc
  .tuple(fc.array(fetchItem, { minLength: 1, maxLength: 4 }), maybe(modseq), fc.boolean(), maybe(partialRange))
  .map(([items, changedSince, vanished, partial]) => ({
    items,
    changedSince,
    vanished: vanished && changedSince !== undefined,
    partial,
  }))

const { key: searchKey } = fc.letrec<{ key: SearchKey }>((tie) => ({
  key: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<SearchKey>(
      ...(['ALL', 'SEEN', 'UNSEEN', 'NEW', 'OLD', 'RECENT', 'DRAFT', 'SAVEDATESUPPORTED'] as const).map((kind) => ({
        kind,
      })),
    ),
    fc
      .tuple(fc.constantFrom('BCC', 'BODY', 'CC', 'FROM', 'SUBJECT', 'TEXT', 'TO'), unicode)
      .map(([kind, text]): SearchKey => ({ kind, text })),
    fc.tuple(binary, unicode).map(([field, text]): SearchKey => ({ kind: 'HEADER', field, text })),
    fc.tuple(fc.constantFrom('KEYWORD', 'UNKEYWORD'), atom).map(([kind, flag]): SearchKey => ({ kind, flag })),
    fc
      .tuple(
        fc.constantFrom(
          'BEFORE',
          'ON',
          'SINCE',
          'SENTBEFORE',
          'SENTON',
          'SENTSINCE',
          'SAVEDBEFORE',
          'SAVEDON',
          'SAVEDSINCE',
        ),
        calendarDate,
      )
      .map(([kind, date]): SearchKey => ({ kind, date })),
    fc.tuple(fc.constantFrom('LARGER', 'SMALLER'), number64).map(([kind, size]): SearchKey => ({ kind, size })),
    fc.tuple(fc.constantFrom('OLDER', 'YOUNGER'), nzNumber).map(([kind, seconds]): SearchKey => ({ kind, seconds })),
    modseq.map((value): SearchKey => ({ kind: 'MODSEQ', modseq: value, entry: undefined })),
    modseq.map(
      (value): SearchKey => ({ kind: 'MODSEQ', modseq: value, entry: { name: '/flags/\\Draft', type: 'all' } }),
    ),
    fc.tuple(fc.constantFrom('EMAILID', 'THREADID'), atom).map(([kind, id]): SearchKey => ({ kind, id })),
    fc.tuple(fc.constantFrom('SET', 'UID'), messageSet).map(([kind, set]): SearchKey => ({ kind, set })),
    fc.tuple(fc.constantFrom('UIDAFTER', 'UIDBEFORE'), uid).map(([kind, each]): SearchKey => ({ kind, uid: each })),
    fc.tuple(fc.constantFrom('NOT', 'FUZZY'), tie('key')).map(([kind, key]): SearchKey => ({ kind, key })),
    fc.tuple(tie('key'), tie('key')).map(([left, right]): SearchKey => ({ kind: 'OR', left, right })),
    fc.array(tie('key'), { minLength: 1, maxLength: 3 }).map((keys): SearchKey => ({ kind: 'AND', keys })),
  ),
}))

const searchReturns: Arbitrary<SearchReturns> = fc.oneof(
  record<SearchReturns>({
    returns: maybe(fc.array(fc.constantFrom('ALL', 'COUNT', 'MAX', 'MIN', 'RELEVANCY', 'SAVE'), { maxLength: 3 })),
    partial: fc.constant(undefined),
  }),
  record<SearchReturns>({
    returns: fc
      .array(fc.constantFrom('COUNT', 'MAX', 'MIN', 'SAVE'), { maxLength: 3 })
      .map((names) => ['PARTIAL', ...names]),
    partial: partialRange,
  }),
)
const searchKeys = fc.array(searchKey, { minLength: 1, maxLength: 3 })

const searchProgram: Arbitrary<SearchProgram> = fc
  .tuple(searchReturns, fc.constantFrom(undefined, 'UTF-8', 'US-ASCII'), searchKeys)
  .map(([returns, charset, keys]) => ({ ...returns, charset, keys }))

const sortProgram: Arbitrary<SortProgram> = fc
  .tuple(
    searchReturns,
    fc.array(record<SortCriterion>({ key: fc.constantFrom(...SORT_KEYS), reverse: fc.boolean() }), {
      minLength: 1,
      maxLength: 4,
    }),
    fc.constantFrom('UTF-8', 'US-ASCII'),
    searchKeys,
  )
  .map(([returns, criteria, charset, keys]) => ({ ...returns, criteria, charset, keys }))

const threadRequest: Arbitrary<ThreadRequest> = record<ThreadRequest>({
  algorithm: name,
  charset: fc.constantFrom('UTF-8', 'US-ASCII'),
  keys: searchKeys,
})

const esearchRequest: Arbitrary<EsearchRequest> = record<EsearchRequest>({
  sources: maybe(
    fc.array(
      fc.oneof(
        fc.constantFrom('selected', 'inboxes', 'personal', 'subscribed').map((kind): SearchSource => ({ kind })),
        fc
          .tuple(
            fc.constantFrom('subtree', 'subtree-one', 'mailboxes'),
            fc.array(mailbox, { minLength: 1, maxLength: 2 }),
          )
          .map(([kind, names]): SearchSource => ({ kind, names })),
      ),
      { minLength: 1, maxLength: 3 },
    ),
  ),
  program: searchProgram,
})

const statusItems: Arbitrary<readonly StatusItem[]> = fc.array(
  fc.constantFrom(
    'APPENDLIMIT',
    'DELETED',
    'DELETED-STORAGE',
    'HIGHESTMODSEQ',
    'MAILBOXID',
    'MESSAGES',
    'RECENT',
    'SIZE',
    'UIDNEXT',
    'UIDVALIDITY',
    'UNSEEN',
  ),
  { minLength: 1, maxLength: 4 },
)

const listRequest: Arbitrary<ListRequest> = fc
  .record(
    {
      reference: mailbox,
      patterns: fc.array(mailbox, { minLength: 1, maxLength: 3 }),
      selected: fc.record(
        { subscribed: fc.boolean(), remote: fc.boolean(), specialUse: fc.boolean() },
        { noNullPrototype: true },
      ),
      recursive: fc.boolean(),
      returns: fc.record(
        {
          subscribed: fc.boolean(),
          children: fc.boolean(),
          specialUse: fc.boolean(),
          myRights: fc.boolean(),
          status: maybe(statusItems),
          metadata: maybe(fc.array(metadataName, { minLength: 1, maxLength: 2 })),
        },
        { noNullPrototype: true },
      ),
      extended: fc.boolean(),
    },
    { noNullPrototype: true },
  )
  .map(({ reference, patterns, selected, recursive, returns, extended }) => {
    const selection = { ...selected, recursiveMatch: recursive && (selected.subscribed || selected.specialUse) }
    const some = (options: object): boolean =>
      Object.values(options).some((option) => option !== false && option !== undefined)
    return {
      extended: extended || patterns.length > 1 || some(selection) || some(returns),
      selection,
      reference,
      patterns,
      returns,
    }
  })

const selectParams: Arbitrary<SelectParams> = record<SelectParams>({
  condstore: fc.boolean(),
  qresync: maybe(
    fc.tuple(nzNumber, modseq, maybe(uidSet), maybe(orderedUids)).map(([uidValidity, since, knownUids, same]) => ({
      uidValidity,
      modseq: since,
      knownUids,
      match: same === undefined ? undefined : { numbers: same, uids: same },
    })),
  ),
})

const storeRequest: Arbitrary<StoreRequest> = record<StoreRequest>({
  unchangedSince: maybe(modseq),
  mode: fc.constantFrom('replace', 'add', 'remove'),
  silent: fc.boolean(),
  flags,
})

const idParams: Arbitrary<IdParams> = maybe(
  fc
    .array(
      fc.tuple(
        binary.map((text) => text.toLowerCase()),
        maybe(binary),
      ),
      { maxLength: 3 },
    )
    .map((pairs) => new Map(pairs)),
)

const message = fc
  .record({ flags, date: maybe(dateTime), utf8: fc.boolean(), bytes, binary: fc.boolean() }, { noNullPrototype: true })
  .map(({ bytes: data, binary: eight, ...rest }) => ({
    ...rest,
    literal: { size: data.length, binary: eight || rest.utf8, bytes: data },
  }))

readsBack(
  'astring()',
  binary,
  (w, text) => w.astring(text),
  (r) => r.astring(),
)
readsBack(
  'string()',
  binary,
  (w, text) => w.string(text),
  (r) => r.string(),
)
readsBack(
  'nstring()',
  maybe(binary),
  (w, text) => w.nstring(text),
  (r) => r.nstring(),
)
readsBack(
  'utf8String()',
  unicode,
  (w, text) => w.utf8String(text),
  (r) => r.utf8String(),
)
readsBack(
  'mailbox()',
  mailbox,
  (w, text) => w.mailbox(text),
  (r) => r.mailbox(),
)
readsBack(
  'listMailbox()',
  mailbox,
  (w, text) => w.listMailbox(text),
  (r) => r.listMailbox(),
)
readsBack(
  'number64()',
  number64,
  (w, number) => w.number(number),
  (r) => r.number64(),
)
readsBack(
  'messageSet()',
  messageSet,
  (w, set) => w.messageSet(set),
  (r) => r.messageSet(),
)
readsBack(
  'flagList()',
  flags,
  (w, list) => w.flagList(list),
  (r) => r.flagList(),
)
readsBack(
  'dateTime()',
  dateTime,
  (w, date) => w.dateTime(date),
  (r) => r.dateTime(),
)
readsBack(
  'date()',
  calendarDate,
  (w, date) => w.date(date),
  (r) => r.date(),
)
readsBack('fetchRequest()', fetchRequest, writeFetchRequest, (r) => r.fetchRequest())
readsBack('searchProgram()', searchProgram, writeSearchProgram, (r) => r.searchProgram())
readsBack('sortProgram()', sortProgram, writeSortProgram, (r) => r.sortProgram())
readsBack('threadRequest()', threadRequest, writeThreadRequest, (r) => r.threadRequest())
readsBack('esearchRequest()', esearchRequest, writeEsearchRequest, (r) => r.esearchRequest())
readsBack(
  'statusItems()',
  statusItems,
  (w, items) => w.text(formatStatusItems(items)),
  (r) => r.statusItems(),
)
readsBack('listRequest()', listRequest, writeListRequest, (r) => r.listRequest())
readsBack(
  'storeRequest()',
  storeRequest,
  (w, request) => w.text(formatStoreRequest(request)),
  (r) => r.storeRequest(),
)
readsBack('idParams()', idParams, writeIdParams, (r) => r.idParams())
readsBack(
  'SELECT',
  fc.tuple(mailbox, selectParams),
  (w, [target, params]) => w.mailbox(target).text(formatSelectParams(params)),
  (r) => [r.mailbox(), r.selectParams()],
)
readsBack(
  'CREATE',
  fc.tuple(mailbox, maybe(fc.array(fc.constantFrom('\\Sent', '\\Trash', '\\Junk'), { minLength: 1, maxLength: 2 }))),
  (w, [target, use]) => w.mailbox(target).text(use === undefined ? '' : ` (USE (${use.join(' ')}))`),
  (r) => [r.mailbox(), r.createUse()],
)
readsBack(
  'LOGIN',
  fc.tuple(unicode, unicode),
  (w, [user, password]) => w.utf8String(user).sp().utf8String(password),
  (r) => [r.utf8String(), r.sp().utf8String()],
)
readsBack(
  'COPY',
  fc.tuple(messageSet, mailbox),
  (w, [set, target]) => w.messageSet(set).sp().mailbox(target),
  (r) => [r.messageSet(), r.sp().mailbox()],
)
readsBack(
  'APPEND',
  fc.tuple(mailbox, fc.array(message, { minLength: 1, maxLength: 3 })),
  (w, [target, messages]) => {
    w.mailbox(target)
    for (const one of messages) writeAppendMessage(w, one)
  },
  (r) => {
    const target = r.mailbox()
    const messages = []
    for (let more = true; more; ) {
      const one = r.appendMessage()
      messages.push(one)
      more = r.appendMore(one)
    }
    return [target, messages]
  },
)
readsBack(
  'GETMETADATA',
  fc.record<MetadataRequest>(
    {
      mailbox: fc.oneof(mailbox, fc.constant('')),
      maxSize: maybe(nzNumber),
      depth: fc.constantFrom('0', '1', 'infinity'),
      entries: fc.array(metadataName, { minLength: 1, maxLength: 3 }),
    },
    { noNullPrototype: true },
  ),
  writeMetadataRequest,
  (r) => r.metadataRequest(),
)
readsBack(
  'SETMETADATA',
  fc.tuple(mailbox, metadataValues),
  (w, [target, values]) => writeMetadataValues(w.mailbox(target).sp(), values),
  (r) => [r.mailbox(), r.sp().metadataValues()],
)
readsBack(
  'SETQUOTA',
  fc.array(fc.record({ resource: name, limit: number64 }, { noNullPrototype: true })),
  (w, limits) => w.text(formatQuotaLimits(limits)),
  (r) => r.quotaLimits(),
)
readsBack(
  'AUTHENTICATE',
  maybe(bytes),
  (w, initial) => w.text(initial === undefined ? 'PLAIN' : `PLAIN ${formatBase64(initial) || '='}`),
  (r) => {
    r.keyword()
    const initial = r.initialResponse()
    return initial === undefined ? undefined : Buffer.from(initial)
  },
)

const plainEvent: Arbitrary<NotifyEvent> = fc.oneof(
  fc
    .constantFrom(...NOTIFY_EVENTS)
    .map((kind): NotifyEvent => (kind === 'MessageNew' ? { kind, items: [] } : { kind })),
  name.map((other): NotifyEvent => ({ kind: 'OTHER', name: other })),
)
const messageEvent: Arbitrary<NotifyEvent> = fc.oneof(
  fc.constantFrom('MessageExpunge' as const, 'FlagChange' as const).map((kind) => ({ kind })),
  fc.array(fetchItem, { maxLength: 3 }).map((items): NotifyEvent => ({ kind: 'MessageNew', items })),
)
const selectedGroup: Arbitrary<NotifyGroup> = record<NotifyGroup>({
  filter: fc.constantFrom('selected' as const, 'selected-delayed' as const).map((kind) => ({ kind })),
  events: fc.array(messageEvent, { maxLength: 3 }),
})
const otherGroup: Arbitrary<NotifyGroup> = record<NotifyGroup>({
  filter: fc.oneof(
    fc.constantFrom('inboxes' as const, 'personal' as const, 'subscribed' as const).map((kind) => ({ kind })),
    fc
      .tuple(
        fc.constantFrom('subtree' as const, 'mailboxes' as const),
        fc.array(mailbox, { minLength: 1, maxLength: 3 }),
      )
      .map(([kind, names]) => ({ kind, names })),
  ),
  events: fc.array(plainEvent, { maxLength: 3 }),
})

readsBack<NotifyRequest>(
  'notifyRequest()',
  fc.oneof(
    fc.constant<NotifyRequest>({ kind: 'NONE' }),
    fc
      .tuple(fc.boolean(), fc.array(otherGroup, { maxLength: 3 }), fc.array(selectedGroup, { maxLength: 1 }))
      .filter(([, others, selected]) => others.length + selected.length > 0)
      .map(([status, others, selected]): NotifyRequest => ({ kind: 'SET', status, groups: [...others, ...selected] })),
  ),
  writeNotifyRequest,
  (r) => r.notifyRequest(),
)
