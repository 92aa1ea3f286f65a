/** What is signed of a message, read once from its beginning to its end. @module */
import { binaryOf } from '#mail/bytes.ts'
import { type HeaderField, headerFields } from '#mail/headers.ts'
import { MAX_FIELDS } from '#mail/limits.ts'
import { RelaxedBodyHash } from './relaxed-body.ts'

/** Octets of a header that is signed. What is longer is no mail of people, and goes out as it is. */
const MOST_HEADER = 262_144

/** A message as signatures see it. */
export interface SignedMessage {
  /** In their order; every octet of the header belongs to one. */
  readonly fields: readonly HeaderField[]
  /** The header as a binary string, which the offsets of fields are in. */
  readonly header: string
  /** `bh=` of the relaxed body. */
  readonly bodyHash: string
}

/** Why nothing is signed. */
export type Unsignable = 'header-too-long' | 'header-malformed'

/**
 * Reads a message. Its header is in memory, of its body one chunk at a time; what cannot be signed, or is not wanted by what
 * its fields say, is not read to its end.
 */
export async function readSigned(
  body: AsyncIterable<Uint8Array>,
  isWanted: (fields: readonly HeaderField[]) => boolean,
): Promise<SignedMessage | Unsignable | 'not-wanted'> {
  const hash = new RelaxedBodyHash()
  let beginning = Buffer.alloc(0)
  let head: Head | undefined
  for await (const chunk of body) {
    if (head !== undefined) {
      hash.update(chunk)
      continue
    }
    const from: number = beginning.length
    beginning = from === 0 ? Buffer.from(chunk) : Buffer.concat([beginning, chunk])
    const end = headerEnd(beginning, from)
    if ((end ?? beginning.length) > MOST_HEADER) return 'header-too-long'
    if (end === undefined) continue
    head = headOf(beginning.subarray(0, end))
    if (head === undefined) return 'header-malformed'
    if (!isWanted(head.fields)) return 'not-wanted'
    hash.update(beginning.subarray(end + 2))
  }
  // there may be no blank line, and no body
  head ??= headOf(beginning)
  if (head === undefined) return 'header-malformed'
  return isWanted(head.fields) ? { ...head, bodyHash: hash.digest() } : 'not-wanted'
}

type Head = Omit<SignedMessage, 'bodyHash'>

function headOf(bytes: Uint8Array): Head | undefined {
  const header = binaryOf(bytes)
  const fields = headerFields(header, MAX_FIELDS)
  return isWhole(header, fields) ? { header, fields } : undefined
}

/** A field in the form in which mailauth wants it. */
export interface HeaderRow {
  readonly key: string
  readonly casedKey: string
  /** Without its line end. */
  readonly line: Buffer
}

/** @param casedKey What `h=` calls it. */
export function headerRow(
  { header }: SignedMessage,
  { name, lowerName, start, end }: HeaderField,
  casedKey: string = name,
): HeaderRow {
  return { key: lowerName, casedKey, line: Buffer.from(header.slice(start, end - 2), 'latin1') }
}

/** Where the blank line begins. */
function headerEnd(bytes: Buffer, from: number): number | undefined {
  if (bytes[0] === 13 && bytes[1] === 10) return 0
  const blank = bytes.indexOf('\r\n\r\n', Math.max(0, from - 3), 'latin1')
  return blank === -1 ? undefined : blank + 2
}

/** Lines that belong to no field are read by everybody in another way: what is signed must not depend on that. */
function isWhole(header: string, fields: readonly HeaderField[]): boolean {
  let at = 0
  for (const { start, end } of fields) {
    if (start !== at) return false
    at = end
  }
  return at === header.length && (at === 0 || header.endsWith('\r\n')) && !/\r(?!\n)|(?<!\r)\n|\0/.test(header)
}
