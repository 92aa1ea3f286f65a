/** Packed files of strangers: gzip and zip, with a limit to what comes out. @module */
import { gunzipSync, inflateRawSync } from 'node:zlib'

const LOCAL_HEADER = 0x04034b50
const CENTRAL_HEADER = 0x02014b50
const CENTRAL_END = 0x06054b50
const STORED = 0
const DEFLATED = 8

/**
 * The file itself, or the one file in it; `undefined`: it is damaged, holds more than one file, or too much comes out.
 * @param most Octets that may come out.
 */
export function unpack(bytes: Uint8Array, most: number): Uint8Array | undefined {
  const packed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  try {
    if (packed.length >= 2 && packed.readUInt16BE(0) === 0x1f8b) return gunzipSync(packed, { maxOutputLength: most })
    if (packed.length >= 4 && packed.readUInt32LE(0) === LOCAL_HEADER) return unzip(packed, most)
  } catch {
    return undefined
  }
  return packed.length > most ? undefined : packed
}

/** By the central directory, as sizes may be missing before the data (APPNOTE 4.3.7, 4.3.12, 4.3.16). */
function unzip(zip: Buffer, most: number): Uint8Array | undefined {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]))
  if (end < 0 || end + 22 > zip.length || zip.readUInt32LE(end) !== CENTRAL_END) return undefined
  if (zip.readUInt16LE(end + 10) !== 1) return undefined
  const central = zip.readUInt32LE(end + 16)
  if (zip.readUInt32LE(central) !== CENTRAL_HEADER) return undefined
  const encrypted = (zip.readUInt16LE(central + 8) & 1) !== 0
  const method = zip.readUInt16LE(central + 10)
  const size = zip.readUInt32LE(central + 20)
  const local = zip.readUInt32LE(central + 42)
  if (encrypted || zip.readUInt32LE(local) !== LOCAL_HEADER) return undefined
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
  if (start + size > zip.length) return undefined
  const data = zip.subarray(start, start + size)
  if (method === DEFLATED) return inflateRawSync(data, { maxOutputLength: most })
  return method === STORED && size <= most ? data : undefined
}
