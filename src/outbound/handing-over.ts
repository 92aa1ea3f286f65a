/** One message to one destination: all its recipients there, in as many transactions as the other server wants. @module */
import type { DueMessage, QueuedMessage, QueuedRecipient, QueueStore } from '#store/queue.ts'
import type { Connections, NoConnection } from './connections.ts'
import { type RecipientResult, transact } from './transaction.ts'
import type { OutboundConnection } from './transport.ts'

/** RFC 5321 §4.5.3.1.8: a server takes so many at least. */
const MOST_RECIPIENTS = 100

/** What became of a recipient, and over which connection. */
export interface HandedOver {
  readonly recipient: QueuedRecipient
  readonly result: RecipientResult
  readonly host: string | undefined
  readonly tls: string | undefined
  /** The other server tells what becomes of it (DSN). */
  readonly reports: boolean
}

export interface HandingOverDeps {
  readonly store: Pick<QueueStore, 'body'>
  readonly connections: Connections
  /** Header lines that go before a message, the same at each try. */
  readonly sign: (message: QueuedMessage) => Promise<Uint8Array>
}

/** Recipients that are due. */
export function recipientsOf({ message }: DueMessage): readonly QueuedRecipient[] {
  return message.recipients
}

/** Who is not in the answer has not been asked for: the connection broke before. */
export async function handOver(
  job: DueMessage,
  connection: OutboundConnection,
  deps: HandingOverDeps,
): Promise<readonly HandedOver[]> {
  const { message } = job
  const prefix = await deps.sign(message)
  const outgoing = {
    sender: message.sender,
    size: prefix.length + message.body.size,
    smtpUtf8: message.smtpUtf8,
    eightBit: message.eightBit,
    returns: message.returns,
    envelopeId: message.envelopeId,
    body: async () => behind(prefix, await deps.store.body(message)),
  }
  const handed: HandedOver[] = []
  let waiting = recipientsOf(job)
  while (waiting.length > 0 && connection.lost === undefined) {
    const batch = waiting.slice(0, MOST_RECIPIENTS)
    waiting = waiting.slice(MOST_RECIPIENTS)
    let results: readonly RecipientResult[]
    try {
      results = await transact(connection, outgoing, batch)
    } catch (error) {
      connection.destroy('The message could not be sent')
      // what the server has taken already is done, whatever is wrong now
      if (handed.length > 0) return handed
      throw error
    }
    const some = results.some(({ tooMany }) => tooMany !== true)
    const again: QueuedRecipient[] = []
    for (const [index, recipient] of batch.entries()) {
      const result = results[index]
      if (result === undefined) continue
      // RFC 5321 §4.5.3.1.10: the rest in another transaction, at once
      if (result.tooMany === true && some && connection.lost === undefined) again.push(recipient)
      else {
        const { name, tls, extensions } = connection
        handed.push({ recipient, result, host: name, tls, reports: extensions.dsn })
      }
    }
    waiting = [...again, ...waiting]
  }
  return handed
}

/** A kept connection may have been closed by the other side meanwhile, which is nobody's fault: nothing was sent. */
export function wasClosed(connection: OutboundConnection, handed: readonly HandedOver[]): boolean {
  return (
    connection.lost !== undefined &&
    handed.every(({ result }) => result.outcome === 'deferred' && result.uncertain !== true)
  )
}

/** The same for all: nobody could be spoken to. */
export function nobodyReached(job: DueMessage, { outcome, words, host }: NoConnection): readonly HandedOver[] {
  return recipientsOf(job).map((recipient) => ({
    recipient,
    result: { outcome, words },
    host,
    tls: undefined,
    reports: false,
  }))
}

async function* behind(prefix: Uint8Array, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  if (prefix.length > 0) yield prefix
  yield* body
}
