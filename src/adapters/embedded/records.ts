/**
 * Records of segments and of files in `big/`: a header of 24 octets, the payload, padding to a multiple of eight.
 *
 * ```
 *  0  magic "MLRC"        8  payload octets as stored    16  CRC-32 of the payload as stored
 *  4  version, kind,     12  octets when unpacked        20  CRC-32 of octets 0 to 19
 *     codec, 0
 * ```
 * A body is the bytes of a message without trace; an arrival says who received which body when, so that an index can be
 * rebuilt from segments alone. @module
 */
import zlib from 'node:zlib'

const MAGIC = 0x4d4c5243
const VERSION = 1

/** Octets of a record's header. */
export const RECORD_HEADER = 24

/** What a record holds. */
export const BODY = 1
export const ARRIVAL = 2
export type RecordKind = typeof BODY | typeof ARRIVAL

/** How its payload is stored; fits the low three bits of a position. */
export const RAW = 0
export const ZSTD = 1
export type Codec = typeof RAW | typeof ZSTD

/** What a record's header says. */
export interface RecordHeader {
  readonly kind: RecordKind
  readonly codec: Codec
  /** Octets of the payload on disk. */
  readonly stored: number
  /** Octets of the payload when unpacked. */
  readonly length: number
  readonly checksum: number
}

/** Octets that a payload takes on disk with header and padding. */
export function recordSize(stored: number): number {
  return Math.ceil((RECORD_HEADER + stored) / 8) * 8
}

/** Writes a header into 24 octets. */
export function formatRecordHeader(header: RecordHeader): Buffer {
  const bytes = Buffer.allocUnsafe(RECORD_HEADER)
  bytes.writeUInt32BE(MAGIC, 0)
  bytes[4] = VERSION
  bytes[5] = header.kind
  bytes[6] = header.codec
  bytes[7] = 0
  bytes.writeUInt32BE(header.stored, 8)
  bytes.writeUInt32BE(header.length, 12)
  bytes.writeUInt32BE(header.checksum, 16)
  bytes.writeUInt32BE(zlib.crc32(bytes.subarray(0, 20)), 20)
  return bytes
}

/** Reads a header; `undefined` when these octets are none. */
export function parseRecordHeader(bytes: Buffer, at = 0): RecordHeader | undefined {
  if (bytes.length < at + RECORD_HEADER || bytes.readUInt32BE(at) !== MAGIC || bytes[at + 4] !== VERSION)
    return undefined
  if (zlib.crc32(bytes.subarray(at, at + 20)) !== bytes.readUInt32BE(at + 20)) return undefined
  const kind = bytes[at + 5]
  const codec = bytes[at + 6]
  if ((kind !== BODY && kind !== ARRIVAL) || (codec !== RAW && codec !== ZSTD)) return undefined
  return {
    kind,
    codec,
    stored: bytes.readUInt32BE(at + 8),
    length: bytes.readUInt32BE(at + 12),
    checksum: bytes.readUInt32BE(at + 16),
  }
}

const PADDING = Buffer.alloc(8)

/** The buffers of a whole raw record, payload uncopied. */
export function rawRecord(kind: RecordKind, payload: Uint8Array): readonly Uint8Array[] {
  const { length } = payload
  const header = formatRecordHeader({ kind, codec: RAW, stored: length, length, checksum: zlib.crc32(payload) })
  const padding = recordSize(length) - RECORD_HEADER - length
  return padding === 0 ? [header, payload] : [header, payload, PADDING.subarray(0, padding)]
}

/** What an arrival says, besides the trace that follows it. */
export interface Arrival {
  readonly account: number
  /** Tells apart accounts that had the same id. */
  readonly slot: number
  readonly mailbox: number
  readonly mailboxName: string
  readonly uid: number
  readonly email: number
  /** Rowid of the email; absent where it follows from `slot` and `email`. */
  readonly row?: number
  readonly internalDate: number
  readonly internalZone: number
  readonly system: number
  readonly keywords: readonly string[]
  /** Place of the body; segment 0 is a file in `big/`. */
  readonly segment: number
  readonly position: number
  readonly length: number
  readonly uidl?: string
  /** Where in its segment the batch began that wrote it: the end of the segment as the index knew it then. */
  readonly batch?: number
}

/** Payload of an arrival: length of its JSON, the JSON, the trace. */
export function formatArrival(arrival: Arrival, trace: Uint8Array): Uint8Array {
  const json = Buffer.from(JSON.stringify(arrival))
  const bytes = Buffer.allocUnsafe(4 + json.length + trace.length)
  bytes.writeUInt32BE(json.length, 0)
  json.copy(bytes, 4)
  bytes.set(trace, 4 + json.length)
  return bytes
}

/** Reads the payload of an arrival whose checksum holds. */
export function parseArrival(payload: Buffer): { readonly arrival: Arrival; readonly trace: Buffer } {
  const length = payload.readUInt32BE(0)
  const arrival = JSON.parse(payload.toString('utf8', 4, 4 + length)) as Arrival
  return { arrival, trace: payload.subarray(4 + length) }
}

/** Octets of an unpacked frame. */
const FRAME = 65_536

/**
 * Packs a payload in frames of 64 KB: number of frames, end of each (from the start of the first), the frames.
 * @returns `undefined` when it is not worth it.
 */
export function packFrames(payload: Uint8Array, worth: number): Buffer | undefined {
  const frames: Buffer[] = []
  const count = Math.ceil(payload.length / FRAME)
  const table = Buffer.allocUnsafe(4 + 4 * count)
  table.writeUInt32BE(count, 0)
  let end = 0
  for (let index = 0; index < count; index += 1) {
    const frame = zlib.zstdCompressSync(payload.subarray(index * FRAME, (index + 1) * FRAME))
    frames.push(frame)
    end += frame.length
    table.writeUInt32BE(end, 4 + 4 * index)
  }
  return table.length + end < payload.length * worth ? Buffer.concat([table, ...frames]) : undefined
}

/** Octets `start` to `end` of what {@link packFrames} packed; only the frames needed are unpacked. Throws when damaged. */
export function unpackFrames(packed: Buffer, start: number, end: number): Buffer {
  const count = packed.readUInt32BE(0)
  const base = 4 + 4 * count
  const chunks: Buffer[] = []
  for (let index = Math.floor(start / FRAME); index * FRAME < end; index += 1) {
    const from = index === 0 ? 0 : packed.readUInt32BE(4 * index)
    const frame = zlib.zstdDecompressSync(packed.subarray(base + from, base + packed.readUInt32BE(4 + 4 * index)), {
      maxOutputLength: FRAME,
    })
    chunks.push(frame.subarray(Math.max(0, start - index * FRAME), end - index * FRAME))
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
}
