import type { Clock } from '#lib/clock.ts'
import type { MailStore } from '#store/mail-store.ts'
import type { EmbeddedConnection } from './options.ts'

/**
 * Opens a connection in the thread that will use it: reads go straight to the shards through read-only connections,
 * writes go to the writers. Dispose it before its thread ends; the host and other threads go on.
 */
export function openEmbeddedStore(_connection: EmbeddedConnection, _clock?: Clock): MailStore {
  throw new Error('Not built yet')
}
