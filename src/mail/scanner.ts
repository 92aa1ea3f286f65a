import type { ScannedMessage } from './scanned.ts'

/** Scans a message in one pass, in chunks cut anywhere; never throws on any bytes. */
export class MessageScanner {
  /** Takes the next bytes; they may be reused afterwards. */
  push(_chunk: Uint8Array): void {
    throw new Error('MessageScanner is not built yet')
  }
  /** Ends the message. The scanner is of no use afterwards. */
  end(): ScannedMessage {
    throw new Error('MessageScanner is not built yet')
  }
}

/** Scans a message that is in memory. */
export function scanMessage(bytes: Uint8Array): ScannedMessage {
  const scanner = new MessageScanner()
  scanner.push(bytes)
  return scanner.end()
}
