/** The engine's reader of commands and messages, quicker where a message is as messages are. @module */
import { SMTPStream } from './engine.ts'

const DOT = 0x2e
/** What a dot means is looked at only where it begins a line. */
const DOTTED_LINE = Buffer.from('\n.')
const END = Buffer.from('\r\n.\r\n')
/** Octets of a chunk that are left to the engine, which holds back the last four until it knows what follows. */
const TAIL = 8
const NOTHING = Buffer.alloc(0)

/**
 * See the module. The end of a message is looked for natively as long as no other line of it begins with a dot (RFC 5321
 * §4.5.2); anything else goes through the engine's own loop, octet by octet.
 */
export class DataReader extends SMTPStream {
  override _feedDataStream(chunk: Buffer, done: (error?: Error | null) => void): void {
    let bytes = chunk
    if (this._lastBytes !== false) {
      bytes = Buffer.concat([this._lastBytes, chunk])
      this._lastBytes = false
    }
    const mayEndAtOnce = this._atDataStart && bytes[0] === DOT
    // The engine's loop begins with the third octet, too.
    const lineEnd = mayEndAtOnce ? 0 : bytes.indexOf(DOTTED_LINE, 1)
    const dot = lineEnd + 1
    if (lineEnd > 0 && bytes.subarray(dot - 2, dot + 3).equals(END)) {
      this._countDataBytes(dot)
      this._endDataMode(bytes.subarray(0, dot), bytes.subarray(dot + 3), done)
      return
    }
    if (lineEnd < 0 && bytes.length > TAIL) {
      const plain = bytes.length - TAIL
      this._countDataBytes(plain)
      // Whether there is room for more, the engine asks with the rest.
      if (this._dataStream?.writable === true) this._dataStream.write(bytes.subarray(0, plain))
      bytes = bytes.subarray(plain)
    }
    super._feedDataStream(bytes, done)
  }
  /** The engine keeps what follows in a closure that lies in the old generation: it is not to hold the whole chunk there. */
  override _endDataMode(chunk: Buffer | false, remainder: Buffer, callback: (error?: Error | null) => void): void {
    super._endDataMode(chunk, remainder.length === 0 ? NOTHING : Buffer.from(remainder), callback)
  }
}
