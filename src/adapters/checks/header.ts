/** The header of a message before it is given to the verifiers, which have no limits of their own. @module */
import { type FileHandle, open } from 'node:fs/promises'
import type { StagedBytes } from '#store/types.ts'
import { MAX_BLANKS, MAX_FROM_BYTES, MAX_HEADER_BYTES, MAX_HEADER_LINES, MAX_SIGNATURES } from './limits.ts'

const CHUNK = 262_144

/** A message whose header has been looked at. */
export interface OpenMessage {
  /** All of it, as often as it is asked for. */
  octets(): AsyncIterable<Uint8Array>
  /** The same without the signatures that are too many. */
  verifiable(): AsyncIterable<Uint8Array>
  readonly size: number
}

/** @returns `undefined`: the header is too long for anything to be made of it. */
export async function openMessage(body: StagedBytes): Promise<OpenMessage | undefined> {
  if (body.kind === 'bytes') {
    const bytes = Buffer.from(body.bytes.buffer, body.bytes.byteOffset, body.bytes.length)
    const header = limited(bytes)
    if (header === undefined) return undefined
    const all = { octets: Buffer.alloc(0), replaces: 0 }
    return { octets: () => pieces(all, bytes), verifiable: () => pieces(header, bytes), size: bytes.length }
  }
  const { size } = body
  const beginning = Buffer.allocUnsafe(Math.min(size, MAX_HEADER_BYTES + 4))
  await using file = await open(body.path, 'r')
  await readFully(file, beginning, body.offset)
  const header = limited(beginning)
  if (header === undefined) return undefined
  return { octets: () => fromFile(body, 0), verifiable: () => fromFileWith(header, body), size }
}

type FilePart = Extract<StagedBytes, { readonly kind: 'file' }>

/** What stands in place of the first octets. */
interface Header {
  readonly octets: Buffer
  /** Octets of the original that it replaces. */
  readonly replaces: number
}

/** mailauth's time grows with their square. */
const BLANKS = new RegExp(`[ \\t\\r\\n]{${MAX_BLANKS}}`)
// as mailauth reads names: also folded before the colon, where no field has one (RFC 5322 §4.5.8)
const FROM = /^from(?:[ \t]|\r\n[ \t])*:.*(?:\r\n[ \t].*)*/gim
const SIGNATURE = /^dkim-signature(?:[ \t]|\r\n[ \t])*:.*(?:\r\n[ \t].*)*(?:\r\n|$)/gim

/** The header with no more signatures than are verified; `undefined`: too long. */
function limited(bytes: Buffer): Header | undefined {
  const end = bytes.subarray(0, 2).toString('latin1') === '\r\n' ? 0 : bytes.indexOf('\r\n\r\n')
  const replaces = end < 0 ? bytes.length : end
  if (replaces > MAX_HEADER_BYTES) return undefined
  const text = bytes.toString('latin1', 0, replaces)
  let lines = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1
  if (lines > MAX_HEADER_LINES) return undefined
  if (Array.from(text.matchAll(FROM), ([field]) => field.length).some((length) => length > MAX_FROM_BYTES))
    return undefined
  if (BLANKS.test(text)) return undefined
  let signatures = 0
  const kept = text.replace(SIGNATURE, (field) => {
    signatures += 1
    return signatures > MAX_SIGNATURES ? '' : field
  })
  return { octets: signatures > MAX_SIGNATURES ? Buffer.from(kept, 'latin1') : bytes.subarray(0, replaces), replaces }
}

async function* pieces({ octets, replaces }: Header, bytes: Buffer): AsyncGenerator<Uint8Array, void, void> {
  if (octets.length > 0) yield octets
  for (let at = replaces; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK)
}

async function* fromFileWith(header: Header, body: FilePart): AsyncGenerator<Uint8Array, void, void> {
  yield header.octets
  yield* fromFile(body, header.replaces)
}

async function* fromFile({ path, offset, size }: FilePart, from: number): AsyncGenerator<Uint8Array, void, void> {
  await using file = await open(path, 'r')
  for (let at = from; at < size; at += CHUNK) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, size - at))
    await readFully(file, chunk, offset + at)
    yield chunk
  }
}

async function readFully(file: FileHandle, into: Buffer, position: number): Promise<void> {
  for (let at = 0; at < into.length; ) {
    const { bytesRead } = await file.read(into, at, into.length - at, position + at)
    if (bytesRead === 0) throw new Error('A staged body ends before its size')
    at += bytesRead
  }
}
