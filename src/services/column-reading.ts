/** Reads columns of emails and puts them in their places. @module */
import type { Turns } from '#lib/turns.ts'
import { isReplyOrForward } from '#mail/base-subject.ts'
import { binaryOf } from '#mail/bytes.ts'
import { collationKey } from '#mail/collation.ts'
import { displayOf, type EnvelopeList, firstAddress } from '#mail/first-addresses.ts'
import { FieldChooser, firstValue, headerFields } from '#mail/headers.ts'
import type { Uid } from '#mail/ids.ts'
import { MAX_FIELDS } from '#mail/limits.ts'
import { normaliseMessageId, parseMessageIds } from '#mail/message-ids.ts'
import { type UidSet, uidSetOf } from '#mail/uid-set.ts'
import type { ColumnSlice, NumberColumn, TextColumn } from '#store/columns.ts'
import { type EmailRow, ENVELOPE, HEADER, LEAN } from '#store/types.ts'
import type { ColumnGround, PageColumns, Tables } from './email-columns.ts'

/** Numbers of texts that are compared as `mail/collation.ts` says. */
export type TextKind = 'subject' | 'from' | 'to' | 'cc' | 'display-from' | 'display-to'

/**
 * Besides what the store has as numbers: texts; whether the subject is that of a reply or a forward; the Message-ID; the
 * list of ids that the message answers.
 */
export type ColumnKind = NumberColumn | TextKind | 'answers' | 'message-id' | 'references'

export type Column = Float64Array | Uint32Array

/** Messages that are read. */
export interface Reading {
  /** Ascending. */
  readonly uids: Uint32Array
  readonly into: PageColumns
  readonly kinds: readonly ColumnKind[]
}

/** Octets of a header in which references are looked for. */
const HEADER_BYTES = 1024 * 1024

const NUMBER_COLUMNS: readonly NumberColumn[] = [
  'internalDate',
  'internalLocal',
  'savedAt',
  'sentAt',
  'sentDay',
  'size',
]
const NUMBERS: ReadonlySet<ColumnKind> = new Set<ColumnKind>(NUMBER_COLUMNS)
/** What the texts of the store are asked for. */
const TEXTS: ReadonlyMap<ColumnKind, readonly TextColumn[]> = new Map<ColumnKind, readonly TextColumn[]>([
  ['subject', ['baseSubject']],
  ['answers', ['baseSubject', 'subject']],
  ['message-id', ['messageId']],
])
const IN_ENVELOPE: ReadonlyMap<ColumnKind, readonly [EnvelopeList, 'mailbox' | 'display']> = new Map<
  ColumnKind,
  readonly [EnvelopeList, 'mailbox' | 'display']
>([
  ['from', ['from', 'mailbox']],
  ['to', ['to', 'mailbox']],
  ['cc', ['cc', 'mailbox']],
  ['display-from', ['from', 'display']],
  ['display-to', ['to', 'display']],
])

/** Whether its numbers are those of the store, not of a table. */
export function isNumber(kind: ColumnKind): kind is NumberColumn {
  return NUMBERS.has(kind)
}

/** A column for so many messages. */
export function emptyColumn(kind: ColumnKind, length: number): Column {
  return isNumber(kind) ? new Float64Array(length) : new Uint32Array(length)
}

/**
 * Reads columns; they are there when all of them are.
 * @param readings Ascending by their UIDs.
 * @throws the signal's reason once it is aborted.
 */
export async function readColumns(
  ground: ColumnGround,
  readings: readonly Reading[],
  tables: Tables,
  turns: Turns,
): Promise<void> {
  const kinds = [...new Set(readings.flatMap((reading) => reading.kinds))]
  const ofStore = kinds.filter((kind) => isNumber(kind) || TEXTS.has(kind))
  const ofEmails = kinds.filter((kind) => !isNumber(kind) && !TEXTS.has(kind))
  const uids = wantedOf(readings)
  if (ofStore.length > 0) await readFrom(storeSlices(ground, uids, ofStore, tables), ofStore, readings, ground, turns)
  if (ofEmails.length > 0)
    await readFrom(emailSlices(ground, uids, ofEmails, tables, turns), ofEmails, readings, ground, turns)
}

interface Slice {
  readonly uids: ArrayLike<number>
  /** In the order of the kinds that are read. */
  readonly columns: readonly ArrayLike<number>[]
}

/** Columns of one reading, by the kinds that are read; `undefined` where it has them. */
interface Filling {
  readonly reading: Reading
  readonly columns: readonly (Column | undefined)[]
  absent: Uint8Array | undefined
}

async function readFrom(
  slices: AsyncIterable<Slice>,
  kinds: readonly ColumnKind[],
  readings: readonly Reading[],
  { signal }: ColumnGround,
  turns: Turns,
): Promise<void> {
  const fillings = readings.map((reading): Filling => {
    const { length } = reading.uids
    const columns = kinds.map((kind) => (reading.kinds.includes(kind) ? emptyColumn(kind, length) : undefined))
    return { reading, columns, absent: undefined }
  })
  let index = 0
  let at = 0
  /** Goes on to the message of that UID or the next behind it; those before it are not there any more. */
  const goTo = (uid: number): Filling | undefined => {
    for (;;) {
      const filling = fillings[index]
      if (filling === undefined) return undefined
      const wanted = filling.reading.uids[at]
      if (wanted === undefined) {
        index += 1
        at = 0
      } else if (wanted < uid) {
        filling.absent ??= new Uint8Array(filling.reading.uids.length)
        filling.absent[at] = 1
        at += 1
      } else return filling
    }
  }
  for await (const { uids, columns: sources } of slices) {
    signal.throwIfAborted()
    for (let row = 0; row < uids.length; ) {
      const filling = goTo(uids[row] ?? 0)
      if (filling === undefined) break
      const wanted = filling.reading.uids
      let run = 0
      while (at + run < wanted.length && row + run < uids.length && wanted[at + run] === uids[row + run]) run += 1
      for (const [kind, column] of filling.columns.entries()) {
        const source = sources[kind]
        if (column === undefined || source === undefined) continue
        for (let one = 0; one < run; one += 1) column[at + one] = source[row + one] ?? 0
      }
      at += run
      row += Math.max(run, 1)
    }
    if (turns.overNow) await turns.share()
  }
  goTo(Number.POSITIVE_INFINITY)
  for (const { reading, columns, absent } of fillings) {
    for (const [at, kind] of kinds.entries()) {
      const column = columns[at]
      if (column !== undefined) reading.into.columns.set(kind, column)
    }
    const before = reading.into.absent
    if (absent !== undefined)
      reading.into.absent = before === undefined ? absent : absent.map((mark, place) => mark | (before[place] ?? 0))
  }
}

async function* storeSlices(
  { store, account, mailbox }: ColumnGround,
  uids: UidSet,
  kinds: readonly ColumnKind[],
  tables: Tables,
): AsyncGenerator<Slice, void, void> {
  const numbers = kinds.filter(isNumber)
  const texts = [...new Set(kinds.flatMap((kind) => TEXTS.get(kind) ?? []))]
  for await (const slice of store.columns(account, mailbox, uids, numbers, texts)) {
    const columns = kinds.map((kind) =>
      isNumber(kind) ? (slice.numbers[numbers.indexOf(kind)] ?? []) : textNumbers(slice, texts, kind, tables),
    )
    yield { uids: slice.uids, columns }
  }
}

function textNumbers(
  slice: ColumnSlice,
  texts: readonly TextColumn[],
  kind: ColumnKind,
  tables: Tables,
): ArrayLike<number> {
  const of = (name: TextColumn): readonly (string | null)[] => slice.texts[texts.indexOf(name)] ?? []
  if (kind === 'subject') {
    const table = tables.of('subject')
    return of('baseSubject').map((text) => table.numberOf(collationKey(text ?? '')))
  }
  if (kind === 'answers') {
    const bases = of('baseSubject')
    return of('subject').map((text, at) => (text === null || text === bases[at] || !isReplyOrForward(text) ? 0 : 1))
  }
  const table = tables.of('message-id')
  return of('messageId').map((id) => (id === null ? 0 : table.numberOf(normaliseMessageId(id))))
}

async function* emailSlices(
  ground: ColumnGround,
  uids: UidSet,
  kinds: readonly ColumnKind[],
  tables: Tables,
  turns: Turns,
): AsyncGenerator<Slice, void, void> {
  const { store, account, mailbox } = ground
  const references = kinds.includes('references')
  const fields = LEAN | (references ? HEADER : 0) | (kinds.some((kind) => IN_ENVELOPE.has(kind)) ? ENVELOPE : 0)
  for await (const rows of store.emails(account, mailbox, uids, fields)) {
    const columns: number[][] = kinds.map(() => [])
    for (const row of rows) {
      for (const [at, kind] of kinds.entries())
        columns[at]?.push(
          kind === 'references' ? await referencesOf(ground, row, tables) : addressOf(row, kind, tables),
        )
      if (turns.over) await turns.share()
    }
    yield { uids: rows.map(({ uid }) => uid), columns }
  }
}

function addressOf({ envelope }: EmailRow, kind: ColumnKind, tables: Tables): number {
  const place = IN_ENVELOPE.get(kind)
  const first = envelope === undefined || place === undefined ? undefined : firstAddress(envelope, place[0])
  if (first === undefined) return 0
  const text = place?.[1] === 'display' ? displayOf(first) : (first.mailbox ?? '')
  return tables.of(kind).numberOf(collationKey(text))
}

const inReferences = new FieldChooser(['references'], false)
const inReplyTo = new FieldChooser(['in-reply-to'], false)

/** References where it has a valid id, else the first of In-Reply-To (RFC 5256 §3 REFERENCES, step 1). */
function referencesOf(ground: ColumnGround, row: EmailRow, tables: Tables): number | Promise<number> {
  const { header = NO_BYTES, fields = NO_BYTES, headerSize = 0 } = row
  if (header.length < headerSize) return longReferences(ground, row.uid, tables)
  const references = parseMessageIds(valueIn(header, fields, inReferences, 'references'))
  const ids =
    references.length > 0 ? references : parseMessageIds(valueIn(header, fields, inReplyTo, 'in-reply-to')).slice(0, 1)
  return listOf(ids, tables)
}

/** What is kept ready is not the whole header. */
async function longReferences({ store, account, mailbox }: ColumnGround, uid: Uid, tables: Tables): Promise<number> {
  for await (const [row] of store.emails(account, mailbox, [[uid, uid]], HEADER)) {
    if (row === undefined) break
    const header = await store.body(account, row.place).read(0, Math.min(row.headerSize ?? 0, HEADER_BYTES))
    const block = headerFields(binaryOf(header), MAX_FIELDS)
    const references = parseMessageIds(firstValue(block, 'references') ?? '')
    if (references.length > 0) return listOf(references, tables)
    return listOf(parseMessageIds(firstValue(block, 'in-reply-to') ?? '').slice(0, 1), tables)
  }
  return 0
}

function listOf(ids: readonly string[], tables: Tables): number {
  const table = tables.of('message-id')
  return tables.addList(ids.map((id) => table.numberOf(normaliseMessageId(id))))
}

const NO_BYTES = new Uint8Array()

/** Value of the first field of that name. */
function valueIn(header: Uint8Array, fields: Uint8Array, chooser: FieldChooser, name: string): string {
  chooser.choose(header, fields)
  const text = chooser.runs === 0 ? '' : binaryOf(header.subarray(chooser.start(0), chooser.end(0)))
  return text.length <= 2 ? '' : (firstValue(headerFields(text, 1), name) ?? '')
}

/** Messages that are read together although others stand between them: so many times as many. */
const SPREAD = 4

/** The UIDs to read, in few ranges: there may be others between them. */
function wantedOf(readings: readonly Reading[]): UidSet {
  const ranges: [Uid, Uid][] = []
  for (const { uids } of readings) {
    const [first, last] = [uids[0] as Uid | undefined, uids.at(-1) as Uid | undefined]
    if (first === undefined || last === undefined) continue
    const before = ranges.at(-1)
    if (before !== undefined && first - before[1] <= uids.length) before[1] = last
    else if (last - first < SPREAD * uids.length) ranges.push([first, last])
    else for (const [from, to] of uidSetOf(uids)) ranges.push([from, to])
  }
  return ranges
}
