/** Reads a body that has been staged and not named yet. @module */
import { createReadStream } from 'node:fs'
import type { StagedBytes } from '#store/types.ts'

export async function* readStaged(bytes: StagedBytes): AsyncGenerator<Uint8Array, void, void> {
  if (bytes.kind === 'bytes') yield bytes.bytes
  else if (bytes.size > 0) {
    const { path, offset, size } = bytes
    yield* createReadStream(path, { start: offset, end: offset + size - 1 }) as AsyncIterable<Uint8Array>
  }
}
