/** The bytes of a message from the engine to whoever takes them. @module */
import type { SMTPServerDataStream } from 'smtp-server'
import type { IncomingMessage } from '#services/delivery.ts'

/**
 * Hands over the message as it comes; an iteration over the stream costs more than all else that is done with it. When it
 * has ended, the stream lets go of the message: the stream itself is only collected with the old generation.
 */
export function readAll(stream: SMTPServerDataStream, into: IncomingMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      reject(error instanceof Error ? error : new Error(String(error)))
      stream.destroy()
    }
    const take = (chunk: Uint8Array): void => {
      try {
        const writing = into.write(chunk)
        if (writing === undefined) return
        stream.pause()
        writing.then(() => stream.resume(), fail)
      } catch (error) {
        fail(error)
      }
    }
    const end = (): void => {
      stream.on('error', ignore).off('data', take).off('error', fail).off('close', closed)
      resolve()
    }
    const closed = (): void => reject(new Error('The message was not received to its end'))
    stream.on('data', take).once('end', end).once('error', fail).once('close', closed)
  })
}

function ignore(): void {
  // the message is whole
}
