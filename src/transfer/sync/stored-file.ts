/**
 * A file of a Maildir as the message that it is stored as: with CRLF where it has none, else as it is (design §7).
 * Large ones are read twice and never held.
 * @module
 */
import { type FileHandle, open } from 'node:fs/promises'
import { storedLineEnds } from '../source-message.ts'

const CR = 13
const LF = 10
/** Up to here a file is held. */
const SMALL_OCTETS = 256 * 1024
const PIECE_OCTETS = 64 * 1024

export interface StoredFile {
  /** As stored. */
  readonly size: number
  readonly mtimeMs: number
  /** As stored; from the beginning at each call. */
  bytes(): AsyncIterable<Uint8Array>
}

/** @returns `undefined`: there is no such file. */
export async function storedFile(file: string): Promise<StoredFile | undefined> {
  await using handle = await open(file, 'r').catch(ifGone)
  if (handle === undefined) return undefined
  const { size, mtimeMs } = await handle.stat()
  if (size <= SMALL_OCTETS) {
    const bytes = storedLineEnds(await handle.readFile())
    return { size: bytes.length, mtimeMs, bytes: () => once(bytes) }
  }
  const lines = await bareLines(handle)
  if (lines === undefined) return { size, mtimeMs, bytes: () => pieces(file) }
  return { size: size + lines, mtimeMs, bytes: () => widened(file) }
}

/** How many LF there are; `undefined`: one of them is a CRLF. */
async function bareLines(handle: FileHandle): Promise<number | undefined> {
  const piece = Buffer.allocUnsafe(PIECE_OCTETS)
  let lines = 0
  let last = 0
  for (let at = 0; ; ) {
    const { bytesRead } = await handle.read(piece, 0, piece.length, at)
    if (bytesRead === 0) return lines
    const read = piece.subarray(0, bytesRead)
    for (let lf = read.indexOf(LF); lf >= 0; lf = read.indexOf(LF, lf + 1)) {
      if ((lf === 0 ? last : read[lf - 1]) === CR) return undefined
      lines += 1
    }
    last = read[bytesRead - 1] ?? 0
    at += bytesRead
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes
}

async function* pieces(file: string): AsyncGenerator<Buffer, void, void> {
  await using handle = await open(file, 'r')
  for (;;) {
    // fresh memory: what was given may wait to be sent
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(PIECE_OCTETS), 0, PIECE_OCTETS)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

async function* widened(file: string): AsyncGenerator<Uint8Array, void, void> {
  for await (const piece of pieces(file)) {
    const out = Buffer.allocUnsafe(piece.length * 2)
    let to = 0
    let from = 0
    for (let lf = piece.indexOf(LF); lf >= 0; lf = piece.indexOf(LF, from)) {
      to += piece.copy(out, to, from, lf)
      out[to++] = CR
      out[to++] = LF
      from = lf + 1
    }
    to += piece.copy(out, to, from)
    yield out.subarray(0, to)
  }
}

function ifGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
