/**
 * Keeps memory flat while large bodies stream through a thread. Each chunk read from a socket or a file is a buffer
 * outside V8's heap; V8 collects dead ones only after twice its semi-space (32 MB), so one 25 MB message would grow the
 * process by 40 MB. A scavenge costs under a millisecond, so one is asked for after every few megabytes streamed.
 * @module
 */
import { scavenge } from './scavenge.ts'

/** Octets of streamed buffers after which dead ones are collected. */
const STREAMED_BYTES = 4 * 1024 * 1024

let streamed = 0

/** Tells that a chunk of a large body passed through; call it once for each. */
export function countStreamed(octets: number): void {
  streamed += octets
  if (streamed < STREAMED_BYTES) return
  streamed = 0
  scavenge()
}
