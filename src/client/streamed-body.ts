import type { Buffer } from 'node:buffer'

/** The bytes of a message as they come, whatever the protocol: who reads slowly holds the server up. */
export interface StreamedBody extends AsyncIterable<Uint8Array> {
  /** Whether all of it has come. */
  readonly complete: boolean
  /** What is left of it in one piece; only where that is bearable. */
  bytes(): Promise<Buffer>
}
