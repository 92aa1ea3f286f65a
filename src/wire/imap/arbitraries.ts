/** Values for the property tests of this folder. @module */
import fc, { type Arbitrary } from 'fast-check'
import type { BodyStructure, Parameters } from '#mail/body-structure.ts'
import type { Envelope, EnvelopeAddress } from '#mail/envelope.ts'
import type { Modseq, Uid } from '#mail/ids.ts'
import { normaliseUidSet, type UidSet } from '#mail/uid-set.ts'
import type { CalendarDate, DateTime } from './date-time.ts'
import type { Section } from './fetch-items.ts'
import type { MessageSet, SetNumber } from './message-set.ts'
import type { MetadataValue } from './metadata.ts'
import type { PartialRange } from './partial-range.ts'
import type { ThreadList } from './thread-list.ts'

const record = <T>(model: { [K in keyof T]: Arbitrary<T[K]> }): Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true })

/** One of these chars. */
export function charOf(chars: string): Arbitrary<string> {
  return fc.constantFrom(...chars.split(''))
}

/** A value or `undefined`. */
export function maybe<T>(value: Arbitrary<T>): Arbitrary<T | undefined> {
  return fc.option(value, { nil: undefined })
}

export const nzNumber: Arbitrary<number> = fc.oneof(
  fc.integer({ min: 1, max: 20 }),
  fc.integer({ min: 1, max: 4_294_967_295 }),
)
export const uid: Arbitrary<Uid> = nzNumber.map((number) => number as Uid)
export const number64: Arbitrary<number> = fc.oneof(fc.nat(20), fc.maxSafeNat())
export const modseq: Arbitrary<Modseq> = number64.map((number) => Math.max(1, number) as Modseq)

/** Any bytes without NUL, one char each. */
export const binary: Arbitrary<string> = fc.oneof(
  fc.string({ unit: charOf('ab "\\(){}%*]\r\n\xe9\x7f~'), maxLength: 12 }),
  fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 8 }),
  fc.constantFrom('NIL', 'nil', '', 'a'.repeat(1500)),
)

/** Any Unicode without NUL. */
export const unicode: Arbitrary<string> = fc
  .string({ unit: 'binary', maxLength: 8 })
  .filter((text) => text.isWellFormed() && !text.includes('\0'))

export const atom: Arbitrary<string> = fc.string({
  unit: charOf("!#$&'+,-./09:;<=>?@AZ[^_`az|}~"),
  minLength: 1,
  maxLength: 6,
})

/** Names that are upper case on both sides. */
export const name: Arbitrary<string> = fc
  .string({ unit: charOf('ABXZ-9'), minLength: 1, maxLength: 6 })
  .map((text) => `X${text}`)

const flag: Arbitrary<string> = fc.oneof(
  fc.constantFrom('\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft', '$Forwarded', '$MDNSent', 'NonJunk'),
  atom,
  atom.map((text) => `\\x${text}`),
)
export const flags: Arbitrary<readonly string[]> = fc.array(flag, { maxLength: 5 })

export const mailbox: Arbitrary<string> = fc.oneof(
  fc.constantFrom('INBOX', 'INBOX/Sent', 'R&D', 'Envoyés à moi', '日本語', '', 'NIL', '"', '\\', 'a*b%c', '{3}', '😀'),
  unicode.filter((text) => !/[\r\n]|^inbox$/i.test(text)),
)

export const calendarDate: Arbitrary<CalendarDate> = record<CalendarDate>({
  year: fc.integer({ min: 0, max: 9999 }),
  month: fc.integer({ min: 1, max: 12 }),
  day: fc.integer({ min: 1, max: 28 }),
})

export const dateTime: Arbitrary<DateTime> = record<DateTime>({
  time: fc.integer({ min: -60_000_000_000, max: 250_000_000_000 }).map((seconds) => seconds * 1000),
  zone: fc.integer({ min: -1439, max: 1439 }),
})

const setNumber: Arbitrary<SetNumber> = fc.oneof(nzNumber, fc.constant('*' as const))

export const messageSet: Arbitrary<MessageSet> = fc.oneof(
  fc.constant('$' as const),
  fc.array(
    fc.oneof(
      fc.tuple(setNumber, setNumber),
      setNumber.map((one) => [one, one] as const),
    ),
    {
      minLength: 1,
      maxLength: 5,
    },
  ),
)

/** Ranges in any order. */
export const orderedUids: Arbitrary<UidSet> = fc.array(
  fc.tuple(uid, uid).map(([a, b]): readonly [Uid, Uid] => (a < b ? [a, b] : [b, a])),
  { minLength: 1, maxLength: 5 },
)
export const uidSet: Arbitrary<UidSet> = orderedUids.map(normaliseUidSet)

export const partialRange: Arbitrary<PartialRange> = record<PartialRange>({
  first: nzNumber,
  last: nzNumber,
  fromEnd: fc.boolean(),
})

const { thread } = fc.letrec<{ thread: ThreadList }>((tie) => ({
  thread: fc.oneof(
    { maxDepth: 3 },
    fc.array(nzNumber, { minLength: 1, maxLength: 4 }).map((numbers): ThreadList => ({ numbers, branches: [] })),
    fc
      .tuple(fc.array(nzNumber, { maxLength: 2 }), fc.array(tie('thread'), { minLength: 2, maxLength: 3 }))
      .map(([numbers, branches]): ThreadList => ({ numbers, branches })),
  ),
}))
export const threads: Arbitrary<readonly ThreadList[]> = fc.array(thread, { maxLength: 4 })

export const part: Arbitrary<readonly number[]> = fc.array(nzNumber, { maxLength: 4 })

export const section: Arbitrary<Section> = part.chain((numbers) =>
  fc.oneof(
    fc
      .constantFrom(undefined, 'HEADER' as const, 'TEXT' as const, ...(numbers.length > 0 ? (['MIME'] as const) : []))
      .map((text) => ({
        part: numbers,
        text,
        fields: [],
      })),
    fc
      .tuple(
        fc.constantFrom('HEADER.FIELDS' as const, 'HEADER.FIELDS.NOT' as const),
        fc.array(fc.oneof(atom, binary), { minLength: 1, maxLength: 3 }),
      )
      .map(([text, fields]) => ({ part: numbers, text, fields })),
  ),
)

export const bytes: Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array))

const address: Arbitrary<EnvelopeAddress> = record<EnvelopeAddress>({
  name: maybe(binary),
  route: maybe(binary),
  mailbox: maybe(binary),
  host: maybe(binary),
})
const addresses = maybe(fc.array(address, { minLength: 1, maxLength: 2 }))

export const envelope: Arbitrary<Envelope> = record<Envelope>({
  date: maybe(binary),
  subject: maybe(binary),
  from: addresses,
  sender: addresses,
  replyTo: addresses,
  to: addresses,
  cc: addresses,
  bcc: addresses,
  inReplyTo: maybe(binary),
  messageId: maybe(binary),
})

const parameters: Arbitrary<Parameters> = fc.array(fc.tuple(binary, binary), { maxLength: 2 })
const disposition = maybe(fc.record({ type: binary, parameters }, { noNullPrototype: true }))
const language = maybe(fc.array(binary, { minLength: 1, maxLength: 2 }))

/** With extension fields (BODYSTRUCTURE), or with all of them empty as BODY has them. */
export function bodyStructure(extended: boolean): Arbitrary<BodyStructure> {
  const none = fc.constant(undefined)
  const extension = {
    disposition: extended ? disposition : none,
    language: extended ? language : none,
    location: extended ? maybe(binary) : none,
  }
  const basics = {
    subtype: binary,
    parameters,
    id: maybe(binary),
    description: maybe(binary),
    encoding: binary,
    size: number64,
    md5: extended ? maybe(binary) : none,
    ...extension,
  }
  const { body } = fc.letrec<{ body: BodyStructure }>((tie) => ({
    body: fc.oneof(
      { maxDepth: 3 },
      fc.record(
        {
          kind: fc.constant('text' as const),
          type: fc.constantFrom('text', 'TEXT'),
          lines: number64,
          envelope: none,
          body: none,
          ...basics,
        },
        { noNullPrototype: true },
      ),
      fc.record(
        {
          kind: fc.constant('basic' as const),
          type: fc.constantFrom('image', 'APPLICATION', 'message', ''),
          lines: none,
          envelope: none,
          body: none,
          ...basics,
        },
        { noNullPrototype: true },
      ),
      fc.record(
        {
          kind: fc.constant('message' as const),
          type: fc.constant('MESSAGE'),
          lines: number64,
          envelope,
          body: tie('body'),
          ...basics,
        },
        { noNullPrototype: true },
      ),
      fc.record(
        {
          kind: fc.constant('multipart' as const),
          subtype: binary,
          parts: fc.array(tie('body'), { minLength: 1, maxLength: 3 }),
          parameters: extended ? parameters : fc.constant([]),
          ...extension,
        },
        { noNullPrototype: true },
      ),
    ),
  }))
  return body
}

/** Names of annotations. */
export const metadataName: Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('/private', '/shared'),
    fc.array(fc.string({ unit: charOf('ab -."\\()'), minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
  )
  .map(([scope, parts]) => [scope, ...parts].join('/'))

/** Annotations with their values, NUL among their octets too. */
export const metadataValues: Arbitrary<readonly MetadataValue[]> = fc.array(
  record<MetadataValue>({
    name: metadataName,
    value: maybe(
      fc.oneof(
        binary,
        binary.map((text) => `${text}\0`),
      ),
    ),
  }),
  { minLength: 1, maxLength: 3 },
)
