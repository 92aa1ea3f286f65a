/** What goes before messages, made once for all tries and destinations of each. @module */
import type { QueuedMessage, QueueStore } from '#store/queue.ts'
import { isOwnReport } from './reports.ts'
import type { Signer } from './signing.ts'

/** Messages whose lines are in memory, a kilobyte or two each; those of others are made again, which is as good. */
const MOST = 1_000

/** @returns what the scheduler asks for before it hands a message over. */
export function keptPrefixes(
  signer: Signer,
  store: Pick<QueueStore, 'body'>,
): (message: QueuedMessage) => Promise<Uint8Array> {
  const kept = new Map<string, Promise<Uint8Array>>()
  return (message) => {
    const { id } = message
    // one message to many destinations is asked for by all of them at once
    const prefix = kept.get(id) ?? made(message)
    kept.delete(id)
    kept.set(id, prefix)
    if (kept.size > MOST) kept.delete(kept.keys().next().value ?? id)
    // what could not be read may be readable at the next try
    prefix.catch(() => kept.delete(id))
    return prefix
  }

  async function made(message: QueuedMessage): Promise<Uint8Array> {
    const body = await store.body(message)
    return isOwnReport(message) ? signer.signOwn(message.id, body) : signer.sign(message, body)
  }
}
