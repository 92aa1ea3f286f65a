/** The main thread's side of the embedded store: starts the writers, connects threads, keeps house. @module */

import type { CheckFinding, CheckOptions } from './check.ts'
import type { EmbeddedConnection, EmbeddedOptions, ShardStatus } from './options.ts'

/** Owns the writer threads of a data directory. One per process. */
export interface EmbeddedHost extends AsyncDisposable {
  /** A connection for one more thread (or for this one), to be opened with `openEmbeddedStore`. */
  connect(): EmbeddedConnection
  status(): Promise<readonly ShardStatus[]>
  /**
   * Compacts what is worth it, in one shard or all, while everything goes on.
   * @returns octets that the old segments had more than the new ones; given back after the grace time.
   */
  compact(shard?: number): Promise<number>
  /** Drops deleted mail that is past its retention. @returns how many messages. */
  purge(): Promise<number>
  /** Looks for damage; with `repair`, rebuilds what can be derived. */
  check(options: CheckOptions): AsyncIterable<CheckFinding>
  /** Refuses new requests, finishes those that wait, syncs and closes. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Opens or makes the store, recovers what a crash left, and starts a writer thread per shard.
 * @throws {Error} with a clear sentence when a shard is of a newer version or cannot be opened.
 */
export function startEmbedded(_options: EmbeddedOptions): Promise<EmbeddedHost> {
  throw new Error('Not built yet')
}
