import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc, { type Arbitrary } from 'fast-check'
import {
  atom,
  binary,
  bodyStructure,
  bytes,
  charOf,
  dateTime,
  envelope,
  flags,
  mailbox,
  maybe,
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
  threads,
  uid,
  unicode,
} from './arbitraries.ts'
import type { ExtensionValue } from './extension-value.ts'
import type { FetchValue } from './fetch-values.ts'
import { ResponseFramer } from './framer.ts'
import type { ResponseCode } from './response-codes.ts'
import { formatResponse } from './response-format.ts'
import { parseResponse } from './response-reader.ts'
import type { Namespace, Response, StatusValues } from './responses.ts'

/** Frames and reads one response from its bytes. */
function parsed(bytesOfOne: Uint8Array, utf8: boolean): Response {
  const framer = new ResponseFramer()
  framer.push(bytesOfOne)
  const event = framer.next()
  assert.equal(event?.kind, 'frame')
  assert.equal(framer.next(), undefined)
  return parseResponse(event.frame, { utf8 })
}

function readsBack<T extends Response>(subject: string, value: Arbitrary<T>): void {
  test(`${subject} reads back what was written`, () => {
    fc.assert(
      fc.property(value, fc.boolean(), (response, utf8) => {
        assert.deepEqual(parsed(formatResponse(response, utf8), utf8), response)
      }),
      { numRuns: 150 },
    )
  })
}

/** The response that some parts make: `kind` and what varies. */
function response<K extends Response['kind'], T extends Record<string, unknown>>(
  kind: K,
  model: { [P in keyof T]: Arbitrary<T[P]> },
): Arbitrary<{ kind: K } & T> {
  return fc.record({ ...model }, { noNullPrototype: true }).map((some) => ({ kind, ...(some as T) }))
}

const line = unicode.map((text) => text.replace(/[\r\n[]/g, '.'))
const names = fc.array(name, { maxLength: 4 })
const { value: extensionValue } = fc.letrec<{ value: ExtensionValue }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, binary, fc.constant(undefined), fc.array(tie('value'), { maxLength: 3 })),
}))
const others = fc.array(fc.tuple(name, extensionValue), { maxLength: 2 })

const code: Arbitrary<ResponseCode> = fc.oneof(
  fc.constantFrom<ResponseCode>(
    ...(
      ['ALERT', 'CLOSED', 'NOMODSEQ', 'OVERQUOTA', 'READ-WRITE', 'TOOFEW', 'UIDREQUIRED', 'UNKNOWN-CTE'] as const
    ).map((kind) => ({ kind })),
  ),
  fc.array(atom).map((charsets): ResponseCode => ({ kind: 'BADCHARSET', charsets })),
  fc.array(atom, { minLength: 1 }).map((events): ResponseCode => ({ kind: 'BADEVENT', events })),
  names.map((list): ResponseCode => ({ kind: 'CAPABILITY', names: list })),
  nzNumber.map((octets): ResponseCode => ({ kind: 'METADATA', what: 'LONGENTRIES', octets })),
  fc.constantFrom<ResponseCode>({ kind: 'METADATA', what: 'TOOMANY' }, { kind: 'METADATA', what: 'NOPRIVATE' }),
  flags.map((list): ResponseCode => ({ kind: 'PERMANENTFLAGS', flags: [...list, '\\*'] })),
  fc
    .tuple(fc.constantFrom('UIDNEXT', 'UIDVALIDITY', 'UNSEEN'), nzNumber)
    .map(([kind, value]): ResponseCode => ({ kind, value })),
  modseq.map((value): ResponseCode => ({ kind: 'HIGHESTMODSEQ', modseq: value })),
  fc
    .tuple(nzNumber, orderedUids)
    .map(([uidValidity, uids]): ResponseCode => ({ kind: 'APPENDUID', uidValidity, uids })),
  fc
    .tuple(nzNumber, orderedUids, orderedUids)
    .map(([uidValidity, from, to]): ResponseCode => ({ kind: 'COPYUID', uidValidity, from, to })),
  orderedUids.map((set): ResponseCode => ({ kind: 'MODIFIED', set })),
  name.map((id): ResponseCode => ({ kind: 'MAILBOXID', id })),
  fc.tuple(nzNumber, maybe(uid)).map(([limit, last]): ResponseCode => ({ kind: 'MESSAGELIMIT', limit, last })),
  maybe(
    fc.tuple(maybe(atom), maybe(nzNumber), maybe(nzNumber)).map(([tag, done, goal]) => ({
      tag: tag?.includes(']') === true ? undefined : tag,
      done,
      goal: done === undefined ? undefined : goal,
    })),
  ).map((state): ResponseCode => ({ kind: 'INPROGRESS', state })),
  fc
    .tuple(name, maybe(fc.string({ unit: charOf('ab ("['), minLength: 1 })))
    .map(([other, text]): ResponseCode => ({ kind: 'OTHER', name: other, text })),
)

const fetched = maybe(bytes)
const fetchValue: Arbitrary<FetchValue> = fc.oneof(
  bodyStructure(true).map((body): FetchValue => ({ kind: 'BODYSTRUCTURE', body })),
  bodyStructure(false).map((body): FetchValue => ({ kind: 'BODY', body })),
  fc
    .tuple(section, maybe(number64), fetched)
    .map(([where, origin, data]): FetchValue => ({ kind: 'BODY[]', section: where, origin, bytes: data })),
  fc
    .tuple(part, maybe(number64), fetched)
    .map(([numbers, origin, data]): FetchValue => ({ kind: 'BINARY[]', part: numbers, origin, bytes: data })),
  fc.tuple(part, number64).map(([numbers, size]): FetchValue => ({ kind: 'BINARY.SIZE[]', part: numbers, size })),
  name.map((id): FetchValue => ({ kind: 'EMAILID', id })),
  maybe(name).map((id): FetchValue => ({ kind: 'THREADID', id })),
  envelope.map((value): FetchValue => ({ kind: 'ENVELOPE', envelope: value })),
  flags.map((list): FetchValue => ({ kind: 'FLAGS', flags: list })),
  dateTime.map((date): FetchValue => ({ kind: 'INTERNALDATE', date })),
  maybe(dateTime).map((date): FetchValue => ({ kind: 'SAVEDATE', date })),
  modseq.map((value): FetchValue => ({ kind: 'MODSEQ', modseq: value })),
  maybe(unicode).map((text): FetchValue => ({ kind: 'PREVIEW', text })),
  fc
    .tuple(fc.constantFrom('RFC822', 'RFC822.HEADER', 'RFC822.TEXT'), fetched)
    .map(([kind, data]): FetchValue => ({ kind, bytes: data })),
  number64.map((size): FetchValue => ({ kind: 'RFC822.SIZE', size })),
  uid.map((value): FetchValue => ({ kind: 'UID', uid: value })),
  fc.tuple(name, extensionValue).map(([other, value]): FetchValue => ({ kind: 'OTHER', name: other, value })),
)

const statusValues = fc.record(
  {
    APPENDLIMIT: fc.option(number64),
    DELETED: nzNumber,
    'DELETED-STORAGE': number64,
    HIGHESTMODSEQ: number64,
    MAILBOXID: name,
    MESSAGES: nzNumber,
    RECENT: nzNumber,
    SIZE: number64,
    UIDNEXT: nzNumber,
    UIDVALIDITY: nzNumber,
    UNSEEN: nzNumber,
  },
  { requiredKeys: [], noNullPrototype: true },
) satisfies Arbitrary<StatusValues>

const delimiter = fc.constantFrom('/', '.', '\\', '"', undefined)
const namespaces = maybe(
  fc.array(
    fc.record(
      {
        prefix: mailbox,
        delimiter,
        extensions: fc.array(fc.tuple(binary, fc.array(binary, { minLength: 1, maxLength: 2 })), { maxLength: 1 }),
      },
      { noNullPrototype: true },
    ) satisfies Arbitrary<Namespace>,
    { minLength: 1, maxLength: 2 },
  ),
)

readsBack(
  'a condition',
  response('CONDITION', {
    tag: fc.constantFrom(undefined, 'a1'),
    condition: fc.constantFrom('OK' as const, 'NO' as const, 'BAD' as const),
    code: maybe(code),
    text: line,
  }),
)
readsBack('a continuation', response('CONTINUATION', { text: line }))
readsBack('CAPABILITY', response('CAPABILITY', { names }))
readsBack('ENABLED', response('ENABLED', { names }))
readsBack(
  'LIST',
  response('LIST', {
    attributes: fc.array(fc.constantFrom('\\HasChildren', '\\Noselect', '\\Sent', '\\XNew')),
    delimiter,
    mailbox,
    wireName: fc.constant(undefined),
    childInfo: maybe(fc.array(name, { minLength: 1 })),
    oldName: maybe(mailbox),
    others,
  }),
)
readsBack('STATUS', response('STATUS', { mailbox, values: statusValues }))
readsBack('SEARCH', response('SEARCH', { numbers: fc.array(nzNumber), modseq: maybe(modseq) }))
readsBack('SORT', response('SORT', { numbers: fc.array(nzNumber), modseq: maybe(modseq) }))
readsBack('THREAD', response('THREAD', { threads }))
readsBack(
  'ESEARCH',
  response('ESEARCH', {
    tag: maybe(atom),
    mailbox: maybe(mailbox),
    uidValidity: maybe(nzNumber),
    uid: fc.boolean(),
    min: maybe(nzNumber),
    max: maybe(nzNumber),
    all: maybe(orderedUids),
    count: maybe(nzNumber),
    modseq: maybe(modseq),
    partial: maybe(fc.record({ range: partialRange, results: maybe(orderedUids) }, { noNullPrototype: true })),
    relevancy: maybe(fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 3 })),
    others,
  }),
)
readsBack('FLAGS', response('FLAGS', { flags }))
readsBack('EXISTS', response('EXISTS', { number: nzNumber }))
readsBack('EXPUNGE', response('EXPUNGE', { number: nzNumber }))
readsBack('VANISHED', response('VANISHED', { earlier: fc.boolean(), uids: orderedUids }))
readsBack('UIDFETCH', response('UIDFETCH', { uid, values: fc.array(fetchValue, { maxLength: 4 }) }))
readsBack('UIDBATCHES', response('UIDBATCHES', { tag: maybe(atom), batches: fc.oneof(fc.constant([]), orderedUids) }))
readsBack('LANGUAGE', response('LANGUAGE', { tags: fc.array(name, { minLength: 1, maxLength: 3 }) }))
readsBack('FETCH', response('FETCH', { number: nzNumber, values: fc.array(fetchValue, { maxLength: 4 }) }))
readsBack(
  'ID',
  response('ID', {
    params: maybe(
      fc
        .array(
          fc.tuple(
            name.map((text) => text.toLowerCase()),
            maybe(binary),
          ),
        )
        .map((pairs) => new Map(pairs)),
    ),
  }),
)
readsBack('NAMESPACE', response('NAMESPACE', { personal: namespaces, others: namespaces, shared: namespaces }))
readsBack(
  'QUOTA',
  response('QUOTA', {
    root: unicode,
    resources: fc.array(fc.record({ resource: name, usage: number64, limit: number64 }, { noNullPrototype: true })),
  }),
)
readsBack('QUOTAROOT', response('QUOTAROOT', { mailbox, roots: fc.array(unicode) }))
readsBack(
  'METADATA',
  response('METADATA', {
    mailbox: fc.oneof(mailbox, fc.constant('')),
    content: fc.oneof(
      metadataValues.map((values) => ({ kind: 'values', values }) as const),
      fc.array(metadataName, { minLength: 1, maxLength: 3 }).map((names) => ({ kind: 'names', names }) as const),
    ),
  }),
)
readsBack('ACL', response('ACL', { mailbox, entries: fc.array(fc.tuple(unicode, binary), { maxLength: 3 }) }))
readsBack(
  'LISTRIGHTS',
  response('LISTRIGHTS', {
    mailbox,
    identifier: unicode,
    required: binary,
    optional: fc.array(binary, { maxLength: 3 }),
  }),
)
readsBack('MYRIGHTS', response('MYRIGHTS', { mailbox, rights: binary }))
