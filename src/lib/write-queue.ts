import type { Duplex } from 'node:stream'

/** What the runtime keeps of a socket outside of JavaScript; of TLS, the octets on the wire are its parent's. */
interface Handle {
  readonly writeQueueSize?: number
  readonly _parent?: Handle
}

/**
 * What was written to a socket and not taken yet, to be compared: as long as it stays the same, the peer takes nothing.
 * A stream counts a write down when all of it is out, and one write may be many seconds' work for a slow peer; the
 * system's own count moves with every octet.
 */
export function queueOf(socket: Duplex): string {
  const handle = (socket as unknown as { readonly _handle?: Handle | null })._handle
  return `${socket.writableLength} ${handle?.writeQueueSize} ${handle?._parent?.writeQueueSize}`
}
